/**
 * @module
 * The server's image source over `@triptych/aurora`. The model and the image libraries are loaded with the first request
 * that needs them, so that a server starts as fast as without.
 */
import type { Aurora, EditOptions } from '@triptych/aurora';
import {
  type ImageEditEvent,
  type ImageEditRequest,
  ImageError,
  type ImageModelInfo,
  type ImageScene,
  type ImageSource,
} from '@triptych/server';
import { loadImageModules, loadWorldModule } from './modules.js';
import { SceneMaker } from './scene.js';

/** Longer side of a preview, pixels: more than the model's own, so that it looks right where it is shown. */
const previewSide = 256;

/** An image source over one model, opened by `open` when it is first asked for. */
export class AuroraImageSource implements ImageSource {
  readonly #open: () => Promise<Aurora>;
  readonly #scenes = new SceneMaker();
  #opening: Promise<Aurora> | undefined;
  #closed = false;

  constructor(open: () => Promise<Aurora>) {
    this.#open = open;
  }

  async models(): Promise<readonly ImageModelInfo[]> {
    const { editor } = await this.#aurora();
    return [
      {
        id: editor.name,
        hash: editor.hash,
        nativeSide: editor.nativeSide,
        sideMultiple: editor.sideMultiple,
        samplers: ['ddim', 'euler', 'euler-ancestral', 'dpm++'],
        defaults: editor.defaults,
        description: `Edits pictures by instruction at ${editor.nativeSide} pixels; the result has the picture's own size.${editor.note === undefined ? '' : ` ${editor.note}`}`,
      },
    ];
  }

  async edit(
    request: ImageEditRequest,
    { signal, onEvent }: { readonly signal: AbortSignal; readonly onEvent: (event: ImageEditEvent) => void },
  ): Promise<void> {
    const aurora = await this.#aurora();
    const { encodeResult, media } = await loadImageModules();
    const { format, quality, previews, image, instruction } = request;
    const encoding = { format, ...(quality === undefined ? {} : { quality }) };
    // Previews are encoded beside the next steps; their events keep their order and come before the result's.
    let encoded: Promise<void> = Promise.resolve();
    try {
      if (request.mask !== undefined) await requireAlpha(request.mask, signal);
      await aurora.edit(image, instruction, toOptions(request), {
        signal,
        onProgress: ({ index, step, steps, etaSeconds, preview }) => {
          onEvent({
            type: 'progress',
            index,
            step,
            steps,
            ...(etaSeconds === undefined ? {} : { etaSeconds }),
          });
          const previewIndex = previewAt(step, steps, previews);
          if (previewIndex === undefined) return;
          const raster = preview();
          encoded = encoded.then(async () => {
            const factor = previewSide / Math.max(raster.width, raster.height);
            const [width, height] = [raster.width, raster.height].map((side) =>
              Math.max(1, Math.round(side * factor)),
            ) as [number, number];
            const shown = await media.resizeImage(raster, { width, height, kernel: 'cubic' });
            const bytes = await media.encodeImage(shown, encoding);
            onEvent({ type: 'preview', index, previewIndex, step, steps, width, height, bytes });
          });
          encoded.catch(() => undefined);
        },
        onResult: async (result) => {
          await encoded;
          const bytes = await encodeResult(result, { ...encoding, signal });
          const { width, height } = result.image;
          onEvent({ type: 'image', index: result.index, seed: result.seed, width, height, bytes });
        },
      });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw await toImageError(error);
    }
  }

  async scene(
    request: { readonly seed: number; readonly count?: number; readonly size: number },
    signal: AbortSignal,
  ): Promise<ImageScene> {
    try {
      return await this.#scenes.make(request, signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const { WorldError } = await loadWorldModule();
      if (!WorldError.isInstance(error)) throw error;
      const isRoom = error.code === 'PLACEMENT';
      throw new ImageError('invalid_value', error.message, {
        field: isRoom ? 'count' : 'seed',
        cause: error,
      });
    }
  }

  async recall(image: Uint8Array): Promise<Readonly<Record<string, unknown>> | undefined> {
    const { recallParameters } = await loadImageModules();
    try {
      return await recallParameters(image);
    } catch (error) {
      throw await toImageError(error);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#scenes.close();
    await this.#opening?.then(
      (aurora) => aurora[Symbol.asyncDispose](),
      () => undefined,
    );
  }

  #aurora(): Promise<Aurora> {
    if (this.#closed) throw new ImageError('unavailable', 'The image model is closed.');
    this.#opening ??= this.#open().catch((error: unknown) => {
      // The next request may find the files mended.
      this.#opening = undefined;
      const reason = error instanceof Error ? error.message : String(error);
      throw new ImageError('unavailable', `The image model cannot be loaded: ${reason}`, { cause: error });
    });
    return this.#opening;
  }
}

/** The API's masks speak by alpha alone; a picture sent by mistake should not pass for one that is black and white. */
async function requireAlpha(mask: Uint8Array, signal: AbortSignal): Promise<void> {
  const { editLimits, media } = await loadImageModules();
  const { maxBytes, maxPixels } = editLimits;
  const problem = (message: string, code: ReturnType<typeof imageCode>, cause?: unknown): ImageError =>
    new ImageError(code, `mask ${message}`, { field: 'mask', cause });
  const { data } = await media
    .decodeImage(mask, { channels: 'rgba', maxBytes, maxPixels, signal })
    .catch((error: unknown) => {
      if (!media.MediaError.isInstance(error)) throw error;
      throw problem(`cannot be used: ${error.message}`, imageCode(error.code), error);
    });
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 255) return;
  throw problem('has no transparent pixel: make the place to edit transparent', 'invalid_value');
}

function toOptions(request: ImageEditRequest): EditOptions {
  const { n, seed, steps, sampler, textGuidance, imageGuidance, negative, mask, feather, size } = request;
  const given = { n, seed, steps, sampler, textGuidance, imageGuidance, negative, mask, feather, size };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as EditOptions;
}

/**
 * Which preview a step brings: `previews` of them, evenly over the steps before the last, whose result comes in full.
 * Undefined when it brings none.
 */
export function previewAt(step: number, steps: number, previews: number): number | undefined {
  const due = (after: number): number => Math.floor((after * (previews + 1)) / steps);
  const isDue = (at: number): boolean => at < steps && due(at) > due(at - 1);
  if (!isDue(step)) return undefined;
  let index = 0;
  for (let earlier = 1; earlier < step; earlier++) if (isDue(earlier)) index += 1;
  return index;
}

/** Fields of `@triptych/aurora` under their names in the API. */
const apiFields: Readonly<Record<string, string>> = {
  instruction: 'prompt',
  negative: 'negative_prompt',
  textGuidance: 'text_guidance',
  imageGuidance: 'image_guidance',
};

async function toImageError(error: unknown): Promise<unknown> {
  const { AuroraError, media } = await loadImageModules();
  const cause = AuroraError.isInstance(error) ? error.cause : error;
  const mediaCode = media.MediaError.isInstance(cause) ? cause.code : undefined;
  if (AuroraError.isInstance(error)) {
    const field = error.field === undefined ? undefined : (apiFields[error.field] ?? error.field);
    if (error.code === 'MODEL') return new ImageError('unavailable', error.message, { cause: error });
    return new ImageError(imageCode(mediaCode), error.message, { field, cause: error });
  }
  if (media.MediaError.isInstance(error))
    return new ImageError(imageCode(error.code), error.message, { field: 'image', cause: error });
  return error;
}

function imageCode(mediaCode: string | undefined): 'invalid_value' | 'invalid_image' | 'image_too_large' {
  if (mediaCode === 'IMAGE_LIMIT') return 'image_too_large';
  return mediaCode === 'IMAGE_DECODE' || mediaCode === 'PNG_TEXT' ? 'invalid_image' : 'invalid_value';
}
