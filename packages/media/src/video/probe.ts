import { loadAv } from './av.js';
import { VideoReader } from './reader.js';
import { degreesOf } from './rotation.js';
import { pixelAspect, shownSize, streamTurn } from './scale.js';

/** What a video file says of itself; not checked against its frames. */
export interface VideoInfo {
  /** Size as shown: upright, square pixels. */
  readonly width: number;
  readonly height: number;
  /** Length, seconds; undefined when the file does not tell. */
  readonly seconds: number | undefined;
  /** Average frames per second, undefined when the file does not tell. */
  readonly fps: number | undefined;
  /** Number of frames, undefined when the file does not tell. */
  readonly frames: number | undefined;
  /** Name of the decoder, such as `h264`. */
  readonly codec: string;
  /** Degrees clockwise that stored frames are turned by; already in `width` and `height`. */
  readonly rotation: 0 | 90 | 180 | 270;
  readonly hasAudio: boolean;
}

/**
 * Reads the head of a video file.
 * @throws MediaError `VIDEO_UNAVAILABLE`, `IO`, `VIDEO`; `IMAGE_LIMIT` for more than `maxPixels` (default 2^24)
 */
export async function probeVideo(
  path: string,
  options: { readonly maxPixels?: number; readonly signal?: AbortSignal } = {},
): Promise<VideoInfo> {
  options.signal?.throwIfAborted();
  await using reader = await VideoReader.open(path, options);
  options.signal?.throwIfAborted();
  const { stream, format } = reader;
  const turn = streamTurn(reader);
  const { num, den } = stream.avgFrameRate;
  const { codecpar, nbFrames } = stream;
  return {
    ...shownSize(codecpar.width, codecpar.height, { aspect: pixelAspect(reader), turn, maxSide: undefined }),
    seconds: reader.seconds,
    fps: num > 0 && den > 0 ? num / den : undefined,
    frames: nbFrames > 0n ? Number(nbFrames) : undefined,
    codec: reader.codecName,
    rotation: degreesOf(turn),
    hasAudio: format.streams.some((s) => s.codecpar.codecType === 1),
  };
}

/** True when video files can be read and written here. */
export async function isVideoAvailable(): Promise<boolean> {
  return await loadAv().then(
    () => true,
    () => false,
  );
}
