/**
 * @module
 * Where things are: the default model and the built playground.
 */
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { UsageError } from './exit.js';

/** `models/text` of the repository this file is in. */
export function embeddedModelFolder(): string {
  return resolve(import.meta.dirname, '..', '..', '..', 'models', 'text');
}

/** The model file to use. Throws `UsageError` when none was named and none comes along. */
export function resolveModel(named: string | undefined, folder: string): string {
  if (named !== undefined) return resolve(named);
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.gguf')) : [];
  const [first] = files.sort();
  if (first !== undefined) return join(folder, first);
  throw new UsageError(
    `There is no default model in ${folder}. Name a GGUF file: --model path/to/model.gguf`,
  );
}

/** The playground's files, when the package is there and built. */
export function findWebRoot(): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve('@triptych/web/package.json');
    const root = join(dirname(manifest), 'dist');
    return existsSync(join(root, 'index.html')) ? root : undefined;
  } catch {
    return undefined;
  }
}
