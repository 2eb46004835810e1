/** One curve of the picture: points by step. */
export interface Curve {
  readonly name: string;
  /** Any CSS colour. */
  readonly colour: string;
  readonly points: readonly { readonly step: number; readonly value: number }[];
}

const WIDTH = 760;
const HEIGHT = 420;
const LEFT = 60;
const RIGHT = 20;
const TOP = 40;
const BOTTOM = 50;

/**
 * Draws curves over the training steps as an SVG picture with axes and a legend.
 * @param title also names the picture for screen readers.
 * @param unit what the vertical axis measures.
 */
export function lossCurveSvg(title: string, unit: string, curves: readonly Curve[]): string {
  const points = curves.flatMap((curve) => curve.points);
  if (points.length === 0) throw new RangeError('a loss curve needs at least one point');
  const lastStep = Math.max(...points.map(({ step }) => step));
  const values = points.map(({ value }) => value);
  const marks = axisMarks(Math.min(...values), Math.max(...values));
  const [low, high] = [marks[0] as number, marks.at(-1) as number];
  // As many digits as tell two marks apart: learning rates are far below one.
  const digits = Math.max(1, Math.ceil(-Math.log10((marks[1] ?? high) - low) - 1e-9));
  const x = (step: number): number => LEFT + (step / lastStep) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number => TOP + ((high - value) / (high - low)) * (HEIGHT - TOP - BOTTOM);

  const grid = marks.map(
    (mark) =>
      `<path d="M${LEFT} ${y(mark).toFixed(1)}H${WIDTH - RIGHT}" stroke="#ddd"/>` +
      `<text x="${LEFT - 8}" y="${(y(mark) + 4).toFixed(1)}" text-anchor="end">${mark.toFixed(digits)}</text>`,
  );
  const steps = axisMarks(0, lastStep).filter((step) => step <= lastStep);
  const stepLabels = steps.map(
    (step) =>
      `<text x="${x(step).toFixed(1)}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${step}</text>`,
  );
  const lines = curves.map((curve) => {
    const path = curve.points
      .map(({ step, value }) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`)
      .join(' ');
    return `<polyline points="${path}" fill="none" stroke="${curve.colour}" stroke-width="1.5"/>`;
  });
  const legend = curves.map(
    (curve, index) =>
      `<text x="${WIDTH - RIGHT}" y="${TOP + 16 + 18 * index}" text-anchor="end" fill="${curve.colour}">${escapeXml(curve.name)}</text>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" font-family="sans-serif" font-size="12">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${LEFT}" y="22" font-size="15">${escapeXml(title)}</text>`,
    ...grid,
    ...stepLabels,
    `<text x="${WIDTH / 2}" y="${HEIGHT - 10}" text-anchor="middle">step</text>`,
    `<text x="16" y="${HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 16 ${HEIGHT / 2})">${escapeXml(unit)}</text>`,
    ...lines,
    ...legend,
    '</svg>',
    '',
  ].join('\n');
}

/** Round numbers that enclose low..high, about six of them. */
function axisMarks(low: number, high: number): number[] {
  const rough = Math.max(high - low, 1e-3 * Math.abs(high), 1e-9) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const spacing =
    [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough;
  const first = Math.floor(low / spacing);
  const count = Math.max(1, Math.ceil(high / spacing) - first);
  return Array.from({ length: count + 1 }, (_, k) => (first + k) * spacing);
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
