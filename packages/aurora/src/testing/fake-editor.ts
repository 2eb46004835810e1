import { setTimeout as sleep } from 'node:timers/promises';
import type { Raster } from '@triptych/media';
import type { Editor, EditorProgress, EditorRequest, EditorSettings } from '../editor.js';

export interface FakeEditorOptions {
  readonly nativeSide?: number;
  readonly sideMultiple?: number;
  /** Makes the edited picture; default: the middle (half of each side) is inverted. */
  readonly paint?: (request: EditorRequest) => Raster;
  /** Wait in each step; default 0 (still gives the event loop a turn). */
  readonly stepMs?: number;
}

/** A deterministic editor without a network. */
export class FakeEditor implements Editor {
  readonly name = 'fake-edit';
  readonly hash = 'f'.repeat(64);
  readonly sideMultiple: number;
  readonly nativeSide: number;
  readonly defaults: EditorSettings = { steps: 3, sampler: 'ddim', textGuidance: 2, imageGuidance: 1 };
  readonly seen: EditorRequest[] = [];
  stepsDone = 0;
  closed = false;
  readonly #paint: (request: EditorRequest) => Raster;
  readonly #stepMs: number;

  constructor(options: FakeEditorOptions = {}) {
    this.nativeSide = options.nativeSide ?? 16;
    this.sideMultiple = options.sideMultiple ?? 4;
    this.#paint = options.paint ?? invertMiddle;
    this.#stepMs = options.stepMs ?? 0;
  }

  async run(
    request: EditorRequest,
    {
      signal,
      onProgress,
    }: { readonly signal?: AbortSignal; readonly onProgress?: (progress: EditorProgress) => void } = {},
  ): Promise<Raster> {
    this.seen.push(request);
    for (let step = 1; step <= request.steps; step++) {
      signal?.throwIfAborted();
      await sleep(this.#stepMs);
      this.stepsDone += 1;
      onProgress?.({ step, steps: request.steps, preview: () => request.image });
    }
    return this.#paint(request);
  }

  async encode(image: Raster): Promise<Float32Array> {
    return Float32Array.from(image.data);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closed = true;
  }
}

function invertMiddle({ image }: EditorRequest): Raster {
  const data = image.data.slice();
  for (let y = image.height >> 2; y < (3 * image.height) >> 2; y++)
    for (
      let i = 3 * (y * image.width + (image.width >> 2));
      i < 3 * (y * image.width + ((3 * image.width) >> 2));
      i++
    )
      data[i] = 255 - data[i]!;
  return { ...image, data };
}
