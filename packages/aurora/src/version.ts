import { readFileSync } from 'node:fs';

/** The package's version: goes into the metadata of pictures. */
export const version: string = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
