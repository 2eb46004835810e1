import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createTokenizer,
  type GgufInputValue,
  inputMetadata,
  openGguf,
  type Tokenizer,
  trainByteLevelBpe,
  writeGguf,
} from '@triptych/checkpoints';
import type { Corpus } from './corpus.js';
import { NETWORK } from './settings.js';

const TOKENIZER_FILE = 'tokenizer.gguf';
/** The encoded training works, little-endian. */
export const TOKENS_FILE = 'training-tokens.u16';

/** Id of `<|endoftext|>`, which stands before every work and after the last. */
export const END_OF_TEXT = 0;

/** Learns the tokenizer from the training works alone, encodes them and keeps both in the work folder. */
export async function prepareTokens(corpus: Corpus, workFolder: string): Promise<void> {
  const texts = corpus.training.map((work) => work.text);
  const { metadata } = await trainByteLevelBpe({ texts, vocabSize: NETWORK.vocab_size });
  await writeGguf(join(workFolder, TOKENIZER_FILE), { metadata, tensors: [] });
  const tokenizer = createTokenizer(metadata);
  const ids = [END_OF_TEXT];
  for (const text of texts) {
    for (const id of tokenizer.encode(text, { addSpecial: false })) ids.push(id);
    ids.push(END_OF_TEXT);
  }
  const path = join(workFolder, TOKENS_FILE);
  await writeFile(`${path}.part`, Uint16Array.from(ids));
  await rename(`${path}.part`, path);
}

/** The tokenizer that {@link prepareTokens} learned. */
export async function readTokenizer(workFolder: string): Promise<Tokenizer> {
  return createTokenizer(await tokenizerMetadata(workFolder));
}

/** Its `tokenizer.ggml.*` keys, as an exported model carries them. */
export async function tokenizerMetadata(workFolder: string): Promise<Map<string, GgufInputValue>> {
  return inputMetadata(await openGguf(join(workFolder, TOKENIZER_FILE)));
}

/** The encoded training works, one after the other. */
export async function readTrainingTokens(workFolder: string): Promise<Uint16Array> {
  const bytes = await readFile(join(workFolder, TOKENS_FILE));
  return new Uint16Array(new Uint8Array(bytes).buffer);
}
