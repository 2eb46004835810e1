import { NetworkError } from './errors.js';

const MOST = 2 ** 24;
const MOST_LAYERS = 1000;
const MOST_BLOCKS = 16;

/** A parsed `config.json`. */
export type ConfigJson = Readonly<Record<string, unknown>>;

/**
 * Reads the keys of one configuration. Absent and `null` keys take their default, as in transformers and diffusers;
 * every refusal is a {@link NetworkError} `invalid_config` that names the configuration and the key.
 */
export class ConfigReader {
  readonly what: string;
  private readonly json: ConfigJson;

  /** @param what names the configuration in messages, such as `unet/config.json` */
  constructor(json: ConfigJson, what: string) {
    this.json = json;
    this.what = what;
  }

  /** The raw value; `undefined` for absent and `null`. */
  raw(key: string): unknown {
    return this.json[key] ?? undefined;
  }

  /** A whole number of at least 1, and at most `most`: configurations are not trusted with the machine's memory. */
  count(key: string, fallback?: number, most = MOST): number {
    const isLegal = (value: number): boolean => Number.isSafeInteger(value) && value >= 1 && value <= most;
    return this.number(key, fallback, isLegal, `a whole number from 1 to ${most}`);
  }

  /** A number of layers: {@link count} with a bound that no published network comes near. */
  layers(key: string, fallback?: number): number {
    return this.count(key, fallback, MOST_LAYERS);
  }

  /** A whole number of at least 0. */
  index(key: string, fallback?: number): number {
    return this.number(
      key,
      fallback,
      (value) => Number.isSafeInteger(value) && value >= 0,
      'a whole number >= 0',
    );
  }

  /** A number above 0. */
  positive(key: string, fallback?: number): number {
    return this.number(key, fallback, (value) => value > 0, 'a positive number');
  }

  /** A number between 0 and 1, both left out. */
  fraction(key: string, fallback?: number): number {
    return this.number(key, fallback, (value) => value > 0 && value < 1, 'a number between 0 and 1');
  }

  /** Any finite number. */
  finite(key: string, fallback?: number): number {
    return this.number(key, fallback, () => true, 'a number');
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.raw(key) ?? fallback;
    if (typeof value !== 'boolean') throw this.refusal(key, `must be true or false, got ${show(value)}`);
    return value;
  }

  /** One of the listed words. */
  choice<const Choice extends string>(
    key: string,
    choices: readonly Choice[],
    fallback?: NoInfer<Choice>,
  ): Choice {
    const value = this.raw(key) ?? fallback;
    const found = choices.find((choice) => choice === value);
    if (found === undefined) {
      throw this.refusal(key, `${show(value)} is not supported; supported: ${choices.join(', ')}`);
    }
    return found;
  }

  /** A non-empty list of words from `choices`. */
  choices<const Choice extends string>(
    key: string,
    choices: readonly Choice[],
    fallback?: readonly NoInfer<Choice>[],
  ): readonly Choice[] {
    const list = this.raw(key) ?? fallback;
    if (!Array.isArray(list) || list.length === 0)
      throw this.refusal(key, `must be a list, got ${show(list)}`);
    return list.map((value: unknown) => {
      const found = choices.find((choice) => choice === value);
      if (found === undefined) {
        throw this.refusal(key, `${show(value)} is not supported; supported: ${choices.join(', ')}`);
      }
      return found;
    });
  }

  /** A list of 1 to 16 whole numbers of at least 1. */
  counts(key: string, fallback?: readonly number[]): readonly number[] {
    const list = this.raw(key) ?? fallback;
    const isCount = (n: unknown): boolean =>
      Number.isSafeInteger(n) && (n as number) >= 1 && (n as number) <= MOST;
    if (!Array.isArray(list) || list.length === 0 || list.length > MOST_BLOCKS || !list.every(isCount)) {
      throw this.refusal(key, `must be a list of 1 to ${MOST_BLOCKS} whole numbers >= 1, got ${show(list)}`);
    }
    return list as number[];
  }

  /** One whole number for all of `length` blocks, or a list with one for each. */
  perBlock(key: string, length: number, fallback?: number, most = MOST): readonly number[] {
    const value = this.raw(key) ?? fallback;
    if (!Array.isArray(value)) return new Array<number>(length).fill(this.count(key, fallback, most));
    const list = this.counts(key);
    if (list.length !== length) throw this.refusal(key, `has ${list.length} entries for ${length} blocks`);
    const high = list.find((n) => n > most);
    if (high !== undefined) throw this.refusal(key, `must be at most ${most}, got ${high}`);
    return list;
  }

  /** {@link perBlock} for numbers of layers. */
  layersPerBlock(key: string, length: number, fallback?: number): readonly number[] {
    return this.perBlock(key, length, fallback, MOST_LAYERS);
  }

  /** Refuses every value but the ones that make no difference to the network that is built here. */
  refuseUnless(key: string, ...supported: readonly unknown[]): void {
    const value = this.raw(key);
    if (value !== undefined && !supported.includes(value)) {
      throw this.refusal(key, `${show(value)} is not supported, only ${supported.map(show).join(' or ')}`);
    }
  }

  /** An error about one key. */
  refusal(key: string, problem: string): NetworkError {
    return new NetworkError('invalid_config', `${this.what}: ${key} ${problem}`);
  }

  private number(
    key: string,
    fallback: number | undefined,
    isLegal: (value: number) => boolean,
    wanted: string,
  ): number {
    const value = this.raw(key) ?? fallback;
    if (typeof value !== 'number' || !Number.isFinite(value) || !isLegal(value)) {
      throw this.refusal(key, `must be ${wanted}, got ${show(value)}`);
    }
    return value;
  }
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
