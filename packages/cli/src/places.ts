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
  if (named === '') throw new UsageError('--model is empty: name a GGUF file, or leave it out.');
  if (named !== undefined) return resolve(named);
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.gguf')) : [];
  const [first] = files.sort();
  if (first !== undefined) return join(folder, first);
  throw new UsageError(
    `There is no default model in ${folder}. Name a GGUF file: --model path/to/model.gguf`,
  );
}

/** `models/edit` of the repository this file is in. */
export function embeddedEditModelFolder(): string {
  return resolve(import.meta.dirname, '..', '..', '..', 'models', 'edit');
}

/** The edit model that comes along: the folder itself or the first model in it. Undefined when there is none. */
export function findEditModel(folder: string): string | undefined {
  const isModel = (path: string): boolean => existsSync(join(path, 'model_index.json'));
  if (isModel(folder)) return folder;
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  return names.map((name) => join(folder, name)).find(isModel);
}

/** The edit model to use. Throws `UsageError` when none was named and none comes along. */
export function resolveEditModel(named: string | undefined, folder: string): string {
  const found = named === undefined ? findEditModel(folder) : resolve(named);
  if (found !== undefined) return found;
  throw new UsageError(
    `There is no default edit model in ${folder}. Name a diffusers folder: --model path/to/instruct-pix2pix`,
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
