import type { Tokenizer } from '@triptych/checkpoints';
import type { Corpus } from '../corpus.js';
import { KneserNey } from './kneser-ney.js';
import { xzSize } from './xz.js';

/** Bits per byte on the held-out works by methods that the model has to beat. */
export interface Baselines {
  /** `xz -9e` on the held-out works alone. */
  readonly xzAlone: number;
  /** Growth of the compressed training works when the held-out works are appended. */
  readonly xzAfterTraining: number;
  /** Interpolated Kneser-Ney 5-gram over bytes, counted on the training works. */
  readonly byteFiveGram: number;
  /** The same over the model's own tokens. */
  readonly tokenFiveGram: number;
}

const ORDER = 5;

export async function measureBaselines(corpus: Corpus, tokenizer: Tokenizer): Promise<Baselines> {
  const training = corpus.training.map(({ text }) => Buffer.from(text));
  const heldOut = corpus.heldOut.map(({ text }) => Buffer.from(text));
  const heldOutBytes = heldOut.reduce((sum, { length }) => sum + length, 0);
  const bitsPerByte = (bits: number): number => bits / heldOutBytes;

  const trainingSize = await xzSize(Buffer.concat(training));
  const togetherSize = await xzSize(Buffer.concat([...training, ...heldOut]));
  const encode = ({ text }: { text: string }): number[] => tokenizer.encode(text, { addSpecial: false });
  return {
    xzAlone: bitsPerByte(8 * (await xzSize(Buffer.concat(heldOut)))),
    xzAfterTraining: bitsPerByte(8 * (togetherSize - trainingSize)),
    byteFiveGram: bitsPerByte(fiveGramBits(training, heldOut, 256)),
    tokenFiveGram: bitsPerByte(
      fiveGramBits(corpus.training.map(encode), corpus.heldOut.map(encode), tokenizer.vocabSize),
    ),
  };
}

function fiveGramBits(
  training: readonly ArrayLike<number>[],
  heldOut: readonly ArrayLike<number>[],
  symbolCount: number,
): number {
  const model = new KneserNey(training, ORDER, symbolCount);
  return heldOut.reduce((sum, text) => sum + model.bits(text), 0);
}
