/**
 * The GGUF target of the fuzzer: seeded damage to valid files, and the check that whatever comes of it either works or
 * is refused with a `CheckpointError`.
 */
import { CheckpointError } from '../errors.js';
import { type GgufHeader, parseGguf } from '../gguf/parse.js';
import { llamaConfig } from '../llama-config.js';
import { chatTemplate } from '../template/chat-template.js';
import { createTokenizer } from '../tokenizer/tokenizer.js';
import { bytePairSample, everyTypeSample, sentencePieceSample } from './gguf-samples.js';
import { below, damage, pick, seededRandom } from './mutate.js';

const samples: readonly Uint8Array[] = [sentencePieceSample(), bytePairSample(), everyTypeSample()];

/** Bytes of case `index` of the series `seed`: one of the samples with one to six mutations. */
export function fuzzCase(seed: number, index: number): Uint8Array {
  const next = seededRandom(seed, index);
  const sample = pick(next, samples);
  return damage(sample, 1 + below(next, 6), next);
}

/** Uses everything a server would take from the header. */
function useHeader(header: GgufHeader): void {
  const attempt = (use: () => void): void => {
    try {
      use();
    } catch (error) {
      if (!CheckpointError.isInstance(error)) throw error;
    }
  };
  attempt(() => llamaConfig(header));
  attempt(() => {
    const tokenizer = createTokenizer(header.metadata);
    const ids = tokenizer.encode('ab é\n <s> [T] abc', { parseSpecial: true });
    tokenizer.decode(ids, { renderSpecial: true });
  });
  attempt(() => chatTemplate(header.metadata)?.render({ messages: [{ role: 'user', content: 'hi' }] }));
}

/** Every tensor lies in the file and every number of the header is of the promised kind. */
function checkHeader(header: GgufHeader, fileSizeBytes: number): void {
  for (const { name, offset, sizeBytes } of header.tensors.values()) {
    const isInside = offset >= header.dataOffset && sizeBytes > 0 && offset + sizeBytes <= fileSizeBytes;
    if (!isInside) throw new Error(`tensor ${name} at ${offset} of ${sizeBytes} bytes is outside the file`);
  }
}

/** Outcome of one case: `ok`, the code of the refusal, or an error that is none of ours. */
export function runCase(bytes: Uint8Array): string {
  try {
    const header = parseGguf(bytes);
    checkHeader(header, bytes.byteLength);
    useHeader(header);
    return 'ok';
  } catch (error) {
    if (CheckpointError.isInstance(error)) return error.code;
    throw error;
  }
}
