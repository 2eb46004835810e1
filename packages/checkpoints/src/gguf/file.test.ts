import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quantize } from '../quant/quantize.js';
import { openGguf, readTensorBytes } from './read.js';
import { inputMetadata } from './rewrite.js';
import { f32, type GgufInputMetadata, type GgufInputValue, u8, u32, u64 } from './values.js';
import { type GgufTensorInput, writeGguf } from './write.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gguf-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const noMetadata: GgufInputMetadata = new Map();

function tensor(name: string, count: number): GgufTensorInput {
  const values = Float32Array.from({ length: count }, (_, i) => Math.sin(i));
  return { name, dims: [32, count / 32], type: 'Q8_0', data: quantize('Q8_0', values) };
}

describe('writeGguf and openGguf', () => {
  const finite = { noNaN: true, noDefaultInfinity: true };
  const text = fc.string({ unit: 'grapheme', maxLength: 20 });
  const value: fc.Arbitrary<GgufInputValue> = fc.oneof(
    text,
    fc.boolean(),
    fc.integer({ min: 0, max: 255 }).map(u8),
    fc.integer({ min: 0, max: 2 ** 32 - 1 }).map(u32),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(u64),
    fc.float(finite).map(f32),
    fc.array(text, { maxLength: 5 }),
    fc.float32Array(finite),
    fc.int32Array(),
    fc.bigInt64Array(),
    fc.uint8Array(),
  );
  const metadata = fc
    .array(fc.tuple(fc.string({ minLength: 1, maxLength: 12 }), value))
    .map((entries) => new Map(entries));

  it('reads back what was written', async () => {
    const path = join(folder, 'random.gguf');
    const property = fc.asyncProperty(
      metadata.filter((entries) => !entries.has('general.alignment')),
      fc.uniqueArray(fc.tuple(fc.string({ minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 4 })), {
        selector: ([name]) => name,
      }),
      async (keys, shapes) => {
        const tensors = shapes.map(([name, rows]) => tensor(name, rows * 32));
        await writeGguf(path, { metadata: keys, tensors });
        const file = await openGguf(path);
        expect([...file.metadata.keys()]).toEqual([...keys.keys()]);
        for (const [key, written] of keys) {
          const plain = typeof written === 'object' && 'type' in written ? written.value : written;
          const read = file.metadata.get(key);
          if (typeof plain === 'bigint') expect(BigInt(read as number)).toBe(plain);
          else expect(read).toEqual(plain);
        }
        expect([...file.tensors.keys()]).toEqual(tensors.map(({ name }) => name));
        for (const { name, data } of tensors) {
          expect(await readTensorBytes(file, file.tensors.get(name)!)).toEqual(
            Buffer.from(data as Uint8Array),
          );
        }
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });

  it('reads a header larger than its first window', async () => {
    const path = join(folder, 'large.gguf');
    const tokens = Array.from({ length: 200_000 }, (_, id) => `token number ${id}`);
    await writeGguf(path, { metadata: new Map([['tokens', tokens]]), tensors: [tensor('last', 64)] });
    const file = await openGguf(path);
    expect(file.metadata.get('tokens')).toEqual(tokens);
    expect(file.tensors.get('last')!.sizeBytes).toBe(68);
    truncateSync(path, 2 << 20);
    await expect(openGguf(path)).rejects.toMatchObject({ code: 'GGUF_TRUNCATED' });
    await expect(openGguf(path, { maxHeaderBytes: 1 << 20 })).rejects.toMatchObject({ code: 'GGUF_LIMIT' });
  });

  it('honours another alignment', async () => {
    const path = join(folder, 'aligned.gguf');
    const tensors = [tensor('a', 32), tensor('b', 32)];
    await writeGguf(path, { metadata: new Map([['general.alignment', u32(4096)]]), tensors });
    const file = await openGguf(path);
    expect(file.alignment).toBe(4096);
    expect([...file.tensors.values()].map(({ offset }) => offset)).toEqual([4096, 8192]);
  });

  it('takes tensor data in chunks and reports progress', async () => {
    const path = join(folder, 'chunks.gguf');
    const { data } = tensor('a', 320);
    const bytes = data as Uint8Array;
    async function* chunks(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7);
    }
    const progress: number[] = [];
    await writeGguf(path, {
      metadata: noMetadata,
      tensors: [
        { ...tensor('a', 320), data: chunks() },
        { name: 'b', dims: [3], type: 'F32', data: Float32Array.of(1, 2, 3) },
      ],
      onProgress: ({ writtenBytes, totalBytes }) => progress.push(writtenBytes / totalBytes),
    });
    const file = await openGguf(path);
    expect(await readTensorBytes(file, file.tensors.get('a')!)).toEqual(Buffer.from(bytes));
    expect(progress).toHaveLength(2);
    expect(progress[1]).toBe(1);
  });

  it.each<[string, RegExp, readonly GgufTensorInput[]]>([
    [
      'too little data',
      /gave 34 bytes of data, its dims and type need 68/,
      [{ ...tensor('a', 64), data: new Uint8Array(34) }],
    ],
    ['too much data', /need 34/, [{ ...tensor('a', 32), data: [new Uint8Array(34), new Uint8Array(1)] }]],
    ['partial blocks', /blocks of 32/, [{ name: 'a', dims: [33], type: 'Q4_0', data: new Uint8Array(18) }]],
    ['a long name', /63 bytes/, [{ ...tensor('a', 32), name: 'n'.repeat(64) }]],
    ['one name twice', /occurs twice/, [tensor('a', 32), tensor('a', 32)]],
    ['no dimensions', /1 to 4 positive/, [{ name: 'a', dims: [], type: 'F32', data: new Uint8Array(0) }]],
  ])('refuses %s and leaves no file', async (_, message, tensors) => {
    const path = join(folder, 'refused.gguf');
    await expect(writeGguf(path, { metadata: noMetadata, tensors })).rejects.toThrow(message);
    expect(existsSync(path)).toBe(false);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('refuses numbers that do not fit their type', async () => {
    const path = join(folder, 'refused.gguf');
    const write = (value: GgufInputValue) =>
      writeGguf(path, { metadata: new Map([['key', value]]), tensors: [] });
    await expect(write(u32(-1))).rejects.toThrow(/"key": -1 does not fit uint32/);
    await expect(write(u8(256))).rejects.toMatchObject({ code: 'GGUF_METADATA' });
    await expect(write(u32(1.5))).rejects.toMatchObject({ code: 'GGUF_METADATA' });
  });

  it('keeps the old file when a write is aborted', async () => {
    const path = join(folder, 'kept.gguf');
    writeFileSync(path, 'old');
    const abort = new AbortController();
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(17);
      abort.abort(new Error('enough'));
      yield new Uint8Array(17);
    }
    const write = writeGguf(path, {
      metadata: noMetadata,
      tensors: [{ ...tensor('a', 32), data: endless() }],
      signal: abort.signal,
    });
    await expect(write).rejects.toThrow('enough');
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('names the path when a file cannot be opened or written', async () => {
    await expect(openGguf(join(folder, 'missing.gguf'))).rejects.toMatchObject({
      code: 'IO',
      message: expect.stringMatching('missing.gguf') as string,
    });
    await expect(openGguf(folder)).rejects.toMatchObject({ code: 'IO' });
    const write = writeGguf(join(folder, 'no', 'such.gguf'), { metadata: noMetadata, tensors: [] });
    await expect(write).rejects.toMatchObject({
      code: 'IO',
      message: expect.stringMatching('such.gguf') as string,
    });
  });
});

describe('a file made by ggml', () => {
  const fixture = join(import.meta.dirname, '../../fixtures/ggml-made.gguf');

  it('is written again byte for byte', async () => {
    const file = await openGguf(fixture);
    const tensors: GgufTensorInput[] = [];
    for (const tensor of file.tensors.values())
      tensors.push({ ...tensor, data: await readTensorBytes(file, tensor) });
    const path = join(folder, 'again.gguf');
    await writeGguf(path, { metadata: inputMetadata(file), tensors });
    expect(readFileSync(path).equals(readFileSync(fixture))).toBe(true);
  });

  it('is read whole', async () => {
    const file = await openGguf(fixture);
    expect(Object.fromEntries(file.metadata)).toEqual({
      'general.architecture': 'llama',
      'general.name': 'made by ggml ✓',
      u8: 200,
      i16: -300,
      u32: 4_000_000_000,
      i64: -5_000_000_000,
      f32: 0.25,
      f64: 1e300,
      bool: true,
      scores: Float32Array.of(0, -1.5),
      kinds: Int32Array.of(3, -1),
      tokens: ['<s>', '▁the'],
    });
    const tensors = [...file.tensors.values()].map(({ name, dims, type, sizeBytes }) => [
      name,
      type,
      dims.join(),
      sizeBytes,
    ]);
    expect(tensors).toEqual([
      ['f32', 'F32', '3,2', 24],
      ['f16', 'F16', '5', 10],
      ['q4_0', 'Q4_0', '32,3', 54],
      ['q8_0', 'Q8_0', '64', 68],
      ['q6_K', 'Q6_K', '256', 210],
      ['iq4_xs', 'IQ4_XS', '256', 136],
      ['bf16', 'BF16', '4,4', 32],
    ]);
    for (const tensor of file.tensors.values()) {
      const bytes = await readTensorBytes(file, tensor);
      expect([...bytes]).toEqual(Array.from(bytes, (_, i) => (i * 7 + tensor.typeId) % 256));
    }
  });
});
