import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CheckpointError } from '../errors.js';
import { parseSafetensorsHeader } from './header.js';
import { openSafetensors, readSafetensors, type SafetensorsTensor } from './read.js';
import { writeSafetensors } from './write.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'safetensors-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const tensor = fc.oneof(
  fc.float32Array({ maxLength: 9 }).map((data) => ({ dtype: 'F32', shape: [data.length], data }) as const),
  fc.float64Array({ maxLength: 9 }).map((data) => ({ dtype: 'F64', shape: [1, data.length], data }) as const),
  fc.uint16Array({ maxLength: 9 }).map((data) => ({ dtype: 'BF16', shape: [data.length, 1], data }) as const),
  fc.bigInt64Array({ maxLength: 9 }).map((data) => ({ dtype: 'I64', shape: [data.length], data }) as const),
  fc.uint8Array({ maxLength: 9 }).map((data) => ({ dtype: 'BOOL', shape: [data.length], data }) as const),
  fc.int32Array({ minLength: 1, maxLength: 1 }).map((data) => ({ dtype: 'I32', shape: [], data }) as const),
);
const name = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => text !== '__metadata__');

describe('writeSafetensors and readSafetensors', () => {
  it('give back what was written', async () => {
    const path = join(folder, 'random.safetensors');
    const property = fc.asyncProperty(
      fc.dictionary(name, tensor),
      fc.dictionary(name, fc.string()),
      async (tensors, keys) => {
        await writeSafetensors(path, { tensors: Object.entries(tensors), metadata: Object.entries(keys) });
        const file = await readSafetensors(path);
        expect(Object.fromEntries(file.tensors)).toEqual({ ...tensors });
        expect(Object.fromEntries(file.metadata)).toEqual({ ...keys });
        const header = await openSafetensors(path);
        for (const { offset, dtype } of header.tensors.values()) {
          const elementBytes = { F64: 8, I64: 8, F32: 4, I32: 4, BF16: 2 }[dtype as string] ?? 1;
          expect(offset % elementBytes).toBe(0);
        }
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });

  it('read only the tensors asked for', async () => {
    const path = join(folder, 'some.safetensors');
    const values = (n: number): SafetensorsTensor => ({ dtype: 'F32', shape: [1], data: Float32Array.of(n) });
    await writeSafetensors(path, {
      tensors: [
        ['a', values(1)],
        ['b', values(2)],
      ],
    });
    const { tensors } = await readSafetensors(path, { names: ['b'] });
    expect([...tensors]).toEqual([['b', values(2)]]);
    await expect(readSafetensors(path, { names: ['c'] })).rejects.toThrow(/no tensor "c"/);
  });

  it('refuse tensors that contradict themselves, and leave no file', async () => {
    const path = join(folder, 'refused.safetensors');
    const write = (one: object) => writeSafetensors(path, { tensors: [['t', one as SafetensorsTensor]] });
    await expect(write({ dtype: 'F32', shape: [3], data: new Float32Array(2) })).rejects.toThrow(
      /shape \[3\]/,
    );
    await expect(write({ dtype: 'F16', shape: [2], data: new Float32Array(2) })).rejects.toThrow(
      /does not carry/,
    );
    await expect(write({ dtype: 'X', shape: [2], data: new Float32Array(2) })).rejects.toThrow(/"t"/);
    const abort = AbortSignal.abort(new Error('enough'));
    await expect(writeSafetensors(path, { tensors: [], signal: abort })).rejects.toThrow('enough');
    expect(readdirSync(folder).filter((file) => /refused|tmp/.test(file))).toEqual([]);
  });

  it('refuse files that are cut off or are something else', async () => {
    const path = join(folder, 'cut.safetensors');
    await writeSafetensors(path, {
      tensors: [['a', { dtype: 'F32', shape: [4], data: new Float32Array(4) }]],
    });
    const bytes = readFileSync(path);
    for (let length = 0; length < bytes.length; length++) {
      writeFileSync(path, bytes.subarray(0, length));
      await expect(openSafetensors(path)).rejects.toMatchObject({ code: 'SAFETENSORS' });
    }
    await expect(openSafetensors(join(folder, 'missing'))).rejects.toMatchObject({ code: 'IO' });
  });
});

describe('parseSafetensorsHeader', () => {
  const parse = (header: unknown, dataBytes = 8) => {
    const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
    return parseSafetensorsHeader(json, 8 + json.length + dataBytes);
  };
  const good = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };

  it.each<[string, RegExp, unknown]>([
    ['no JSON', /not JSON/, '{'],
    ['a list', /must be a JSON object/, []],
    ['numbers as metadata', /"k" must be a string/, { __metadata__: { k: 1 } }],
    ['a dtype that hides its text', /not a string/, { t: { ...good, dtype: { toString: 1, valueOf: 1 } } }],
    ['an unknown dtype', /"X9" is not supported/, { t: { ...good, dtype: 'X9' } }],
    ['a negative size', /shape must be/, { t: { ...good, shape: [-2] } }],
    ['a shape that is no list', /shape must be/, { t: { ...good, shape: 2 } }],
    ['one offset', /data_offsets must be/, { t: { ...good, data_offsets: [0] } }],
    [
      'a size that does not match',
      /span 8 bytes but shape and dtype need 12/,
      { t: { ...good, shape: [3] } },
    ],
    ['an overflowing shape', /need/, { t: { ...good, shape: [2 ** 50, 2 ** 50] } }],
    ['a gap', /gap or overlap/, { t: { ...good, data_offsets: [4, 12] } }],
    ['an overlap', /gap or overlap/, { t: good, u: good }],
    ['data left over', /end at byte/, {}],
  ])('refuses %s', (_, message, header) => {
    expect(() => parse(header)).toThrow(message);
  });

  it('never throws anything but a CheckpointError', () => {
    const json = JSON.stringify({ __metadata__: { a: 'b' }, t: good });
    const property = fc.property(fc.nat(json.length - 1), fc.string({ maxLength: 3 }), (at, text) => {
      try {
        parse(json.slice(0, at) + text + json.slice(at + 1));
      } catch (error) {
        expect(CheckpointError.isInstance(error)).toBe(true);
      }
    });
    fc.assert(property, { numRuns: 3000 });
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        try {
          parse({ t: value });
        } catch (error) {
          expect(CheckpointError.isInstance(error)).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
