import type { Raster } from '@triptych/media';
import { random } from '@triptych/world';
import type { Editor, EditorRequest } from '../editor.js';
import { noiseSeed } from './noise-seed.js';

/** What a baseline makes of a request. */
export type BaselineEdit = (request: Pick<EditorRequest, 'image' | 'instruction' | 'seed'>) => Raster;

/** The source as it is: full preservation, and the floor of everything else. */
export const copyEdit: BaselineEdit = ({ image }) => image;

/** Fills a rectangle of random place, size and colour; which, depends on instruction and seed. */
export const randomEdit: BaselineEdit = ({ image, instruction, seed }) => {
  const { width, height } = image;
  const r = random(noiseSeed(seed, instruction, 0) | 0);
  const w = Math.max(1, Math.round(width * r.between(0.1, 0.4)));
  const h = Math.max(1, Math.round(height * r.between(0.1, 0.4)));
  const left = r.index(width - w + 1);
  const top = r.index(height - h + 1);
  const colour = [r.index(256), r.index(256), r.index(256)];
  const data = image.data.slice();
  for (let y = top; y < top + h; y++)
    for (let x = left; x < left + w; x++)
      for (let c = 0; c < 3; c++) data[3 * (y * width + x) + c] = colour[c]!;
  return { ...image, data };
};

/** A baseline as an editor, its space being pixels from -1 to 1. */
export function baselineEditor(name: string, edit: BaselineEdit): Editor {
  return {
    name,
    hash: name,
    sideMultiple: 1,
    nativeSide: 64,
    defaults: { steps: 1, sampler: 'ddim', textGuidance: 1, imageGuidance: 1 },
    run: async (request, { signal } = {}) => {
      signal?.throwIfAborted();
      return edit(request);
    },
    encode: async ({ data }) => Float32Array.from(data, (v) => v / 127.5 - 1),
    [Symbol.asyncDispose]: async () => undefined,
  };
}
