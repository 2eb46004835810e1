import type { MetricName, ResultRow } from '../summarise.js';
import { type Html, html } from './html.js';

/** How a metric is shown. */
export interface Metric {
  readonly name: MetricName;
  readonly title: string;
  readonly note: string;
  /** Full length of a bar; undefined takes the largest value. */
  readonly full?: number;
  readonly format: (value: number) => string;
}

const percent = (value: number): string => `${Math.round(100 * value)}`;
const decimals =
  (digits: number) =>
  (value: number): string =>
    value.toFixed(digits);

/** What the report shows of pictures whose truth is known, in order. */
const truthMetrics: readonly Metric[] = [
  {
    name: 'object-success',
    title: 'Object-level success, %',
    note: 'Share of outputs whose objects are all as asked, with nothing else changed.',
    full: 1,
    format: percent,
  },
  {
    name: 'disc-edit',
    title: 'DiscEdit, %',
    note: 'Share of questions where the instruction that already holds changes less than the other one. Chance is 50; ties count as lost, so copying has 0.',
    full: 1,
    format: percent,
  },
  {
    name: 'progress',
    title: 'Progress',
    note: 'How far changed pixels came towards the target: a copy has 0, the target 1.',
    full: 1,
    format: decimals(2),
  },
  {
    name: 'preservation-delta-e',
    title: 'Drift of what should stay, ΔE',
    note: 'Mean colour difference on unchanged pixels; lower is better, about 2 can be seen.',
    format: decimals(2),
  },
];

/** What stands in where no truth is known: closeness to the target, which a copy has too. */
const targetMetrics: readonly Metric[] = [
  {
    name: 'ssim',
    title: 'SSIM to the target',
    note: 'Structural similarity of output and target, which has 1. A copy of the source comes close whatever was asked: compare with its bar.',
    full: 1,
    format: decimals(3),
  },
  {
    name: 'l1',
    title: 'L1 to the target',
    note: 'Mean absolute difference of output and target; lower is better, and a copy is low too.',
    format: decimals(4),
  },
];

/** What the report shows by task, in order: success where truth is known, else distances to the target. */
export function shownMetrics(rows: readonly ResultRow[]): readonly Metric[] {
  const hasTruth = rows.some(({ metric }) => metric === 'object-success');
  return hasTruth ? truthMetrics : [...targetMetrics, ...truthMetrics];
}

const referenceMetrics: readonly Metric[] = [
  { name: 'l1', title: 'L1 ↓', note: '', format: decimals(4) },
  { name: 'l2', title: 'L2 ↓', note: '', format: decimals(4) },
  { name: 'ssim', title: 'SSIM ↑', note: '', format: decimals(3) },
];

const clipMetric: Metric = { name: 'clip-i', title: 'CLIP-I ↑', note: '', format: decimals(3) };

/** Metrics of the table of reference distances; CLIP-I only where it was measured. */
export function tableMetrics(rows: readonly ResultRow[]): readonly Metric[] {
  return rows.some(({ metric }) => metric === 'clip-i')
    ? [...referenceMetrics, clipMetric]
    : referenceMetrics;
}

const clip = (share: number): number => Math.min(100, Math.max(0, 100 * share));

function bar(row: ResultRow, metric: Metric, full: number, kind: 'model' | 'copy' | 'random'): Html {
  const { mean, low, high, arm } = row;
  const from = clip(low / full);
  const to = clip(high / full);
  const range = low === high ? '' : ` (${metric.format(low)} to ${metric.format(high)})`;
  return html`<div class="bar is-${kind}"><span class="track" aria-hidden="true"><i class="${kind}" style="width:${clip(mean / full).toFixed(2)}%"></i>${
    to > from ? html`<u style="left:${from.toFixed(2)}%;width:${(to - from).toFixed(2)}%"></u>` : undefined
  }</span><span><span class="over">${arm}: </span>${metric.format(mean)}${range}</span></div>`;
}

/** Bars of one metric by task, the baselines beside; undefined when nothing has it. */
export function chart(rows: readonly ResultRow[], metric: Metric, model: string): Html | undefined {
  const own = rows.filter(({ metric: name }) => name === metric.name);
  if (!own.some(({ arm }) => arm === model)) return undefined;
  const tasks = [...new Set(own.map(({ task }) => task))].filter((task) => task !== 'all');
  // A baseline that destroys pictures must not make everybody else's bars invisible.
  const shown = own.filter(({ arm }) => arm !== 'random');
  const full = metric.full ?? Math.max(1e-9, ...shown.map(({ high }) => high));
  const line = (task: string): Html => {
    const bars = ([model, 'copy', 'random'] as const).map((arm, i) => {
      const row = own.find((r) => r.task === task && r.arm === arm);
      return row && bar(row, metric, full, (['model', 'copy', 'random'] as const)[i]!);
    });
    const n = own.find((r) => r.task === task && r.arm === model)?.n;
    const label = task === 'all' ? 'All tasks' : task;
    return html`<tr${task === 'all' ? html` class="all"` : ''}><th scope="row">${label}<br><small>n ${n}</small></th><td>${bars}</td></tr>`;
  };
  return html`<div><h3>${metric.title}</h3><p class="note">${metric.note}</p>
<table class="bars"><caption class="over">${metric.title} by task</caption><tbody>${[...(tasks.length > 1 ? ['all'] : []), ...tasks].map(line)}</tbody></table></div>`;
}
