import path from 'node:path';
import { writeFileAtomically } from '@triptych/media';
import type { BenchRun } from '../run-benchmark.js';
import { type ResultRow, summarise } from '../summarise.js';
import { chart, shownMetrics, tableMetrics } from './charts.js';
import { examples } from './examples.js';
import { type Html, html, trusted } from './html.js';
import { style } from './style.js';

/** What a report shows. */
export interface ReportOptions {
  /** Pictures of so many rows of each task; default 9. */
  readonly examples?: number;
  readonly signal?: AbortSignal;
}

/** Where the results of a run were written. */
export interface ReportFiles {
  readonly json: string;
  readonly html: string;
  readonly rows: readonly ResultRow[];
}

function figures(rows: readonly ResultRow[], model: string): Html {
  const tasks = new Set(rows.map(({ task }) => task));
  const whole = tasks.size === 2 ? [...tasks][0]! : 'all';
  const shown = shownMetrics(rows).flatMap((metric) => {
    const of = (arm: string) =>
      rows.find((r) => r.arm === arm && r.metric === metric.name && r.task === whole);
    const own = of(model);
    const copy = of('copy');
    return own
      ? [
          html`<div><dt>${metric.title}</dt><dd><b>${metric.format(own.mean)}</b>${metric.format(own.low)} to ${metric.format(own.high)}${copy && `; copying ${metric.format(copy.mean)}`}</dd></div>`,
        ]
      : [];
  });
  return html`<dl class="figures">${shown}</dl>`;
}

function referenceTable(rows: readonly ResultRow[], model: string): Html | undefined {
  const own = rows.filter(({ task }) => task === 'all');
  if (!own.some(({ metric }) => metric === 'l1')) return undefined;
  const cell = (arm: string, name: ResultRow['metric'], format: (v: number) => string): string => {
    const row = own.find((r) => r.arm === arm && r.metric === name);
    return row ? format(row.mean) : '–';
  };
  const metrics = tableMetrics(rows);
  const correlations = metrics.map(({ name }) => {
    const row = own.find((r) => r.arm === model && r.metric === `spearman-${name}`);
    return row ? `${row.mean.toFixed(2)} (${row.low.toFixed(2)} to ${row.high.toFixed(2)})` : undefined;
  });
  return html`<section><h2>What distances to the target reward</h2>
<p class="note">L1, L2 and SSIM measure closeness to the target picture. A copy of the source is close to it, whatever was asked, so these numbers alone can put copying first. ${
    metrics.some(({ name }) => name === 'clip-i')
      ? 'CLIP-I is the cosine of the CLIP embeddings of output and target.'
      : 'CLIP-I is left out: no CLIP weights were given (--clip-vision).'
  }</p>
<div class="scroll" tabindex="0" role="region" aria-label="Reference distances"><table class="numbers"><thead><tr><th scope="col">Mean of all tasks</th>${metrics.map(({ title }) => html`<th scope="col">${title}</th>`)}</tr></thead><tbody>
${[model, 'copy', 'random'].map(
  (arm) =>
    html`<tr><th scope="row">${arm}</th>${metrics.map(({ name, format }) => html`<td>${cell(arm, name, format)}</td>`)}</tr>`,
)}
${
  correlations.some((c) => c !== undefined)
    ? html`<tr><th scope="row">Rank correlation with object score</th>${correlations.map((c) => html`<td>${c ?? '–'}</td>`)}</tr>`
    : undefined
}</tbody></table></div></section>`;
}

function numbers(rows: readonly ResultRow[]): Html {
  const short = (value: number): string => (Number.isInteger(value) ? String(value) : value.toPrecision(3));
  return html`<section><h2>All numbers</h2><p class="note">95 % bootstrap intervals over items and noise seeds; the same rows are in results.json.</p>
<details><summary>${rows.length} rows</summary><div class="scroll" tabindex="0" role="region" aria-label="All numbers"><table class="numbers">
<thead><tr>${['arm', 'task', 'metric', 'mean', 'low', 'high', 'n', 'seeds'].map((name, i) => html`<th scope="col" class="${i < 3 ? 'text' : ''}">${name}</th>`)}</tr></thead>
<tbody>${rows.map((r) => html`<tr><td>${r.arm}</td><td class="text">${r.task}</td><td class="text">${r.metric}</td><td>${short(r.mean)}</td><td>${short(r.low)}</td><td>${short(r.high)}</td><td>${r.n}</td><td>${r.seeds}</td></tr>`)}</tbody></table></div></details></section>`;
}

/** The report as one HTML page that needs nothing else. */
export async function renderReport(
  run: BenchRun,
  rows: readonly ResultRow[],
  options: ReportOptions = {},
): Promise<string> {
  const { settings } = run;
  const { model } = settings;
  const data = settings.layout === 'world' ? 'the toy world' : 'data in the layout of AURORA-Bench';
  const about: readonly (readonly [string, string | number])[] = [
    ['Model', model],
    ['Weights, SHA-256', `${settings.hash.slice(0, 16)}…`],
    ['Items', settings.numItems],
    ['Noise seeds per item', settings.seeds],
    ['Pictures', `${settings.side} × ${settings.side}`],
    ['Steps', settings.steps],
    ['Sampler', settings.sampler],
    ['Text guidance', settings.textGuidance],
    ['Image guidance', settings.imageGuidance],
    ...(settings.clipVision === undefined
      ? []
      : [['CLIP weights, SHA-256', `${settings.clipVision.slice(0, 16)}…`] as const]),
  ];
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${model}: edits measured</title><style>${trusted(style)}</style></head>
<body><header><h1>${model} on ${data}</h1>
<p class="note">${
    settings.layout === 'world'
      ? 'Rendered scenes whose truth is known: success is read from the picture, no judge is learned. These numbers say nothing about photographs and are not AURORA-Bench scores.'
      : 'No truth is known of these pictures: only distances to given targets and DiscEdit are measured. People have to judge success.'
  }</p></header>
<main>${figures(rows, model)}
<section><h2>By task</h2><p class="note">Lines are 95 % intervals. The copying model returns the source as it is; the random one paints a rectangle.</p>
<ul class="legend"><li><i class="model"></i>${model}</li><li><i class="copy"></i>copy</li><li><i class="random"></i>random</li></ul>
<div class="charts">${shownMetrics(rows).map((metric) => chart(rows, metric, model))}</div></section>
${referenceTable(rows, model)}
<section><h2>Examples</h2><p class="note">Rows evenly spread over each task, first noise seed; not chosen.</p>${await examples(run, options.examples ?? 9, options.signal)}</section>
${numbers(rows)}
<section><h2>How it was run</h2><dl class="settings">${about.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></section>
</main></body></html>
`;
  return page.html;
}

/**
 * Writes `results.json` (rows) and `report.html` to the run's folder.
 * @throws MediaError `IO`; the signal's reason
 */
export async function writeReport(run: BenchRun, options: ReportOptions = {}): Promise<ReportFiles> {
  const rows = summarise(run);
  const json = path.join(run.folder, 'results.json');
  const page = path.join(run.folder, 'report.html');
  await writeFileAtomically(json, `${JSON.stringify(rows, null, 1)}\n`, options.signal);
  await writeFileAtomically(page, await renderReport(run, rows, options), options.signal);
  return { json, html: page, rows };
}
