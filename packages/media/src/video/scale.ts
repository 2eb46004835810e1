import type { Raster } from '../raster.js';
import { type AvFrame, type AvScaler, checked, constants } from './av.js';
import type { VideoReader } from './reader.js';
import { type Turn, turned, turnOf } from './rotation.js';

/** Sides of an upright picture with square pixels, no larger than `maxSide`. */
export function shownSize(
  width: number,
  height: number,
  { aspect, turn, maxSide }: { aspect: number; turn: Turn; maxSide: number | undefined },
): { readonly width: number; readonly height: number } {
  let w = width * aspect;
  let h = height;
  if (turn.swap) [w, h] = [h, w];
  const scale = maxSide === undefined ? 1 : Math.min(1, maxSide / Math.max(w, h));
  return { width: Math.max(1, Math.round(w * scale)), height: Math.max(1, Math.round(h * scale)) };
}

/** Width of a stored pixel over its height, 1 unless the stream says something sensible else. */
export function pixelAspect({ stream }: VideoReader): number {
  const { num, den } = stream.sampleAspectRatio;
  const aspect = num > 0 && den > 0 ? num / den : 1;
  return aspect >= 0.1 && aspect <= 10 ? aspect : 1;
}

/** How the stream is turned for showing. */
export function streamTurn({ stream }: VideoReader): Turn {
  return turnOf(stream.codecpar.getCodedSideData(constants.displayMatrix));
}

/** Turns decoded frames into upright RGB pictures of one size. */
export class FrameScaler implements Disposable {
  readonly width: number;
  readonly height: number;
  readonly #reader: VideoReader;
  readonly #turn: Turn;
  readonly #scaler: AvScaler;
  readonly #picture: AvFrame;

  constructor(reader: VideoReader, maxSide?: number) {
    const { av, stream } = reader;
    this.#reader = reader;
    this.#turn = streamTurn(reader);
    const size = shownSize(stream.codecpar.width, stream.codecpar.height, {
      aspect: pixelAspect(reader),
      turn: this.#turn,
      maxSide,
    });
    this.width = size.width;
    this.height = size.height;
    this.#scaler = new av.SoftwareScaleContext();
    this.#scaler.allocContext();
    // Exact arithmetic: the same pixels on every machine.
    this.#scaler.setOption('sws_flags', 'area+accurate_rnd+bitexact+full_chroma_int');
    this.#picture = new av.Frame();
    this.#picture.alloc();
  }

  /** The frame's picture; colour space and range are the frame's own. */
  async picture(frame: AvFrame): Promise<Raster> {
    const { av, path } = this.#reader;
    const stored = this.#turn.swap ? [this.height, this.width] : [this.width, this.height];
    const [width = 1, height = 1] = stored;
    const to = this.#picture;
    to.unref();
    to.width = width;
    to.height = height;
    to.format = constants.pixelRgb24;
    checked(av, to.getBuffer(), `${path}: no memory for a picture`);
    checked(av, await this.#scaler.scaleFrame(to, frame), `${path}: a frame cannot be converted to RGB`);
    const bytes = to.toBuffer();
    const data = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return {
      width: this.width,
      height: this.height,
      channels: 3,
      data: turned(data, width, height, this.#turn),
    };
  }

  [Symbol.dispose](): void {
    this.#picture[Symbol.dispose]();
    this.#scaler[Symbol.dispose]();
  }
}
