/**
 * @module
 * From bytes of a slot to a share of the picture's width. A slot reserves far more than it uses, so besides the
 * true scale there is one that fits the use and a logarithmic one.
 */

export type ScaleKind = 'fit' | 'log' | 'true';

export interface ByteScale {
  readonly kind: ScaleKind;
  /** Bytes at the right edge. */
  readonly endBytes: number;
  /** 0..1; more than `endBytes` is 1. */
  place(bytes: number): number;
  /** Round byte counts for the axis, ascending, the first is 0. */
  readonly ticks: readonly number[];
}

/**
 * @param slotBytes reserved width of a slot
 * @param unitBytes the smallest amount that is ever committed; where the logarithm starts
 * @param usedBytes the most any slot uses now
 */
export function byteScale(
  kind: ScaleKind,
  slotBytes: number,
  unitBytes: number,
  usedBytes: number,
): ByteScale {
  const whole = Math.max(1, slotBytes);
  if (kind === 'log') return logScale(whole, Math.max(1, unitBytes));
  const endBytes =
    kind === 'true' ? whole : Math.min(whole, roundUp(Math.max(usedBytes * 1.1, unitBytes * 16)));
  const step = Math.max(1, roundUp(endBytes / 5));
  const ticks: number[] = [];
  for (let tick = 0; tick <= endBytes; tick += step) ticks.push(tick);
  return { kind, endBytes, ticks, place: (bytes) => clamp(bytes / endBytes) };
}

function logScale(endBytes: number, unitBytes: number): ByteScale {
  const width = Math.log2(1 + endBytes / unitBytes);
  const ticks = [0];
  const powers = Math.max(1, Math.ceil(width / 5));
  for (let tick = unitBytes; tick <= endBytes; tick *= 2 ** powers) ticks.push(tick);
  return {
    kind: 'log',
    endBytes,
    ticks,
    place: (bytes) => clamp(Math.log2(1 + Math.max(0, bytes) / unitBytes) / width),
  };
}

/** The next power of two times 1, 1.25, 1.5 or 1.75: steps fine enough not to waste the width. */
function roundUp(bytes: number): number {
  const power = 2 ** Math.floor(Math.log2(Math.max(1, bytes)));
  for (const factor of [1, 1.25, 1.5, 1.75]) if (power * factor >= bytes) return power * factor;
  return power * 2;
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}
