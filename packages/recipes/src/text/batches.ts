import { Random } from '@triptych/graph';

/** Token ids and, for each, the one that follows: both int32, sequences one after the other. */
export interface Batch {
  readonly ids: Int32Array;
  readonly labels: Int32Array;
}

/**
 * Cuts a token stream into windows, in a new random order every epoch. A batch follows from the seed and the step alone,
 * so a resumed training sees exactly what an uninterrupted one would have seen.
 */
export class BatchSampler {
  private readonly tokens: Uint16Array;
  private readonly batch: number;
  private readonly context: number;
  private readonly seed: number;
  private epoch: { number: number; order: Uint32Array; shift: number } = {
    number: -1,
    order: new Uint32Array(),
    shift: 0,
  };

  constructor(tokens: Uint16Array, options: { batch: number; context: number; seed: number }) {
    this.tokens = tokens;
    this.batch = options.batch;
    this.context = options.context;
    this.seed = options.seed;
  }

  /** Windows per epoch. One window is given up so that every epoch can start at another offset. */
  get windowsPerEpoch(): number {
    return Math.floor((this.tokens.length - 1) / this.context) - 1;
  }

  /** The batch of a step, counted from 1. */
  batchAt(step: number): Batch {
    const ids = new Int32Array(this.batch * this.context);
    const labels = new Int32Array(this.batch * this.context);
    for (let row = 0; row < this.batch; row++) {
      const start = this.windowStart((step - 1) * this.batch + row);
      ids.set(this.tokens.subarray(start, start + this.context), row * this.context);
      labels.set(this.tokens.subarray(start + 1, start + 1 + this.context), row * this.context);
    }
    return { ids, labels };
  }

  private windowStart(index: number): number {
    const number = Math.floor(index / this.windowsPerEpoch);
    if (number !== this.epoch.number) {
      const random = new Random(this.seed * 1_000_003 + number);
      this.epoch = {
        number,
        shift: random.below(this.context),
        order: random.permutation(this.windowsPerEpoch),
      };
    }
    return (this.epoch.order[index % this.windowsPerEpoch] ?? 0) * this.context + this.epoch.shift;
  }
}
