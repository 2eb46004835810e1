/**
 * @module
 * Numbers as people read them. One style for the whole page: binary units, three significant digits, a thin
 * non-breaking space before the unit.
 */

const SPACE = '\u202f';
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** The number and its unit apart, for places that set them in different sizes. */
export function splitBytes(bytes: number): { readonly value: string; readonly unit: string } {
  let unit = 0;
  let value = Math.max(0, bytes);
  // 999.5 and more would be printed as "1000": the next unit reads better.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return { value: unit === 0 ? String(Math.round(value)) : threeDigits(value), unit: UNITS[unit]! };
}

/** 1536 → "1.5 KiB". */
export function formatBytes(bytes: number): string {
  const { value, unit } = splitBytes(bytes);
  return value + SPACE + unit;
}

/** 8_400_000 → "8.4 M", for parameters. */
export function formatCount(count: number): string {
  if (count < 1000) return String(Math.round(count));
  const units = [' k', ' M', ' B', ' T'];
  let value = count / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return threeDigits(value) + units[unit]!.replace(' ', SPACE);
}

/** 0.1234 → "12.3 %"; small shares keep their first digits. */
export function formatPercent(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 0.01) return `<${SPACE}0.01${SPACE}%`;
  return `${threeDigits(percent)}${SPACE}%`;
}

/** 85 → "85 ms", 1430 → "1.43 s". */
export function formatDuration(ms: number): string {
  return ms < 999.5 ? `${Math.round(ms)}${SPACE}ms` : `${threeDigits(ms / 1000)}${SPACE}s`;
}

/** Time left, in words that do not pretend to know it better: "about 8 s left", "about 3 min left". */
export function formatEta(seconds: number): string {
  if (seconds < 1) return 'less than a second left';
  if (seconds < 100) return `about ${Math.round(seconds)}${SPACE}s left`;
  return `about ${Math.round(seconds / 60)}${SPACE}min left`;
}

/** Tokens per second. */
export function formatRate(tokensPerSecond: number): string {
  return `${threeDigits(tokensPerSecond)}${SPACE}tok/s`;
}

/** 12345 → "12,345". */
export function formatInteger(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

export function plural(count: number, noun: string): string {
  return `${formatInteger(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** Three significant digits, no trailing zeros, never an exponent. */
function threeDigits(value: number): string {
  if (value >= 99.95) return String(Math.round(value));
  return String(Number(value.toFixed(value >= 9.995 ? 1 : 2)));
}
