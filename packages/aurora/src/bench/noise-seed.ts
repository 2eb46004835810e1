import { createHash } from 'node:crypto';

/**
 * The noise seed of an item's run: a hash, so that items do not share noise and adding items changes no other's.
 * @returns 0 .. 2^32 - 1
 */
export function noiseSeed(base: number, item: string, index: number): number {
  return createHash('sha256').update(`${base}\0${item}\0${index}`).digest().readUInt32LE(0);
}
