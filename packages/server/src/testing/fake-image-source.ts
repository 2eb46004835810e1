/**
 * @module
 * A deterministic image source for tests: it decodes nothing and hands the picture back, with the events and errors of
 * a real one.
 */
import {
  type ImageEditEvent,
  type ImageEditRequest,
  ImageError,
  type ImageModelInfo,
  type ImageScene,
  type ImageSource,
} from '../image/source.js';

export interface FakeImageSourceOptions {
  /** Wait after each step; default 0 (still gives the event loop a turn). */
  readonly stepDelayMs?: number;
  /** Thrown after this many steps of the first result. */
  readonly failure?: { readonly afterSteps: number; readonly error: Error };
  /** Models that the source says it has; default one, `fake-edit`. */
  readonly models?: readonly ImageModelInfo[];
}

/** What the fake saw of an edit, for assertions. */
export interface SeenEdit {
  readonly request: ImageEditRequest;
  aborted: boolean;
  ended: boolean;
}

const model: ImageModelInfo = {
  id: 'fake-edit',
  hash: '0'.repeat(64),
  nativeSide: 64,
  sideMultiple: 4,
  samplers: ['ddim', 'euler'],
  defaults: { steps: 4, sampler: 'ddim', textGuidance: 1.5, imageGuidance: 1 },
  description: 'Gives the picture back.',
};

const preview = { width: 2, height: 1 };

/** Pictures whose first byte is 0 stand for damaged ones. */
export class FakeImageSource implements ImageSource {
  readonly seen: SeenEdit[] = [];
  closed = false;
  readonly #options: FakeImageSourceOptions;

  constructor(options: FakeImageSourceOptions = {}) {
    this.#options = options;
  }

  get running(): number {
    return this.seen.filter((edit) => !edit.ended).length;
  }

  async models(): Promise<readonly ImageModelInfo[]> {
    return this.#options.models ?? [model];
  }

  async edit(
    request: ImageEditRequest,
    { signal, onEvent }: { readonly signal: AbortSignal; readonly onEvent: (event: ImageEditEvent) => void },
  ): Promise<void> {
    const edit: SeenEdit = { request, aborted: false, ended: false };
    this.seen.push(edit);
    try {
      if (request.image[0] === 0)
        throw new ImageError('invalid_image', 'the image cannot be decoded', { field: 'image' });
      for (let index = 0; index < request.n; index++) await this.#one(request, index, signal, onEvent);
    } finally {
      edit.aborted = signal.aborted;
      edit.ended = true;
    }
  }

  async scene({ seed }: { readonly seed: number }, signal: AbortSignal): Promise<ImageScene> {
    signal.throwIfAborted();
    return { bytes: Uint8Array.of(137, 80, 78, 71), seed, suggestions: ['remove the red cube'] };
  }

  async recall(image: Uint8Array): Promise<Readonly<Record<string, unknown>> | undefined> {
    if (image[0] === 0) throw new ImageError('invalid_image', 'the image is damaged', { field: 'image' });
    return image[0] === 137 ? { instruction: 'make it red', seed: 7 } : undefined;
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  async #one(
    request: ImageEditRequest,
    index: number,
    signal: AbortSignal,
    onEvent: (event: ImageEditEvent) => void,
  ): Promise<void> {
    const steps = request.steps ?? model.defaults.steps;
    const { failure, stepDelayMs = 0 } = this.#options;
    for (let step = 1; step <= steps; step++) {
      signal.throwIfAborted();
      await new Promise((resolve) => {
        if (stepDelayMs > 0) setTimeout(resolve, stepDelayMs);
        else setImmediate(resolve);
      });
      signal.throwIfAborted();
      onEvent({ type: 'progress', index, step, steps, etaSeconds: steps - step });
      if (step <= request.previews)
        onEvent({
          type: 'preview',
          index,
          previewIndex: step - 1,
          step,
          steps,
          ...preview,
          bytes: request.image,
        });
      if (failure?.afterSteps === step) throw failure.error;
    }
    const seed = ((request.seed ?? 100) + index) % 2 ** 32;
    onEvent({ type: 'image', index, seed, width: 4, height: 3, bytes: request.image });
  }
}
