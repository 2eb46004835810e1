import { MediaError } from '../errors.js';
import type { Raster } from '../raster.js';
import type { AvFrame } from './av.js';
import { VideoReader } from './reader.js';
import { FrameScaler } from './scale.js';

/** Which frames to decode. Without `timestamps` and `every` all of them. */
export interface DecodeFramesOptions {
  /** Times in seconds from the start, ascending: for each the frame that is shown then is yielded. */
  readonly timestamps?: readonly number[];
  /** Seconds between samples, from 0 to the end. */
  readonly every?: number;
  /** Longest side of the pictures; larger frames are made smaller. Default: as they are. */
  readonly maxSide?: number;
  /** Largest frame taken, pixels; default 2^24. */
  readonly maxPixels?: number;
  /** Decoder threads; default 1. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

/** A decoded frame. */
export interface VideoFrame extends Raster {
  readonly channels: 3;
  /** When the frame begins to be shown, seconds from the stream's start. */
  readonly seconds: number;
  /** The time asked for; with all frames, `seconds`. */
  readonly requested: number;
}

/** Gaps longer than this are jumped over, seconds: decoding so far costs about what a jump to a key frame costs. */
const jumpSeconds = 8;
/** Times in files are rounded to their time base (often 1/90000 s, in Matroska 1 ms). */
const tolerance = 6e-4;

/**
 * Decodes frames as upright RGB pictures with square pixels, all of one size. At a time t it gives the last frame that
 * begins at or before t; before the first frame the first, after the end the last. Breaking out of the loop closes
 * the file.
 *
 * @throws MediaError `VIDEO_UNAVAILABLE`, `IO`, `IMAGE_LIMIT`, `ARGUMENT`; `VIDEO` for files that are no video,
 *   damaged or cut short (frames before the damage have been yielded); the signal's reason when aborted
 */
export async function* decodeFrames(
  path: string,
  options: DecodeFramesOptions = {},
): AsyncGenerator<VideoFrame, void, undefined> {
  checkOptions(options);
  const { timestamps, every, signal } = options;
  signal?.throwIfAborted();
  await using reader = await VideoReader.open(path, options);
  using scaler = new FrameScaler(reader, options.maxSide);
  if (timestamps !== undefined || every !== undefined) {
    using held = new HeldFrame(reader, scaler);
    yield* sampled(reader, held, options);
    return;
  }
  let count = 0;
  for (;;) {
    signal?.throwIfAborted();
    const next = await reader.next();
    if (next === undefined) break;
    count++;
    const { frame, seconds } = next;
    yield { ...(await scaler.picture(frame)), channels: 3, seconds, requested: seconds };
  }
  if (count === 0) throw noFrames(path);
}

/** The newest decoded frame, turned into a picture only when it is asked for. */
class HeldFrame implements Disposable {
  readonly #frame: AvFrame;
  readonly #scaler: FrameScaler;
  #seconds: number | undefined;
  #picture: Raster | undefined;

  constructor(reader: VideoReader, scaler: FrameScaler) {
    this.#frame = new reader.av.Frame();
    this.#frame.alloc();
    this.#scaler = scaler;
  }

  get isEmpty(): boolean {
    return this.#seconds === undefined;
  }

  hold(frame: AvFrame, seconds: number): void {
    this.#frame.unref();
    this.#frame.ref(frame);
    this.#seconds = seconds;
    this.#picture = undefined;
  }

  drop(): void {
    this.#frame.unref();
    this.#seconds = undefined;
    this.#picture = undefined;
  }

  async show(requested: number): Promise<VideoFrame> {
    this.#picture ??= await this.#scaler.picture(this.#frame);
    return { ...this.#picture, channels: 3, seconds: this.#seconds ?? 0, requested };
  }

  [Symbol.dispose](): void {
    this.#frame[Symbol.dispose]();
  }
}

async function* sampled(
  reader: VideoReader,
  held: HeldFrame,
  { timestamps, every = 0, signal }: DecodeFramesOptions,
): AsyncGenerator<VideoFrame, void, undefined> {
  const timeOf = (index: number): number | undefined => (timestamps ? timestamps[index] : index * every);
  let index = 0;
  let position = 0;
  let mayJump = timestamps !== undefined;
  let triedFor: number | undefined; // one jump a target: the key frame before it may be far from it
  for (;;) {
    const target = timeOf(index);
    if (target === undefined) return;
    signal?.throwIfAborted();
    const isFar = target - position > jumpSeconds && triedFor !== index;
    const jumped = mayJump && isFar && (await reader.seek(target));
    if (isFar) triedFor = index;
    if (jumped) held.drop();
    const next = await reader.next();
    if (next === undefined) break;
    if (jumped && next.seconds > target + tolerance) {
      // The file's index is wrong: decode all from the start instead.
      mayJump = false;
      if (!(await reader.seek(0))) throw new MediaError('VIDEO', `${reader.path} cannot be rewound`);
      continue;
    }
    position = next.seconds;
    // All times before this frame show the frame before it.
    for (
      let t: number | undefined = target;
      t !== undefined && t + tolerance < next.seconds;
      t = timeOf(++index)
    ) {
      if (held.isEmpty) held.hold(next.frame, next.seconds);
      yield await held.show(t);
    }
    if (timeOf(index) === undefined) return;
    held.hold(next.frame, next.seconds);
  }
  if (held.isEmpty) throw noFrames(reader.path);
  const end = timestamps ? Number.POSITIVE_INFINITY : Math.max(reader.seconds ?? 0, position + 2 * tolerance);
  for (let t = timeOf(index); t !== undefined && t < end - tolerance; t = timeOf(++index))
    yield await held.show(t);
}

function noFrames(path: string): MediaError {
  return new MediaError('VIDEO', `${path} holds no frame that can be decoded`);
}

function checkOptions({ timestamps, every, maxSide, threads, maxPixels }: DecodeFramesOptions): void {
  if (timestamps !== undefined && every !== undefined)
    throw new MediaError('ARGUMENT', 'give timestamps or every, not both');
  if (every !== undefined && !(every >= 0.001 && every <= 86_400))
    throw new MediaError('ARGUMENT', `every must be from 0.001 to 86400 seconds, not ${every}`);
  if (timestamps?.some((t, i) => !(t >= 0 && t <= 1e7) || t < (timestamps[i - 1] ?? 0)))
    throw new MediaError('ARGUMENT', 'timestamps must be ascending seconds from 0');
  for (const [name, value, max] of [
    ['maxSide', maxSide, 16_384],
    ['threads', threads, 64],
    ['maxPixels', maxPixels, 2 ** 30],
  ] as const)
    if (value !== undefined && !(Number.isInteger(value) && value >= 1 && value <= max))
      throw new MediaError('ARGUMENT', `${name} must be a whole number from 1 to ${max}, not ${value}`);
}
