import { describe, expect, it } from 'vitest';
import { CheckpointError } from '../errors.js';
import { everyTypeSample, sampleFile, sampleLlamaKeys } from '../testing/gguf-samples.js';
import type { ByteWriter } from './encode.js';
import { parseGguf } from './parse.js';
import { valueTypeIds } from './values.js';

/** The code and message of what `run` throws. */
function refusal(run: () => unknown): { code: string; message: string } {
  try {
    run();
  } catch (error) {
    if (CheckpointError.isInstance(error)) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('expected a refusal');
}

/** A file with one raw metadata entry. */
function withEntry(write: (writer: ByteWriter) => void, padding = 0): Uint8Array {
  return sampleFile(new Map(), [], {
    count: 1,
    write: (writer) => {
      write(writer);
      writer.zeros(padding);
    },
  });
}

function edited(bytes: Uint8Array, edit: (view: DataView) => void): Uint8Array {
  const copy = new Uint8Array(bytes);
  edit(new DataView(copy.buffer));
  return copy;
}

describe('parseGguf', () => {
  it('reads every value type', () => {
    const { metadata, keyTypes, tensors, version } = parseGguf(everyTypeSample());
    expect(version).toBe(3);
    expect(metadata.get('i8')).toBe(-128);
    expect(metadata.get('u64')).toBe(2n ** 64n - 1n);
    expect(metadata.get('i64')).toBe(-5);
    expect(metadata.get('f64')).toBe(Math.PI);
    expect(metadata.get('bool')).toBe(true);
    expect(metadata.get('string')).toBe('ünïcode ✓');
    expect(metadata.get('shorts')).toEqual(Int16Array.of(-1, 2));
    expect(metadata.get('longs')).toEqual(BigInt64Array.of(-1n, 2n));
    expect(metadata.get('flags')).toEqual([true, false, true]);
    expect(metadata.get('strings')).toEqual(['a', '', '✓']);
    expect(metadata.get('nested')).toEqual([Uint32Array.of(1), Uint32Array.of(2, 3)]);
    expect(keyTypes.get('i8')).toEqual({ type: 'int8' });
    expect(keyTypes.get('strings')).toEqual({ type: 'array', itemType: 'string' });
    expect(tensors.get('four')).toMatchObject({ dims: [4, 3, 2, 1], type: 'F64', sizeBytes: 192 });
    expect(tensors.get('k')).toMatchObject({ type: 'Q4_K', typeId: 12, sizeBytes: 288 });
    for (const { offset } of tensors.values()) expect(offset % 32).toBe(0);
  });

  it('reads version 2', () => {
    const bytes = edited(everyTypeSample(), (view) => view.setUint32(4, 2, true));
    expect(parseGguf(bytes).version).toBe(2);
  });

  it('accepts a file without keys and tensors', () => {
    expect(parseGguf(sampleFile(new Map())).tensors.size).toBe(0);
  });

  it.each<[string, string, RegExp, Uint8Array]>([
    ['another format', 'GGUF_MAGIC', /GGUF/, Buffer.from('PK\u0003\u0004 not a model file at all')],
    [
      'version 1',
      'GGUF_VERSION',
      /version 1/,
      edited(everyTypeSample(), (view) => view.setUint32(4, 1, true)),
    ],
    [
      'big endian',
      'GGUF_BIG_ENDIAN',
      /big-endian/,
      edited(everyTypeSample(), (view) => view.setUint32(4, 3)),
    ],
    [
      'absurd tensor count',
      'GGUF_LIMIT',
      /tensor count/,
      edited(everyTypeSample(), (view) => view.setBigUint64(8, 2n ** 63n, true)),
    ],
    [
      'more tensors than bytes',
      'GGUF_TRUNCATED',
      /tensor table/,
      edited(everyTypeSample(), (view) => view.setBigUint64(8, 2n ** 40n, true)),
    ],
    [
      'more keys than bytes',
      'GGUF_TRUNCATED',
      /metadata/,
      edited(everyTypeSample(), (view) => view.setBigUint64(16, 2n ** 40n, true)),
    ],
    [
      'an endless string',
      'GGUF_TRUNCATED',
      /metadata "s"/,
      withEntry((writer) => {
        writer.string('s');
        writer.uint32(valueTypeIds.string);
        writer.uint64(2n ** 50n);
      }),
    ],
    [
      'an endless array',
      'GGUF_TRUNCATED',
      /metadata "a"/,
      withEntry((writer) => {
        writer.string('a');
        writer.uint32(valueTypeIds.array);
        writer.uint32(valueTypeIds.uint8);
        writer.uint64(2n ** 50n);
      }),
    ],
    [
      'an unknown value type',
      'GGUF_METADATA',
      /metadata "t" has the unknown value type 13/,
      withEntry((writer) => {
        writer.string('t');
        writer.uint32(13);
      }),
    ],
    [
      'a boolean that is neither',
      'GGUF_METADATA',
      /"b".*value 2/,
      withEntry((writer) => {
        writer.string('b');
        writer.uint32(valueTypeIds.bool);
        writer.raw(Uint8Array.of(2));
      }),
    ],
    [
      'invalid UTF-8',
      'GGUF_UTF8',
      /"u" is not valid UTF-8/,
      withEntry((writer) => {
        writer.string('u');
        writer.uint32(valueTypeIds.string);
        writer.uint64(2);
        writer.raw(Uint8Array.of(0xc3, 0x28));
      }),
    ],
    [
      'arrays nested too deep',
      'GGUF_LIMIT',
      /nests arrays/,
      withEntry((writer) => {
        writer.string('deep');
        for (let depth = 0; depth < 8; depth++) {
          writer.uint32(valueTypeIds.array);
          if (depth > 0) writer.uint64(1);
        }
        writer.uint32(valueTypeIds.uint8);
        writer.uint64(0);
      }, 64),
    ],
    [
      'the same key twice',
      'GGUF_DUPLICATE',
      /"general.name" occurs twice/,
      sampleFile(sampleLlamaKeys(4), [], {
        count: 1,
        write: (writer) => {
          writer.string('general.name');
          writer.uint32(valueTypeIds.string);
          writer.string('again');
        },
      }),
    ],
    [
      'an alignment that is no power of two',
      'GGUF_METADATA',
      /general.alignment.* 48/,
      sampleFile(new Map([['general.alignment', { type: 'uint32', value: 48 } as const]])),
    ],
  ])('refuses %s', (_, code, message, bytes) => {
    const { code: actual, message: text } = refusal(() => parseGguf(bytes));
    expect(text).toMatch(message);
    expect(actual).toBe(code);
  });
});

describe('tensor table', () => {
  const tensor = { name: 'weight', dims: [32, 2], type: 'Q8_0' } as const;
  const file = sampleFile(new Map(), [tensor]);
  const at = (needle: string): number => Buffer.from(file).indexOf(needle) + needle.length;
  // After the name: dimension count u32, dims u64 x 2, type u32, offset u64.
  const dims = at('weight') + 4;

  it.each<[string, RegExp, (view: DataView) => void]>([
    ['no dimensions', /0 dimensions/, (view) => view.setUint32(dims - 4, 0, true)],
    ['five dimensions', /5 dimensions/, (view) => view.setUint32(dims - 4, 5, true)],
    ['an empty dimension', /dimension 1 is 0/, (view) => view.setBigUint64(dims + 8, 0n, true)],
    [
      'rows that are no whole blocks',
      /33 elements .* Q8_0 blocks of 32/,
      (view) => view.setBigUint64(dims, 33n, true),
    ],
    ['an unknown type', /unknown ggml type 4/, (view) => view.setUint32(dims + 16, 4, true)],
    [
      'a crooked offset',
      /not a multiple of the alignment 32/,
      (view) => view.setBigUint64(dims + 20, 8n, true),
    ],
    ['data beyond the end', /ends at byte/, (view) => view.setBigUint64(dims + 8, 200n, true)],
    ['a product that overflows', /overflow/, (view) => view.setBigUint64(dims + 8, 2n ** 52n, true)],
    ['an absurd offset', /absurd/, (view) => view.setBigUint64(dims + 20, 2n ** 60n, true)],
  ])('refuses %s', (_, message, edit) => {
    expect(refusal(() => parseGguf(edited(file, edit))).message).toMatch(message);
    expect(parseGguf(file).tensors.size).toBe(1);
  });

  it('refuses two tensors of one name', () => {
    expect(refusal(() => parseGguf(sampleFile(new Map(), [tensor, tensor]))).code).toBe('GGUF_DUPLICATE');
  });

  it('refuses tensors that overlap', () => {
    const two = sampleFile(new Map(), [tensor, { ...tensor, name: 'other_' }]);
    const offset = Buffer.from(two).indexOf('other_') + 6 + 4 + 16 + 4;
    const overlapping = edited(two, (view) => view.setBigUint64(offset, 32n, true));
    expect(refusal(() => parseGguf(overlapping)).message).toMatch(/"weight" and "other_" overlap/);
  });
});
