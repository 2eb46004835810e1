import { randomInt } from 'node:crypto';
import { type Raster, toRgb } from '@triptych/media';
import type { Editor } from '../editor.js';
import { version } from '../version.js';
import { compose } from './compose.js';
import { StepClock } from './eta.js';
import { fitToSize, type LoadedImage, loadImage } from './load-image.js';
import { loadMask } from './mask.js';
import { type EditStep, historyAfter } from './metadata.js';
import { type OpenEditorOptions, openEditor } from './open-editor.js';
import {
  type EditOptions,
  type ImageInput,
  problem,
  type ResolvedOptions,
  resolveOptions,
} from './options.js';
import type { EditResult } from './result.js';
import { toWorkSize, withoutMargin, workSizeOf } from './work-size.js';

/** What a running edit tells after each step. */
export interface EditProgress {
  /** The result that is being made, 0 .. n - 1. */
  readonly index: number;
  readonly n: number;
  readonly step: number;
  readonly steps: number;
  /** Of the whole call; undefined until a step was timed. */
  readonly etaSeconds: number | undefined;
  /** The result as the model sees it now: small, RGB, of the result's shape. Only during the callback. */
  readonly preview: () => Raster;
}

/** How to follow an edit and stop it. */
export interface EditCall {
  /** Heeded before every network evaluation, and between rows of pixel work. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: EditProgress) => void;
  /** Called with each result as soon as it is there. */
  readonly onResult?: (result: EditResult) => void | Promise<void>;
}

/** Edits pictures by instruction with one model. */
export class Aurora implements AsyncDisposable {
  /** The model itself, for pictures of its own size. */
  readonly editor: Editor;
  readonly #randomSeed: () => number;

  /** The editor is closed with this object. `randomSeed` is asked where an edit names no seed. */
  constructor(editor: Editor, randomSeed: () => number = () => randomInt(2 ** 32)) {
    this.editor = editor;
    this.#randomSeed = randomSeed;
  }

  /** Opens a model. @throws as `openEditor` */
  static async open(path: string, options: OpenEditorOptions = {}): Promise<Aurora> {
    return new Aurora(await openEditor(path, options));
  }

  /**
   * Edits a picture of any size and orientation and gives it back in its own size: the model works on a small copy, and
   * its change is brought back to the full picture (see `compose.ts`). With a mask, pixels outside are the source's,
   * byte for byte.
   *
   * @param image bytes, path, pixels, or the result of an earlier edit
   * @returns `n` results, in order of their seeds
   * @throws AuroraError `ARGUMENT` with `field`; `MODEL` when the model fails; the signal's reason
   */
  async edit(
    image: ImageInput | EditResult,
    instruction: string,
    options: EditOptions = {},
    call: EditCall = {},
  ): Promise<readonly EditResult[]> {
    const { signal } = call;
    signal?.throwIfAborted();
    const resolved = resolveOptions(instruction, options, this.editor.defaults, this.#randomSeed);
    if (options.feather !== undefined && options.mask === undefined)
      throw problem('feather', 'needs a mask: it is the width of the mask\u2019s seam');
    const loaded = await load(image, signal);
    const mask =
      options.mask === undefined ? undefined : await loadMask(options.mask, loaded.raster, resolved, signal);
    const source = await fitToSize(loaded.raster, resolved.size, signal);
    const size = workSizeOf(source, this.editor);
    const { picture, padded } = await toWorkSize(toRgb(source), size, signal);
    const clock = new StepClock(resolved.n * resolved.steps);
    const { n, negative, steps, sampler, textGuidance, imageGuidance } = resolved;
    const results: EditResult[] = [];
    for (let index = 0; index < n; index++) {
      const seed = (resolved.seed + index) % 2 ** 32;
      const edited = await this.editor.run(
        {
          image: padded,
          instruction: resolved.instruction,
          negative,
          seed,
          steps,
          sampler,
          textGuidance,
          imageGuidance,
        },
        {
          ...(signal && { signal }),
          onProgress: ({ step, steps: total, preview }) =>
            call.onProgress?.({
              index,
              n,
              step,
              steps: total,
              etaSeconds: clock.step(),
              preview: () => withoutMargin(preview(), size),
            }),
        },
      );
      signal?.throwIfAborted();
      const full = await compose(
        {
          source,
          before: picture,
          after: withoutMargin(edited, size),
          weights: mask?.weights,
          preserve: resolved.preserve,
        },
        signal,
      );
      const step = this.stepOf(resolved, seed, loaded.hash, mask);
      const result: EditResult = {
        image: full,
        seed,
        index,
        parameters: loaded.history.length === 0 ? step : { ...step, history: [...loaded.history] },
      };
      results.push(result);
      await call.onResult?.(result);
    }
    return results;
  }

  /**
   * What the metadata of an edit would say, without making it: lets a batch tell whether a result is already there.
   * @throws AuroraError `ARGUMENT`
   */
  parametersOf(
    instruction: string,
    options: EditOptions & { readonly seed: number },
    hashes: { readonly source: string; readonly mask?: { readonly hash: string; readonly feather: number } },
  ): EditStep {
    const resolved = resolveOptions(instruction, options, this.editor.defaults, this.#randomSeed);
    return this.stepOf(resolved, resolved.seed, hashes.source, hashes.mask);
  }

  /** Frees the model. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.editor[Symbol.asyncDispose]();
  }

  private stepOf(
    options: ResolvedOptions,
    seed: number,
    source: string,
    mask: { readonly hash: string; readonly feather: number } | undefined,
  ): EditStep {
    const { instruction, negative, steps, sampler, textGuidance, imageGuidance, preserve, size } = options;
    return {
      version,
      instruction,
      negative,
      seed,
      steps,
      sampler,
      textGuidance,
      imageGuidance,
      preserve,
      model: this.editor.name,
      modelHash: this.editor.hash,
      source,
      ...(size === undefined ? {} : { size: [size.width, size.height] }),
      ...(mask === undefined ? {} : { mask: { hash: mask.hash, feather: mask.feather } }),
    };
  }
}

async function load(
  image: ImageInput | EditResult,
  signal?: AbortSignal,
): Promise<Pick<LoadedImage, 'raster' | 'hash'> & { readonly history: readonly EditStep[] }> {
  if (typeof image === 'object' && image !== null && 'parameters' in image) {
    const { history = [], ...step } = image.parameters;
    return { ...(await loadImage(image.image, 'image', signal)), history: [...history, step] };
  }
  const loaded = await loadImage(image, 'image', signal);
  return { ...loaded, history: historyAfter(loaded.text) };
}
