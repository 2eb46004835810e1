/**
 * Small GGUF files for tests and the fuzzer: complete ones, together holding every value type, arrays of arrays, both
 * kinds of tokenizer, a chat template and tensors of several types.
 */
import { ByteWriter, writeMetadata } from '../gguf/encode.js';
import { type GgmlType, ggmlSizeBytes, ggmlType } from '../gguf/ggml-types.js';
import {
  f32,
  type GgufInputMetadata,
  type GgufInputValue,
  i32,
  u8,
  u32,
  u64,
  valueTypeIds,
} from '../gguf/values.js';

export interface SampleTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly type: GgmlType;
}

const alignment = 32;

/** Pads to the alignment and returns the length. */
function pad(writer: ByteWriter): number {
  writer.zeros((alignment - (writer.bytes.byteLength % alignment)) % alignment);
  return writer.bytes.byteLength;
}

/** A GGUF file in memory; tensor data is zeros. `extra` appends raw metadata entries that the writer cannot make. */
export function sampleFile(
  metadata: GgufInputMetadata,
  tensors: readonly SampleTensor[] = [],
  extra: { readonly count: number; readonly write: (writer: ByteWriter) => void } = {
    count: 0,
    write: () => undefined,
  },
): Uint8Array {
  const writer = new ByteWriter();
  writer.raw(Buffer.from('GGUF'));
  writer.uint32(3);
  writer.uint64(tensors.length);
  writer.uint64(metadata.size + extra.count);
  writeMetadata(writer, metadata);
  extra.write(writer);
  let offset = 0;
  for (const { name, dims, type } of tensors) {
    writer.string(name);
    writer.uint32(dims.length);
    for (const dim of dims) writer.uint64(dim);
    writer.uint32(ggmlType(type).id);
    writer.uint64(offset);
    const sizeBytes = ggmlSizeBytes(
      type,
      dims.reduce((product, dim) => product * dim, 1),
    );
    offset += Math.ceil(sizeBytes / alignment) * alignment;
  }
  pad(writer);
  writer.zeros(offset);
  return new Uint8Array(writer.bytes); // Buffer.slice would share memory
}

/** Keys of a tiny llama model with the given vocabulary size. */
export function sampleLlamaKeys(vocabSize: number): Map<string, GgufInputValue> {
  return new Map<string, GgufInputValue>([
    ['general.architecture', 'llama'],
    ['general.name', 'sample'],
    ['llama.context_length', u32(128)],
    ['llama.embedding_length', u32(32)],
    ['llama.block_count', u32(1)],
    ['llama.feed_forward_length', u32(64)],
    ['llama.attention.head_count', u32(4)],
    ['llama.attention.head_count_kv', u32(2)],
    ['llama.attention.layer_norm_rms_epsilon', f32(1e-5)],
    ['llama.rope.freq_base', f32(10000)],
    ['llama.rope.dimension_count', u32(8)],
    ['llama.vocab_size', u32(vocabSize)],
  ]);
}

const llamaTensors = (vocabSize: number): SampleTensor[] => [
  { name: 'token_embd.weight', dims: [32, vocabSize], type: 'Q8_0' },
  { name: 'blk.0.attn_norm.weight', dims: [32], type: 'F32' },
  { name: 'blk.0.attn_q.weight', dims: [32, 32], type: 'Q4_0' },
  { name: 'blk.0.attn_k.weight', dims: [32, 16], type: 'F16' },
  { name: 'output_norm.weight', dims: [32], type: 'BF16' },
];

/** A llama model with a SentencePiece vocabulary. */
export function sentencePieceSample(): Uint8Array {
  const tokens = ['<unk>', '<s>', '</s>', '<0x0A>', '[T]', '▁', 'a', 'b', '▁a', 'ab', '▁ab', 'é'];
  const metadata = sampleLlamaKeys(tokens.length)
    .set('tokenizer.ggml.model', 'llama')
    .set('tokenizer.ggml.tokens', tokens)
    .set(
      'tokenizer.ggml.scores',
      Float32Array.from(tokens, (_, id) => -id),
    )
    .set('tokenizer.ggml.token_type', Int32Array.of(2, 3, 3, 6, 4, 1, 1, 1, 1, 1, 1, 1))
    .set('tokenizer.ggml.bos_token_id', u32(1))
    .set('tokenizer.ggml.eos_token_id', u32(2))
    .set(
      'tokenizer.chat_template',
      '{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token }}{% endfor %}',
    );
  return sampleFile(metadata, llamaTensors(tokens.length));
}

/** A llama model with a byte-level BPE vocabulary. */
export function bytePairSample(): Uint8Array {
  const tokens = ['<|endoftext|>', 'a', 'b', 'c', 'Ġ', 'Ċ', 'ab', 'Ġa', 'abc', 'Ã', '©'];
  const metadata = sampleLlamaKeys(tokens.length)
    .set('tokenizer.ggml.model', 'gpt2')
    .set('tokenizer.ggml.pre', 'llama-bpe')
    .set('tokenizer.ggml.tokens', tokens)
    .set('tokenizer.ggml.merges', ['a b', 'Ġ a', 'ab c'])
    .set('tokenizer.ggml.bos_token_id', u32(0))
    .set('tokenizer.ggml.eos_token_id', u32(0))
    .set('tokenizer.ggml.add_bos_token', false);
  return sampleFile(metadata, llamaTensors(tokens.length));
}

/** Every value type of the format, nested and empty arrays, and tensors of up to four dimensions. */
export function everyTypeSample(): Uint8Array {
  const metadata = new Map<string, GgufInputValue>([
    ['general.alignment', u32(32)],
    ['u8', u8(255)],
    ['i8', { type: 'int8', value: -128 }],
    ['u16', { type: 'uint16', value: 65535 }],
    ['i16', { type: 'int16', value: -32768 }],
    ['i32', i32(-1)],
    ['u64', u64(2n ** 64n - 1n)],
    ['i64', { type: 'int64', value: -5 }],
    ['f32', f32(0.5)],
    ['f64', { type: 'float64', value: Math.PI }],
    ['bool', true],
    ['string', 'ünïcode ✓'],
    ['empty', ''],
    ['bytes', Uint8Array.of(1, 2, 3)],
    ['shorts', Int16Array.of(-1, 2)],
    ['longs', BigInt64Array.of(-1n, 2n)],
    ['doubles', Float64Array.of(1.5, Number.NaN)],
    ['flags', [true, false, true]],
    ['strings', ['a', '', '✓']],
    ['none', []],
  ]);
  const nested = (writer: ByteWriter): void => {
    writer.string('nested');
    writer.uint32(valueTypeIds.array);
    writer.uint32(valueTypeIds.array);
    writer.uint64(2);
    for (const items of [[1], [2, 3]]) {
      writer.uint32(valueTypeIds.uint32);
      writer.uint64(items.length);
      for (const item of items) writer.uint32(item);
    }
  };
  const tensors: SampleTensor[] = [
    { name: 'four', dims: [4, 3, 2, 1], type: 'F64' },
    { name: 'k', dims: [256, 2], type: 'Q4_K' },
    { name: 'iq', dims: [256], type: 'IQ2_XXS' },
    { name: 'bytes', dims: [7], type: 'I8' },
  ];
  return sampleFile(metadata, tensors, { count: 1, write: nested });
}
