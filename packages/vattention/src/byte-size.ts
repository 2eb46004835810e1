/**
 * @module
 * Sizes as people write them.
 */
import { KvError } from './errors.js';

const units = new Map<string, number>([
  ['', 1],
  ['b', 1],
  ...['k', 'm', 'g', 't'].flatMap((letter, i): [string, number][] => [
    [letter, 1024 ** (i + 1)],
    [`${letter}ib`, 1024 ** (i + 1)],
    [`${letter}b`, 1000 ** (i + 1)],
  ]),
]);

/**
 * Bytes of `4GiB`, `512 MiB`, `1.5g`, `2000000000`. KiB, MiB, GiB, TiB and the bare letters K, M, G, T count in 1024,
 * KB, MB, GB, TB in 1000; case does not matter. Throws `KvError` `invalid_argument` for anything else and for sizes
 * of no bytes or above 2^53.
 *
 * @example parseByteSize('4GiB') // 4294967296
 */
export function parseByteSize(text: string): number {
  const match = /^\s*(\d{1,16}(?:\.\d{1,9})?)\s*([a-z]{0,3})\s*$/i.exec(text);
  const unit = units.get(match?.[2]?.toLowerCase() ?? '?');
  const bytes = Math.floor(Number(match?.[1]) * (unit ?? Number.NaN));
  if (!Number.isSafeInteger(bytes) || bytes < 1) {
    throw new KvError(
      'invalid_argument',
      `"${text.slice(0, 40)}" is not a size: write it like 4GiB, 512MiB or 1000000000`,
    );
  }
  return bytes;
}
