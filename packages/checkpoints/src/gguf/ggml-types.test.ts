import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type GgmlType, ggmlSizeBytes, ggmlType, ggmlTypeById } from './ggml-types.js';

const path = join(import.meta.dirname, '../../fixtures/ggml-types.golden.json');
const golden = JSON.parse(readFileSync(path, 'utf8')) as {
  types: { id: number; name: string; blockSize: number; blockBytes: number }[];
};

describe('ggml types', () => {
  it.each(golden.types)('$name is laid out as in ggml', ({ id, name, blockSize, blockBytes }) => {
    const info = ggmlTypeById(id);
    expect(info?.name.toLowerCase()).toBe(name.toLowerCase());
    expect(info).toMatchObject({ blockSize, blockBytes });
    expect(ggmlType(info!.name)).toBe(info);
  });

  it('knows none that ggml does not', () => {
    const ids = new Set(golden.types.map(({ id }) => id));
    for (let id = 0; id < 256; id++) expect(ggmlTypeById(id) !== undefined).toBe(ids.has(id));
  });

  it('counts bytes in whole blocks', () => {
    const sizes: [GgmlType, number, number][] = [
      ['F32', 3, 12],
      ['Q4_0', 64, 36],
      ['Q6_K', 512, 420],
    ];
    for (const [type, count, bytes] of sizes) expect(ggmlSizeBytes(type, count)).toBe(bytes);
  });
});
