/** Loading never holds two full copies of the weights: the file's pages are let go as they are repacked. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';

const child = path.join(import.meta.dirname, '..', 'test', 'load-memory-child.mjs');

test.runIf(process.platform === 'linux').each(['q8_0', 'q4_0', 'f16', 'bf16', 'f32'])(
  'loading %s takes little more memory than the weights',
  (format) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'triptych-load-'));
    try {
      const { stdout, stderr } = spawnSync(process.execPath, [child, path.join(folder, 'm.gguf'), format], {
        encoding: 'utf8',
        timeout: 60_000,
      });
      expect(stderr).toBe('');
      const { fileBytes, peakBytes } = JSON.parse(stdout);
      // Less than the file would mean that the measurement is wrong.
      expect(peakBytes / fileBytes).toBeGreaterThan(0.9);
      expect(peakBytes / fileBytes).toBeLessThan(1.35);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  },
  90_000,
);
