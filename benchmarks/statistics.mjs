/** Robust statistics of repeated measurements. */

/** The value below which a share of the sorted numbers lies (nearest rank). */
export function quantile(numbers, share) {
  if (numbers.length === 0) throw new Error('no measurements');
  const sorted = Float64Array.from(numbers).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

export function median(numbers) {
  return quantile(numbers, 0.5);
}
