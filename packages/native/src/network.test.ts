import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { detectIsa, Network, type NetworkSpec } from './index.js';

let folder = '';
let file = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'triptych-network-'));
  file = path.join(folder, 'weights');
  writeFileSync(file, Buffer.from(Float32Array.of(1, 2, 3, 4, 5, 6).buffer));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** [2, 3] times [3 channels, 2 tokens]. */
function spec(change: Partial<NetworkSpec> = {}): NetworkSpec {
  const x = Float64Array.of(0, 3, 2, 16);
  const out = Float64Array.of(48, 2, 2, 16);
  return {
    files: [{ path: file }],
    tensors: [{ file: 0, offset: 0, ggmlType: 0, rows: 2, k: 3 }],
    constants: [],
    ops: [
      { op: 'input', index: 0, out: x, batch: 1, byTokens: true },
      { op: 'product', x, weight: 0, out, batch: 1 },
      { op: 'output', index: 0, x: out, batch: 1, byTokens: true },
    ],
    arenaFloats: 80,
    inputSizes: Float64Array.of(6),
    outputSizes: Float64Array.of(4),
    threads: 2,
    isa: detectIsa(),
    ...change,
  };
}

test('a network multiplies by weights in a file, run after run', () => {
  const network = new Network(spec());
  const x = Float32Array.of(1, 0, 1, 0, 1, 0);
  for (let run = 0; run < 3; run++) expect(network.run([x])).toEqual([Float32Array.of(4, 10, 2, 5)]);
  network.close();
  network.close();
  expect(() => network.run([x])).toThrow(/closed/);
});

test.each([
  ['a file that is not there', { files: [{ path: '/nowhere' }] }, /cannot open/],
  ['a tensor beyond the file', { tensors: [{ file: 0, offset: 1, ggmlType: 0, rows: 2, k: 3 }] }, /beyond/],
  ['too small an arena', { arenaFloats: 79 }, /does not fit/],
  ['sizes that differ', { inputSizes: Float64Array.of(5) }, /bad input/],
  ['no threads', { threads: 0 }, /threads/],
])('refuses %s', (_, change, message) => {
  expect(() => new Network(spec(change))).toThrow(message);
});

test('refuses arrays of another size', () => {
  const network = new Network(spec());
  expect(() => network.run([new Float32Array(5)])).toThrow(/inputs/);
  expect(() => network.run([])).toThrow(/inputs/);
  network.close();
});
