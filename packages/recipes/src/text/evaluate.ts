import type { Tokenizer } from '@triptych/checkpoints';
import {
  exportOnnx,
  type GraphRuntime,
  input,
  type Parameters,
  type Session,
  tokenCrossEntropy,
} from '@triptych/graph';
import { llamaDecoder } from '@triptych/nets';
import type { CorpusText } from './corpus.js';
import { BATCH, CONTEXT, NETWORK } from './settings.js';
import { END_OF_TEXT } from './tokens.js';

/** Compression of one or several works by the model. */
export interface Compression {
  readonly bytes: number;
  readonly tokens: number;
  readonly bitsPerByte: number;
}

/** Windows of a text: which tokens go in, and from which position on the predictions count. */
interface Window {
  readonly tokens: readonly number[];
  readonly countFrom: number;
}

/** Measures how well given weights predict text, with the forward graph alone. */
export class Evaluator {
  private readonly session: Session;
  private readonly parameters: Parameters;
  private readonly tokenizer: Tokenizer;

  private constructor(session: Session, parameters: Parameters, tokenizer: Tokenizer) {
    this.session = session;
    this.parameters = parameters;
    this.tokenizer = tokenizer;
  }

  static async create(
    runtime: GraphRuntime,
    parameters: Parameters,
    tokenizer: Tokenizer,
  ): Promise<Evaluator> {
    const ids = input('ids', [BATCH, CONTEXT], 'int32');
    const labels = input('labels', [BATCH * CONTEXT], 'int32');
    const losses = tokenCrossEntropy(llamaDecoder(NETWORK, ids).logits, labels);
    return new Evaluator(await runtime.load(exportOnnx({ losses })), parameters, tokenizer);
  }

  /**
   * Bits per byte of a whole work. Windows overlap by half, and a prediction counts only where at least half a context
   * stands before it (or the beginning of the work does).
   */
  async compress(work: CorpusText): Promise<Compression> {
    const tokens = [END_OF_TEXT, ...this.tokenizer.encode(work.text, { addSpecial: false })];
    const nats = await this.nats(overlappingWindows(tokens));
    const bytes = Buffer.byteLength(work.text);
    return { bytes, tokens: tokens.length - 1, bitsPerByte: nats / Math.LN2 / bytes };
  }

  /** Mean nats per token over windows spread evenly over the works: a quick look during training. */
  async quickLoss(works: readonly CorpusText[], windowCount: number): Promise<number> {
    const tokens = works.flatMap((work) => [
      END_OF_TEXT,
      ...this.tokenizer.encode(work.text, { addSpecial: false }),
    ]);
    const stride = Math.floor((tokens.length - CONTEXT - 1) / windowCount);
    const windows = Array.from({ length: windowCount }, (_, k) => ({
      tokens: tokens.slice(k * stride, k * stride + CONTEXT + 1),
      countFrom: 0,
    }));
    return (await this.nats(windows)) / (windowCount * CONTEXT);
  }

  private async nats(windows: readonly Window[]): Promise<number> {
    let sum = 0;
    for (let first = 0; first < windows.length; first += BATCH) {
      sum += await this.natsOfBatch(windows.slice(first, first + BATCH));
    }
    return sum;
  }

  private async natsOfBatch(windows: readonly Window[]): Promise<number> {
    const ids = new Int32Array(BATCH * CONTEXT);
    const labels = new Int32Array(BATCH * CONTEXT);
    windows.forEach(({ tokens }, row) => {
      ids.set(tokens.slice(0, -1), row * CONTEXT);
      labels.set(tokens.slice(1), row * CONTEXT);
    });
    const { losses } = await this.session.run({ ids, labels }, this.parameters);
    return windows.reduce((total, { tokens, countFrom }, row) => {
      const counted = losses?.subarray(row * CONTEXT + countFrom, row * CONTEXT + tokens.length - 1);
      return total + (counted?.reduce((sum, loss) => sum + loss, 0) ?? Number.NaN);
    }, 0);
  }
}

/** Cuts `tokens` so that each but the first is predicted exactly once. */
export function overlappingWindows(tokens: readonly number[], context = CONTEXT): Window[] {
  const stride = context / 2;
  const windows: Window[] = [];
  for (let start = 0, predicted = 0; predicted < tokens.length - 1; start += stride) {
    const window = tokens.slice(start, start + context + 1);
    windows.push({ tokens: window, countFrom: predicted - start });
    predicted = start + window.length - 1;
  }
  return windows;
}
