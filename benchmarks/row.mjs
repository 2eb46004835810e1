/** What every row has, whichever area measured it. */
import { bounds } from './bounds.mjs';

/**
 * A row with all its fields, in their order. `ratio` is value over against unless the area says otherwise; areas that do
 * not read memory beside what they measure get the rate right after it.
 * @param {{name: string, value: number, unit: string, against?: number | null, ratio?: number | null, readGBs?: number}} fields
 *   and whatever else the area wants to say
 * @param {() => number} currentReadRate GB/s
 */
export function completeRow(
  { name, value, unit, against = null, ratio, readGBs, ...extra },
  currentReadRate,
) {
  const computed = ratio ?? (typeof against === 'number' && against !== 0 ? value / against : null);
  return { name, value, unit, ratio: computed, against, readGBs: readGBs ?? currentReadRate(), ...extra };
}

/** How a row stands to its bound: '' when nothing is promised. */
export function verdict({ name, value, ratio }) {
  const bound = bounds[name];
  if (bound === undefined) return '';
  const measured = bound.of === 'ratio' ? ratio : value;
  if (typeof measured !== 'number') return 'not measured';
  const isKept = bound.atLeast === undefined ? measured <= bound.atMost : measured >= bound.atLeast;
  const wanted = bound.atLeast === undefined ? `<= ${bound.atMost}` : `>= ${bound.atLeast}`;
  return `${wanted} ${isKept ? 'ok' : 'MISSED'}`;
}
