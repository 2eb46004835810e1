/**
 * Small real files for tests of rating and review.
 *
 * @module
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { encodeImage } from '@triptych/media';
import type { Candidate, CandidateFile } from '../curation/candidate.js';
import { resultsFileName } from '../rating/study-folder.js';
import type { StudyItem } from '../rating/study-item.js';

/** A folder that is removed when the test ends: `using folder = temporaryFolder()`. */
export function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'triptych-people-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A PNG of one colour, with the model's name in its text. */
export async function writeFlatPicture(path: string, colour: number, note = ''): Promise<void> {
  const data = new Uint8Array(8 * 8 * 3).fill(colour & 255);
  const bytes = await encodeImage(
    { width: 8, height: 8, channels: 3, data },
    { text: { parameters: `made by ${note}` } },
  );
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, bytes);
}

/** A study of `perTask` items in each task, with pictures. */
export async function writeStudyItems(
  folder: string,
  { models = ['alpha', 'beta'], tasks = ['attribute', 'physics'], perTask = 2 } = {},
): Promise<StudyItem[]> {
  const items: StudyItem[] = [];
  for (const [t, task] of tasks.entries())
    for (let i = 0; i < perTask; i++) {
      const source = join(folder, task, `${i}.png`);
      await writeFlatPicture(source, 10 * t + i);
      for (const [m, model] of models.entries()) {
        const output = join(folder, task, `${i}-${model}.png`);
        await writeFlatPicture(output, 100 + 40 * m + 10 * t + i, model);
        items.push({ item: `${i}`, task, model, instruction: `Do ${task} ${i}`, source, output });
      }
    }
  return items;
}

/** The same items as a folder that the benchmark wrote. */
export async function writeStudyFolder(
  folder: string,
  options: Parameters<typeof writeStudyItems>[1] = {},
): Promise<StudyItem[]> {
  const items = await writeStudyItems(folder, options);
  const lines = items.map((item) =>
    JSON.stringify({
      ...item,
      source: relative(folder, item.source),
      output: relative(folder, item.output),
    }),
  );
  writeFileSync(join(folder, resultsFileName), `${lines.join('\n')}\n`);
  return items;
}

/** A folder as curation writes it, with `count` candidates; the first has no instruction yet. */
export async function writeCandidates(folder: string, count = 3): Promise<Candidate[]> {
  const candidates: Candidate[] = [];
  for (let i = 0; i < count; i++) {
    const file = (suffix: string): string => `images/c${i}_${suffix}.png`;
    for (const [j, suffix] of ['0', '1', 'mask'].entries())
      await writeFlatPicture(join(folder, file(suffix)), 50 * j + i);
    candidates.push({
      id: `c${i}`,
      input: file('0'),
      output: file('1'),
      mask: file('mask'),
      width: 8,
      height: 8,
      clip: `clip${i % 2}.mp4`,
      firstSeconds: i,
      lastSeconds: i + 1.5,
      ...(i === 0 ? {} : { caption: `Moving thing ${i}`, instruction: `Move thing ${i}` }),
      scores: {
        cut: 0,
        cameraMotion: 0,
        changed: 0.1,
        extent: 0.1,
        regions: 1,
        compactness: 0.8,
        outside: 1,
        distance: 0.2,
        sharpness: 1,
        moving: 0,
        minimality: 0.9 - i / 100,
      },
      remarks: ['One region changed.'],
    });
  }
  const file: CandidateFile = {
    format: 'triptych-candidates',
    version: 1,
    embedding: 'descriptor',
    clips: 2,
    pairs: 10,
    rejected: {},
    failed: [],
    candidates,
  };
  writeFileSync(join(folder, 'candidates.json'), JSON.stringify(file));
  return candidates;
}
