import { GraphError } from '../errors.js';
import { Random } from '../random.js';

/** One data set of a mixture. */
export interface MixtureSet {
  readonly name: string;
  /** Number of examples. */
  readonly length: number;
  /** How often each example is drawn per pass over the mixture; 1 by default. */
  readonly repeat?: number;
}

/** One drawn example. */
export interface Draw {
  /** Name of the set, and the example's number in it. */
  readonly set: string;
  readonly index: number;
  /** For whatever is random about the example (augmentation, noise): differs from draw to draw, 32 bits. */
  readonly seed: number;
}

/** Where a mixture stands: plain JSON, to be kept beside a checkpoint. */
export interface MixturePosition {
  /** Examples drawn so far. */
  readonly drawn: number;
  /** The sets and the seed in short: a position of another mixture is refused. */
  readonly mixture: string;
}

/**
 * Draws from several data sets at given proportions, in an order that follows from the seed alone. A pass holds every
 * example `repeat` times, shuffled anew each pass; batches go on across passes. A mixture that is set to a position
 * draws exactly what the one that reported it would have drawn.
 */
export class Mixture {
  private readonly sets: readonly Required<MixtureSet>[];
  private readonly seed: number;
  private drawn = 0;
  private pass = -1;
  private order: Uint32Array = new Uint32Array();

  /** @throws GraphError `invalid_data` if a set is empty, a factor is no positive whole number or a name is there twice. */
  constructor(sets: readonly MixtureSet[], seed: number) {
    this.sets = sets.map(({ name, length, repeat = 1 }) => ({ name, length, repeat }));
    this.seed = seed;
    for (const { name, length, repeat } of this.sets) {
      if (!isPositive(length) || !isPositive(repeat)) {
        throw new GraphError(
          'invalid_data',
          `set "${name}": length ${length} and repeat ${repeat} must be positive whole numbers`,
        );
      }
    }
    if (sets.length === 0 || new Set(sets.map(({ name }) => name)).size !== sets.length) {
      throw new GraphError('invalid_data', 'a mixture needs at least one set, and sets of different names');
    }
  }

  /** Draws of one pass over the mixture. */
  get passLength(): number {
    return this.sets.reduce((sum, { length, repeat }) => sum + length * repeat, 0);
  }

  get position(): MixturePosition {
    return { drawn: this.drawn, mixture: this.fingerprint };
  }

  /** @throws GraphError `checkpoint_mismatch` if the position is of a mixture with other sets or another seed. */
  set position({ drawn, mixture }: MixturePosition) {
    if (mixture !== this.fingerprint || !Number.isInteger(drawn) || drawn < 0) {
      throw new GraphError(
        'checkpoint_mismatch',
        `position ${drawn} of the mixture "${mixture}" does not belong to "${this.fingerprint}"`,
      );
    }
    this.drawn = drawn;
  }

  /** The next examples. */
  draw(count: number): Draw[] {
    return Array.from({ length: count }, () => this.next());
  }

  private next(): Draw {
    const length = this.passLength;
    const pass = Math.floor(this.drawn / length);
    if (pass !== this.pass) {
      this.order = new Random(scramble(this.seed, pass)).permutation(length);
      this.pass = pass;
    }
    const place = this.order[this.drawn % length] as number;
    const draw = { ...this.exampleAt(place), seed: scramble(this.seed ^ 0x5bd1e995, this.drawn) };
    this.drawn++;
    return draw;
  }

  private exampleAt(place: number): { set: string; index: number } {
    let rest = place;
    for (const { name, length, repeat } of this.sets) {
      if (rest < length * repeat) return { set: name, index: rest % length };
      rest -= length * repeat;
    }
    throw new GraphError('invalid_data', `place ${place} is beyond the mixture`);
  }

  private get fingerprint(): string {
    const sets = this.sets.map(({ name, length, repeat }) => `${name}:${length}x${repeat}`);
    return `${sets.join(',')};seed ${this.seed}`;
  }
}

function isPositive(value: number): boolean {
  return Number.isInteger(value) && value > 0;
}

/** Two numbers to 32 well-mixed bits (the finaliser of MurmurHash3). */
function scramble(a: number, b: number): number {
  let mixed = (a ^ Math.imul(b, 0x9e3779b1)) >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
