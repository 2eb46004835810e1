/**
 * A file compiled for an instruction set must not define a function that other files define too: the linker keeps one copy
 * for all, and a processor without that instruction set would run into it.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const folder = path.join(import.meta.dirname, '..', 'build', 'objects');
const named = /^(.*_(?:avx2|avxvnni|avx512|avx512bf16|amx))\.[0-9a-f]+\.o$/;
const hasNm = spawnSync('nm', ['--version']).status === 0;

/** The newest object of each such file: name and path. */
function isaObjects(): Map<string, string> {
  const newest = new Map<string, { readonly file: string; readonly time: number }>();
  for (const entry of readdirSync(folder)) {
    const name = named.exec(entry)?.[1];
    if (name === undefined) continue;
    const file = path.join(folder, entry);
    const time = statSync(file).mtimeMs;
    if (time > (newest.get(name)?.time ?? 0)) newest.set(name, { file, time });
  }
  return new Map([...newest].map(([name, { file }]) => [name, file]));
}

describe.runIf(hasNm && process.arch === 'x64' && process.platform === 'linux')(
  'objects of instruction sets',
  () => {
    const objects = isaObjects();

    it('are found', () => {
      expect(objects.size).toBeGreaterThan(10);
    });

    it.each([...objects])('%s defines nothing that others share', (_, file) => {
      const { stdout, status } = spawnSync('nm', ['-C', file], { encoding: 'utf8' });
      expect(status).toBe(0);
      expect(stdout).not.toBe('');
      // Weak or unique: inline functions and templates that were not inlined.
      expect(stdout.split('\n').filter((line) => / [WwVvu] /.test(line))).toEqual([]);
    });
  },
);
