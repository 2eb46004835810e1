import type { KeyFrame } from './key-frame.js';

/** What duplicates are told by: colour layouts of both frames, whole levels. */
export type PairSignature = readonly number[];

/** Cells of the layout may differ by this much between duplicates, levels: less than what a small thing changes. */
const sameLevels = 8;

export function signatureOf(first: KeyFrame, last: KeyFrame): PairSignature {
  return [...first.layout, ...last.layout].map(Math.round);
}

/** True when both frames look the same in every cell. */
export function isSamePair(a: PairSignature, b: PairSignature): boolean {
  return a.length === b.length && a.every((level, i) => Math.abs(level - b[i]!) <= sameLevels);
}
