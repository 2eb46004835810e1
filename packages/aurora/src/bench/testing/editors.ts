import type { Raster } from '@triptych/media';
import { readImage } from '@triptych/media';
import type { Editor } from '../../editor.js';
import { baselineEditor } from '../baselines.js';
import type { BenchSet } from '../items.js';

/** An editor that returns the target of whatever row it is asked about, and the source for anything else. */
export async function truthEditor(set: BenchSet): Promise<Editor & { readonly runs: () => number }> {
  const targets = new Map<string, Raster>();
  const keyOf = (image: Raster, instruction: string): string =>
    `${instruction} ${Buffer.from(image.data).toString('base64')}`;
  for (const { source, edit } of set.items)
    if (edit?.target !== undefined)
      targets.set(keyOf(await readImage(source), edit.instruction), await readImage(edit.target));
  let runs = 0;
  const base = baselineEditor('truth', ({ image, instruction }) => {
    runs++;
    return targets.get(keyOf(image, instruction)) ?? image;
  });
  return { ...base, runs: () => runs };
}
