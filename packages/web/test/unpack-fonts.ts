/**
 * @module
 * A readable sans-serif for the pictures: machines that run tests rarely have more than DejaVu. The Chromium
 * package carries Open Sans; the page itself only ever uses the fonts of the machine it is seen on.
 */

import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';

/** Unpacks into `folder`; returns what the browser's process needs in its environment. */
export async function unpackFonts(folder: string): Promise<Record<string, string>> {
  const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
  const root = entry.slice(0, entry.lastIndexOf('chromium') + 'chromium'.length);
  const packed = await readFile(join(root, 'bin/fonts.tar.br'));
  await mkdir(folder, { recursive: true });
  const archive = join(folder, 'fonts.tar');
  await writeFile(archive, await promisify(brotliDecompress)(packed));
  await promisify(execFile)('tar', ['xf', archive, '-C', folder]);
  const configuration = join(folder, 'triptych-fonts.conf');
  await writeFile(
    configuration,
    `<?xml version="1.0"?><fontconfig>
      <dir>${folder}</dir><dir>/usr/share/fonts</dir><cachedir>${join(folder, 'cache')}</cachedir>
      <alias><family>sans-serif</family><prefer><family>Open Sans</family></prefer></alias>
      <alias><family>system-ui</family><prefer><family>Open Sans</family></prefer></alias>
      <alias><family>serif</family><prefer><family>DejaVu Serif</family></prefer></alias>
      <alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
    </fontconfig>`,
  );
  return { FONTCONFIG_FILE: configuration };
}
