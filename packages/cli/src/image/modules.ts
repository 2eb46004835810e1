/**
 * @module
 * The image packages, loaded when they are first needed: a text-only install has none of them, and text commands should
 * not wait for them.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { UsageError } from '../exit.js';

/** True when the image packages are installed; loads nothing. */
export function hasImagePackages(): boolean {
  const { resolve } = createRequire(import.meta.url);
  return ['@triptych/aurora', '@triptych/media', '@triptych/world'].every((name) => {
    const folders = resolve.paths(name) ?? [];
    return folders.some((folder) => existsSync(join(folder, name, 'package.json')));
  });
}

/** Throws `UsageError` when they are not installed. */
export async function loadImageModules(): Promise<
  typeof import('@triptych/aurora') & { readonly media: typeof import('@triptych/media') }
> {
  try {
    const [aurora, media] = await Promise.all([import('@triptych/aurora'), import('@triptych/media')]);
    return { ...aurora, media };
  } catch (error) {
    throw missing(error);
  }
}

/** The made-up scenes. Throws `UsageError` when they are not installed. */
export async function loadWorldModule(): Promise<typeof import('@triptych/world')> {
  try {
    return await import('@triptych/world');
  } catch (error) {
    throw missing(error);
  }
}

function missing(error: unknown): unknown {
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
  if (!isMissing) return error;
  return new UsageError(
    'Pictures need packages that are not installed here: npm install @triptych/aurora @triptych/media @triptych/world',
  );
}
