import { existsSync } from 'node:fs';
import path from 'node:path';
import { encodeImage, type Raster, readImage, resizeImage } from '@triptych/media';
import type { EditScores } from '../../metrics/edit-judge.js';
import { discOutcome } from '../disc-edit.js';
import type { BenchRun } from '../run-benchmark.js';
import { type Html, html } from './html.js';

/** Pictures in the page are at most this wide; the full ones are in the result folder. */
const shownSide = 160;

async function dataUrl(file: string, signal: AbortSignal | undefined): Promise<string> {
  const options = signal ? { signal } : {};
  const { width, height, channels, data } = await readImage(file, options);
  let raster: Raster = { width, height, channels, data };
  const scale = shownSide / Math.max(width, height);
  if (scale < 1)
    raster = await resizeImage(raster, {
      width: Math.max(1, Math.round(width * scale)),
      height: Math.max(1, Math.round(height * scale)),
      ...options,
    });
  const bytes = await encodeImage(raster, { format: 'webp', quality: 88, ...options });
  return `data:image/webp;base64,${Buffer.from(bytes).toString('base64')}`;
}

const reasons: Record<EditScores['objectReason'], string> = {
  done: 'as asked',
  partial: 'partly',
  'left-behind': 'also still where it was',
  missing: 'gone, but not where it should be',
  'wrong-place': 'in another place',
  'wrong-result': 'another result than asked',
  'also-changed': 'done, and something else changed',
  unchanged: 'unchanged',
  'wrong-object': 'something else changed',
  destroyed: 'picture destroyed',
};

const outcomes = {
  win: 'DiscEdit: stays closer when nothing is to do',
  tie: 'DiscEdit: tie',
  loss: 'DiscEdit: changes more when nothing is to do',
} as const;

/** Evenly spread over a list. */
function spread<T>(list: readonly T[], count: number): T[] {
  if (list.length <= count) return [...list];
  return Array.from({ length: count }, (_, i) => list[Math.floor((i * list.length) / count)]!);
}

/** Source, output and target of some rows of each task. */
export async function examples(run: BenchRun, perTask: number, signal?: AbortSignal): Promise<Html> {
  const items = new Map(run.set.items.map((item) => [item.key, item]));
  const shown = run.records.filter(
    ({ arm, index, output }) =>
      arm === 'model' && index === 0 && output !== undefined && existsSync(path.join(run.folder, output)),
  );
  const tasks = [...new Set(shown.map(({ task }) => task))];
  const parts: Html[] = [];
  for (const [t, task] of tasks.entries()) {
    const all = shown.filter((record) => record.task === task);
    // Questions of DiscEdit alone are shown when the task has nothing else.
    const edits = all.filter(({ item }) => items.get(item)?.edit !== undefined);
    const cards: Html[] = [];
    for (const { item: key, output, scores, disc } of spread(edits.length > 0 ? edits : all, perTask)) {
      signal?.throwIfAborted();
      const item = items.get(key)!;
      const pictures = [
        ['Source', item.source],
        ['Output', path.join(run.folder, output!)],
        ['Target', item.edit?.target],
      ] as const;
      const figures: Html[] = [];
      for (const [name, file] of pictures)
        if (file !== undefined)
          figures.push(
            html`<figure><img src="${await dataUrl(file, signal)}" alt="${name} of: ${item.edit?.instruction ?? item.disc?.change}" width="${shownSide}" height="${shownSide}"><figcaption>${name}</figcaption></figure>`,
          );
      const grade = scores && 'object' in scores ? scores : undefined;
      cards.push(html`<li><p>${item.edit?.instruction ?? item.disc?.change}</p>
<div class="pictures">${figures}</div>
${grade && html`<span class="grade g${grade.object}">${grade.object} · ${reasons[grade.objectReason]}</span> `}${
  disc && html`<span class="note">${outcomes[discOutcome(disc)]}</span>`
}</li>`);
    }
    parts.push(html`<details${t === 0 ? html` open` : ''}><summary>${task}<small>${cards.length} of ${all.length}</small></summary>
<div><ul class="examples">${cards}</ul></div></details>`);
  }
  return html`${parts}`;
}
