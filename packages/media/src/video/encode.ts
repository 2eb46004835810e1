import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { MediaError, reasonOf } from '../errors.js';
import { checkRaster, type Raster, toRgb } from '../raster.js';
import {
  type Av,
  type AvCodecContext,
  type AvFormatContext,
  type AvPacket,
  type AvStream,
  checked,
  constants,
  loadAv,
} from './av.js';
import { evenSized } from './even.js';

/** How to encode a video. */
export interface EncodeVideoOptions {
  /** Frames per second, 0.1 to 240. */
  readonly fps: number;
  /** 1 (smallest) .. 100 (nearly lossless); default 75. */
  readonly quality?: number;
  /** Degrees clockwise that players turn the picture by; default 0. */
  readonly rotation?: 0 | 90 | 180 | 270;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly frames: number; readonly seconds: number }) => void;
}

/** What was written. */
export interface EncodedVideo {
  readonly frames: number;
  readonly seconds: number;
  /** Size as stored: even numbers. */
  readonly width: number;
  readonly height: number;
  /** Encoder: `libx264`, or `mpeg4` in builds of FFmpeg without it. */
  readonly codec: string;
}

/** The matrix of mp4 for a turn: 16.16 fixed point, the last column 2.30. */
function displayMatrix(rotation: 0 | 90 | 180 | 270): Buffer {
  const one = 1 << 16;
  const [a, b, c, d] = { 0: [1, 0, 0, 1], 90: [0, 1, -1, 0], 180: [-1, 0, 0, -1], 270: [0, -1, 1, 0] }[
    rotation
  ];
  const matrix = [a! * one, b! * one, 0, c! * one, d! * one, 0, 0, 0, 1 << 30];
  return Buffer.from(Int32Array.from(matrix).buffer);
}

/**
 * Writes an mp4 (H.264, yuv420p, BT.709; plays in browsers) from pictures of one size; alpha is laid over white. An
 * odd side gets its last column or row twice, for yuv420p has none. The file appears under its name only when it is
 * whole. The same frames and options give the same bytes (with one version of node-av).
 *
 * @throws MediaError `VIDEO_UNAVAILABLE`, `IO`, `VIDEO`; `ARGUMENT` for no frames, frames of different sizes or odd
 *   options; the signal's reason when aborted
 */
export async function encodeVideo(
  path: string,
  frames: Iterable<Raster> | AsyncIterable<Raster>,
  options: EncodeVideoOptions,
): Promise<EncodedVideo> {
  const { fps, quality = 75, signal } = options;
  if (!(fps >= 0.1 && fps <= 240))
    throw new MediaError('ARGUMENT', `fps must be from 0.1 to 240, not ${fps}`);
  if (!(quality >= 1 && quality <= 100))
    throw new MediaError('ARGUMENT', `quality must be from 1 to 100, not ${quality}`);
  signal?.throwIfAborted();
  const av = await loadAv();
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await mkdir(dirname(resolve(path)), { recursive: true });
    const written = await write(av, temporary, frames, options);
    signal?.throwIfAborted();
    await rename(temporary, path);
    return written;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    if (signal?.aborted) throw signal.reason;
    if (MediaError.isInstance(error)) throw error;
    const isSystem = error instanceof Error && 'syscall' in error;
    if (!isSystem) throw error; // from the caller's frames
    throw new MediaError('IO', `cannot write ${JSON.stringify(path)}: ${reasonOf(error)}`, { cause: error });
  }
}

async function write(
  av: Av,
  file: string,
  frames: Iterable<Raster> | AsyncIterable<Raster>,
  options: EncodeVideoOptions,
): Promise<EncodedVideo> {
  const { fps, signal, onProgress } = options;
  let encoder: Encoder | undefined;
  let count = 0;
  try {
    for await (const raster of frames) {
      signal?.throwIfAborted();
      checkRaster(raster);
      const picture = evenSized(toRgb(raster));
      encoder ??= await Encoder.open(av, file, picture, options);
      await encoder.add(picture);
      count++;
      onProgress?.({ frames: count, seconds: count / fps });
    }
    if (encoder === undefined) throw new MediaError('ARGUMENT', 'frames: a video needs at least one');
    await encoder.finish();
    const { width, height, codec } = encoder;
    return { frames: count, seconds: count / fps, width, height, codec };
  } finally {
    await encoder?.[Symbol.asyncDispose]();
  }
}

/** One open output file. */
class Encoder implements AsyncDisposable {
  readonly width: number;
  readonly height: number;
  readonly codec: string;
  readonly #av: Av;
  readonly #format: AvFormatContext;
  readonly #stream: AvStream;
  readonly #context: AvCodecContext;
  readonly #packet: AvPacket;
  #count = 0;

  private constructor(
    av: Av,
    parts: { format: AvFormatContext; stream: AvStream; context: AvCodecContext; codec: string },
  ) {
    this.#av = av;
    this.#format = parts.format;
    this.#stream = parts.stream;
    this.#context = parts.context;
    this.codec = parts.codec;
    this.width = parts.context.width;
    this.height = parts.context.height;
    this.#packet = new av.Packet();
    this.#packet.alloc();
  }

  static async open(
    av: Av,
    file: string,
    { width, height }: Raster,
    options: EncodeVideoOptions,
  ): Promise<Encoder> {
    const { fps, quality = 75, rotation = 0 } = options;
    if (Math.max(width, height) > 8192)
      throw new MediaError('ARGUMENT', `${width} x ${height}: at most 8192 a side`);
    const codec = av.Codec.findEncoderByName('libx264') ?? av.Codec.findEncoderByName('mpeg4');
    if (codec === null) throw new MediaError('VIDEO', 'this build of FFmpeg has neither libx264 nor mpeg4');
    const isH264 = codec.name === 'libx264';
    const context = new av.CodecContext();
    const format = new av.FormatContext();
    try {
      context.allocContext3(codec);
      context.width = width;
      context.height = height;
      context.pixelFormat = constants.pixelYuv420p;
      // Whole rates have whole time bases; mpeg4 takes denominators up to 65535.
      const scale = Number.isInteger(fps) ? 1 : fps < 60 ? 1000 : 250;
      context.timeBase = new av.Rational(scale, Math.round(fps * scale));
      context.framerate = new av.Rational(Math.round(fps * scale), scale);
      context.threadCount = 1; // others would change the bytes
      context.colorSpace = constants.spaceBt709;
      context.colorPrimaries = constants.spaceBt709;
      context.colorTrc = constants.spaceBt709;
      context.colorRange = constants.rangeLimited;
      context.setFlags(constants.codecGlobalHeader, constants.codecBitexact);
      if (!isH264) context.bitRate = BigInt(Math.round((width * height * fps * quality) / 200));
      const settings = isH264 ? { preset: 'medium', crf: Math.round(45 - 0.36 * quality) } : {};
      checked(
        av,
        await context.open2(codec, av.Dictionary.fromObject(settings)),
        'the encoder cannot be opened',
      );
      checked(av, format.allocOutputContext2(null, 'mp4', file), 'no mp4 can be made');
      format.setFlags(constants.formatBitexact);
      const stream = format.newStream();
      checked(av, stream.codecpar.fromContext(context), 'the encoder has no parameters');
      if (rotation !== 0) stream.codecpar.addCodedSideData(constants.displayMatrix, displayMatrix(rotation));
      stream.timeBase = context.timeBase;
      const opened = await format.openOutput();
      if (opened < 0) throw new MediaError('IO', `cannot write ${file}: ${av.FFmpegError.strerror(opened)}`);
      const header = await format.writeHeader(av.Dictionary.fromObject({ movflags: '+faststart' }));
      checked(av, header, 'the head of the mp4 cannot be written');
      return new Encoder(av, { format, stream, context, codec: codec.name ?? '' });
    } catch (error) {
      context[Symbol.dispose]();
      await format[Symbol.asyncDispose]();
      throw error;
    }
  }

  async add(raster: Raster): Promise<void> {
    const { width, height, data } = raster;
    if (width !== this.width || height !== this.height)
      throw new MediaError(
        'ARGUMENT',
        `frames[${this.#count}] is ${width} x ${height}, but the first was ${this.width} x ${this.height}`,
      );
    const av = this.#av;
    using rgb = new av.Frame();
    using yuv = new av.Frame();
    using scaler = new av.SoftwareScaleContext();
    for (const [frame, pixels] of [
      [rgb, constants.pixelRgb24],
      [yuv, constants.pixelYuv420p],
    ] as const) {
      frame.alloc();
      frame.width = width;
      frame.height = height;
      frame.format = pixels;
      checked(av, frame.getBuffer(), 'no memory for a frame');
    }
    checked(av, rgb.fromBuffer(Buffer.from(data.buffer, data.byteOffset, data.byteLength)), 'a frame is odd');
    yuv.colorSpace = constants.spaceBt709;
    yuv.colorPrimaries = constants.spaceBt709;
    yuv.colorTrc = constants.spaceBt709;
    yuv.colorRange = constants.rangeLimited;
    scaler.allocContext();
    scaler.setOption('sws_flags', 'bicubic+accurate_rnd+bitexact+full_chroma_int');
    checked(av, await scaler.scaleFrame(yuv, rgb), 'a frame cannot be converted to yuv420p');
    yuv.pts = BigInt(this.#count++);
    checked(av, await this.#context.sendFrame(yuv), 'a frame cannot be encoded');
    await this.#drain();
  }

  async finish(): Promise<void> {
    checked(this.#av, await this.#context.sendFrame(null), 'the end cannot be encoded');
    await this.#drain();
    checked(this.#av, await this.#format.writeTrailer(), 'the end of the mp4 cannot be written');
    await this.#format.closeOutput();
  }

  async #drain(): Promise<void> {
    const av = this.#av;
    const again = av.FFmpegError.AVERROR('EAGAIN');
    for (;;) {
      this.#packet.unref();
      const code = await this.#context.receivePacket(this.#packet);
      if (code === again || code === constants.endOfFile) return;
      checked(av, code, 'a frame cannot be encoded');
      this.#packet.duration = 1n; // else the last frame has no length and players drop it
      this.#packet.rescaleTs(this.#context.timeBase, this.#stream.timeBase);
      checked(av, await this.#format.interleavedWriteFrame(this.#packet), 'the mp4 cannot be written');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#packet[Symbol.dispose]();
    this.#context[Symbol.dispose]();
    await this.#format[Symbol.asyncDispose]();
  }
}
