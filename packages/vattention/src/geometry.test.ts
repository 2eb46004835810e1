import { describe, expect, it } from 'vitest';
import { KvError } from './errors.js';
import { bytesFor, groupsFor, type KvGeometryOptions, kvGeometry, tokensIn } from './geometry.js';

const small: KvGeometryOptions = {
  layers: 22,
  maxTokens: 4096,
  kvHeads: 4,
  headDim: 64,
  elementBytes: 2,
  slots: 64,
};

describe('kvGeometry', () => {
  it('gives the numbers of the paper for Yi-34B on two workers', () => {
    const yi = kvGeometry({
      layers: 60,
      kvHeads: 4,
      headDim: 128,
      elementBytes: 2,
      maxTokens: 200_000,
      slots: 500,
      pageGroupBytes: 65_536,
    });
    // S = 200K * 4 * 128 * 2 bytes, "200 MB"; 120 buffers of B * S, "12 TB" of addresses.
    expect(yi.tensorBytes).toBe(Math.ceil(204_800_000 / 65_536) * 65_536);
    expect(yi.tensors).toBe(120);
    expect(yi.reservedBytes / 1e12).toBeCloseTo(12.29, 2);
  });

  it('rounds each tensor up to whole page groups and keeps slots apart', () => {
    for (const pageGroupBytes of [4096, 16_384, 65_536, 2 ** 21]) {
      const geometry = kvGeometry({ ...small, maxTokens: 1000, headDim: 48, pageGroupBytes });
      expect(geometry.tensorBytes % pageGroupBytes).toBe(0);
      expect(geometry.tensorBytes).toBeGreaterThanOrEqual(1000 * geometry.rowBytes);
      expect(geometry.tensorBytes - 1000 * geometry.rowBytes).toBeLessThan(pageGroupBytes);
      expect(geometry.slotBytes).toBe(44 * geometry.tensorBytes);
      expect(geometry.reservedBytes).toBe(64 * geometry.slotBytes);
    }
  });

  it('counts tokens and page groups consistently, also when a row straddles two groups', () => {
    const shapes = [64, 48, 80, 4096, 100].flatMap((headDim) =>
      [1, 7, 16].map((blockTokens) => ({ headDim, blockTokens, maxTokens: 4090 })),
    );
    for (const shape of shapes) {
      const geometry = kvGeometry({ ...small, ...shape });
      for (let tokens = 0; tokens <= 600; tokens++) {
        const groups = groupsFor(geometry, tokens);
        expect(tokensIn(geometry, groups)).toBeGreaterThanOrEqual(tokens);
        if (tokens > 0) expect(tokensIn(geometry, groups - 1)).toBeLessThan(tokens);
        // A block's bytes are there for its first token.
        const blocks = Math.ceil(tokens / shape.blockTokens);
        expect(groups * 4096).toBeGreaterThanOrEqual(blocks * shape.blockTokens * geometry.rowBytes);
        expect(bytesFor(geometry, tokens)).toBe(groups * 44 * 4096);
      }
      expect(groupsFor(geometry, geometry.maxTokens)).toBe(geometry.groupsPerTensor);
      expect(tokensIn(geometry, geometry.groupsPerTensor)).toBe(geometry.maxTokens);
    }
  });

  it('defect 9: a wrong type or an absurd number is an error that names the field', () => {
    const wrong: [keyof KvGeometryOptions, unknown][] = [
      ['layers', 0],
      ['layers', -1],
      ['maxTokens', 1.5],
      ['maxTokens', Number.NaN],
      ['maxTokens', 2 ** 40],
      ['kvHeads', '4'],
      ['headDim', Number.POSITIVE_INFINITY],
      ['elementBytes', 16],
      ['slots', undefined],
      ['slots', true],
      ['blockTokens', 0],
      ['pageGroupBytes', true],
      ['pageGroupBytes', 4095],
      ['pageGroupBytes', 12_288],
      ['pageGroupBytes', 2 ** 22],
      ['pageGroupBytes', 2048],
    ];
    for (const [field, value] of wrong) {
      const make = () => kvGeometry({ ...small, [field]: value } as KvGeometryOptions);
      expect(make, `${field} = ${String(value)}`).toThrow(new RegExp(field));
      expect(make).toThrow(expect.objectContaining({ code: 'invalid_geometry' }));
    }
    const tooMuch = () => kvGeometry({ ...small, maxTokens: 2 ** 30, slots: 1000 });
    expect(tooMuch).toThrow(/TiB of address space/);
    try {
      tooMuch();
    } catch (error) {
      expect(KvError.isInstance(error)).toBe(true);
    }
  });
});
