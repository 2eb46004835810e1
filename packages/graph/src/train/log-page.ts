import { rename, rm, writeFile } from 'node:fs/promises';
import { GraphError } from '../errors.js';
import { readLog } from './log.js';
import { type Curve, lossCurveSvg } from './loss-curve.js';

/** A line of a training log: numbers by name, among them the step. Other values are allowed and not drawn. */
export interface LogLine {
  readonly step: number;
  readonly [name: string]: unknown;
}

/** One picture of curves. */
export interface LogChart {
  readonly title: string;
  /** What the vertical axis measures. */
  readonly unit: string;
  /** Names of the values in the log lines, one curve each. */
  readonly names: readonly string[];
}

/** Pictures that the model made at some step. */
export interface SampleGrid {
  readonly step: number;
  readonly caption: string;
  /** A whole grid as one picture: `data:image/png;base64,...`. */
  readonly image: string;
}

export interface LogPageOptions {
  readonly title: string;
  /** By default one chart for every name that has a number in some line. */
  readonly charts?: readonly LogChart[];
  /** Shown newest first. */
  readonly samples?: readonly SampleGrid[];
  /** Settings of the run, shown as a table. */
  readonly facts?: Readonly<Record<string, string | number>>;
}

/** More points than a picture has columns only make it large; neighbours are averaged. */
const MOST_POINTS = 700;
const COLOURS = ['#1f5fa8', '#c2410c', '#15803d', '#7e22ce', '#be123c', '#0f766e'];

/**
 * Writes one HTML file that needs nothing else: curves from a JSONL log, the last line, settings and sample pictures.
 * Readers see the old or the new page, never half of one.
 * @param logPath a file of {@link appendLog}.
 * @throws GraphError `invalid_data` if a sample is no PNG data address.
 */
export async function writeLogPage(path: string, logPath: string, options: LogPageOptions): Promise<void> {
  const html = logPage(await readLog<LogLine>(logPath), options);
  const unfinished = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(unfinished, html);
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

/** The page of {@link writeLogPage} as text. Lines must be sorted by step. */
export function logPage(lines: readonly LogLine[], options: LogPageOptions): string {
  const { title, charts = defaultCharts(lines), samples = [], facts = {} } = options;
  const last = lines.at(-1);
  const drawn = charts.flatMap(({ title: name, unit, names }) => {
    const curves = names.map((key, k) => curveOf(lines, key, COLOURS[k % COLOURS.length] as string));
    const filled = curves.filter(({ points }) => points.length > 0);
    return filled.length === 0 ? [] : [`<figure>${lossCurveSvg(name, unit, filled).trim()}</figure>`];
  });
  const grids = [...samples].sort((a, b) => b.step - a.step).map(sampleFigure);
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">`,
    `<title>${escapeHtml(title)}</title>`,
    `<style>${STYLE}</style>`,
    '</head>',
    '<body>',
    `<h1>${escapeHtml(title)}</h1>`,
    last === undefined ? '<p>Nothing was logged yet.</p>' : table('Last line', last),
    ...(Object.keys(facts).length > 0 ? [table('Settings', facts)] : []),
    ...(drawn.length > 0 ? ['<section aria-label="Curves">', ...drawn, '</section>'] : []),
    ...(grids.length > 0 ? ['<h2>Samples</h2>', ...grids] : []),
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

const STYLE = [
  ':root{color-scheme:light dark}',
  'body{font:16px/1.5 system-ui,sans-serif;margin:1.5rem auto;max-width:100rem;padding:0 1rem}',
  'section{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,32rem),1fr))}',
  'figure{margin:0 0 1rem}svg,img{max-width:100%;height:auto}img{image-rendering:pixelated}',
  'table{border-collapse:collapse;margin:0 0 1rem}caption{text-align:left;font-weight:600}',
  'th,td{text-align:left;padding:.1rem 1rem .1rem 0;font-weight:400;vertical-align:top}',
].join('');

function defaultCharts(lines: readonly LogLine[]): LogChart[] {
  const names = new Set<string>();
  for (const line of lines) {
    for (const [name, value] of Object.entries(line)) if (isNumber(value)) names.add(name);
  }
  names.delete('step');
  return [...names].map((name) => ({ title: name, unit: name, names: [name] }));
}

function curveOf(lines: readonly LogLine[], name: string, colour: string): Curve {
  const points = lines.flatMap(({ step, [name]: value }) => (isNumber(value) ? [{ step, value }] : []));
  const perPoint = Math.ceil(points.length / MOST_POINTS);
  if (perPoint <= 1) return { name, colour, points };
  const thinned = Array.from({ length: Math.ceil(points.length / perPoint) }, (_, k) => {
    const part = points.slice(k * perPoint, (k + 1) * perPoint);
    const meanOf = (key: 'step' | 'value'): number =>
      part.reduce((sum, point) => sum + point[key], 0) / part.length;
    return { step: meanOf('step'), value: meanOf('value') };
  });
  return { name, colour, points: thinned };
}

function sampleFigure({ step, caption, image }: SampleGrid): string {
  if (!/^data:image\/png;base64,[A-Za-z0-9+/]+=*$/.test(image)) {
    throw new GraphError(
      'invalid_data',
      `the sample of step ${step} is no address "data:image/png;base64,..."`,
    );
  }
  const text = escapeHtml(`Step ${step}: ${caption}`);
  return `<figure><img src="${image}" alt="${text}"><figcaption>${text}</figcaption></figure>`;
}

function table(caption: string, values: Readonly<Record<string, unknown>>): string {
  const rows = Object.entries(values).map(
    ([name, value]) =>
      `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(String(value))}</td></tr>`,
  );
  return `<table><caption>${caption}</caption>${rows.join('')}</table>`;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
