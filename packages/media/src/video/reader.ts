import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { MediaError, reasonOf } from '../errors.js';
import {
  type Av,
  type AvCodecContext,
  type AvFormatContext,
  type AvFrame,
  type AvPacket,
  type AvStream,
  checked,
  constants,
  loadAv,
} from './av.js';

/** Containers that are opened. Playlists are not among them: they make FFmpeg open whatever they name. */
const containers =
  'mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,ogg,asf,gif,ivf,h264,hevc,m4v,mpegvideo';

/** Seconds of a timestamp, undefined when there is none. */
export function secondsOf(timestamp: bigint, { num, den }: AvStream['timeBase']): number | undefined {
  return timestamp === constants.noTimestamp || den === 0 ? undefined : (Number(timestamp) * num) / den;
}

/**
 * The first video stream of a file, decoded frame by frame in the order of showing. Times are seconds from the
 * stream's start. Use with `await using`.
 */
export class VideoReader implements AsyncDisposable {
  readonly av: Av;
  readonly path: string;
  readonly format: AvFormatContext;
  readonly stream: AvStream;
  /** Name of the decoder. */
  readonly codecName: string;
  readonly #codec: AvCodecContext;
  readonly #packet: AvPacket;
  readonly #frame: AvFrame;
  readonly #start: number;
  readonly #frameSeconds: number;
  #isDraining = false;
  #hasFrame = false;
  /** End of what was read, seconds; undefined after a jump, when nothing can be said of the file as a whole. */
  #readTo: number | undefined = 0;
  #time = 0;

  private constructor(parts: {
    av: Av;
    path: string;
    format: AvFormatContext;
    stream: AvStream;
    codec: AvCodecContext;
    codecName: string;
  }) {
    this.av = parts.av;
    this.path = parts.path;
    this.format = parts.format;
    this.stream = parts.stream;
    this.codecName = parts.codecName;
    this.#codec = parts.codec;
    this.#packet = new parts.av.Packet();
    this.#packet.alloc();
    this.#frame = new parts.av.Frame();
    this.#frame.alloc();
    this.#start = secondsOf(parts.stream.startTime, parts.stream.timeBase) ?? 0;
    const { num, den } = parts.stream.avgFrameRate;
    this.#frameSeconds = num > 0 && den > 0 ? den / num : 1 / 25;
  }

  /**
   * Opens a file.
   * @throws MediaError `VIDEO_UNAVAILABLE`; `IO` when it cannot be read; `VIDEO` when it is no video or damaged
   */
  static async open(
    path: string,
    options: { threads?: number; maxPixels?: number } = {},
  ): Promise<VideoReader> {
    const av = await loadAv();
    await checkFile(path);
    const format = new av.FormatContext();
    try {
      const entries = { protocol_whitelist: 'file', format_whitelist: containers };
      // `file:` keeps a name such as `concat:x` from being taken as a protocol.
      const opened = await format.openInput(`file:${resolve(path)}`, null, av.Dictionary.fromObject(entries));
      checked(av, opened, `${path} cannot be opened as a video`);
      checked(av, await format.findStreamInfo(), `${path} cannot be read as a video`);
      const stream = format.streams[format.findBestStream(constants.mediaTypeVideo)];
      if (stream === undefined) throw new MediaError('VIDEO', `${path} has no video stream`);
      return new VideoReader({ av, path, format, stream, ...(await openDecoder(av, path, stream, options)) });
    } catch (error) {
      await format[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Start and, where the file tells it, length of the stream, seconds. */
  get seconds(): number | undefined {
    const own = secondsOf(this.stream.duration, this.stream.timeBase);
    const whole = secondsOf(this.format.duration, { num: 1, den: 1_000_000 });
    const seconds = own ?? whole;
    return seconds !== undefined && Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;
  }

  /**
   * The next frame and its time, or undefined at the end. The frame is the reader's own and lives until the next call.
   * @throws MediaError `VIDEO` for damaged data and for a file that ends before its time
   */
  async next(): Promise<{ readonly frame: AvFrame; readonly seconds: number } | undefined> {
    const { av } = this;
    const again = av.FFmpegError.AVERROR('EAGAIN');
    for (;;) {
      this.#frame.unref();
      const code = await this.#codec.receiveFrame(this.#frame);
      if (code >= 0) return { frame: this.#frame, seconds: this.#timeOf(this.#frame) };
      if (code === constants.endOfFile) return undefined;
      if (code !== again) checked(av, code, `${this.path}: a frame cannot be decoded`);
      await this.#feed();
    }
  }

  /**
   * Jumps to the key frame at or before a time; false when the file cannot be jumped in. The next frame may still be
   * later when the file's index is wrong.
   */
  async seek(seconds: number): Promise<boolean> {
    const { num, den } = this.stream.timeBase;
    const timestamp = BigInt(Math.floor(((seconds + this.#start) * den) / num));
    const code = await this.format.seekFrame(this.stream.index, timestamp, constants.seekBackward);
    if (code < 0) return false;
    this.#codec.flushBuffers();
    this.#isDraining = false;
    this.#hasFrame = false;
    this.#readTo = undefined;
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#frame[Symbol.dispose]();
    this.#packet[Symbol.dispose]();
    this.#codec[Symbol.dispose]();
    await this.format[Symbol.asyncDispose]();
  }

  /** Gives the decoder one more packet, or the end. */
  async #feed(): Promise<void> {
    const { av } = this;
    if (this.#isDraining) throw new MediaError('VIDEO', `${this.path}: the decoder neither takes nor gives`);
    for (;;) {
      this.#packet.unref();
      const code = await this.format.readFrame(this.#packet);
      if (code === constants.endOfFile) {
        this.#checkEnd();
        this.#isDraining = true;
        checked(av, await this.#codec.sendPacket(null), `${this.path}: the end cannot be decoded`);
        return;
      }
      checked(av, code, `${this.path}: cannot be read on`);
      if (this.#packet.streamIndex !== this.stream.index) continue;
      this.#note(this.#packet);
      const sent = await this.#codec.sendPacket(this.#packet);
      // Streams cut out of others begin with frames whose references are missing; later there is no excuse.
      if (sent < 0 && !this.#hasFrame) continue;
      checked(av, sent, `${this.path}: damaged after ${this.#time.toFixed(2)} s`);
      return;
    }
  }

  #note(packet: AvPacket): void {
    const start = secondsOf(packet.pts, this.stream.timeBase);
    if (this.#readTo === undefined || start === undefined) return;
    const length = secondsOf(packet.duration, this.stream.timeBase) ?? 0;
    this.#readTo = Math.max(this.#readTo, start - this.#start + length);
  }

  /** A container that states its length and holds less was cut short. */
  #checkEnd(): void {
    const stated = secondsOf(this.stream.duration, this.stream.timeBase);
    if (this.#readTo === undefined || stated === undefined || !(stated > 0)) return;
    const missing = stated - this.#readTo;
    if (missing > Math.max(3 * this.#frameSeconds, 0.02 * stated))
      throw new MediaError(
        'VIDEO',
        `${this.path} is cut short: it ends at ${this.#readTo.toFixed(2)} s of ${stated.toFixed(2)} s`,
      );
  }

  #timeOf(frame: AvFrame): number {
    const seconds = secondsOf(frame.bestEffortTimestamp, this.stream.timeBase);
    const guessed = this.#hasFrame ? this.#time + this.#frameSeconds : 0;
    this.#hasFrame = true;
    this.#time = seconds === undefined ? guessed : seconds - this.#start;
    return this.#time;
  }
}

async function checkFile(path: string): Promise<void> {
  try {
    const info = await stat(path);
    if (!info.isFile()) throw new Error('it is no file');
    if (info.size === 0) throw new MediaError('VIDEO', `${path} is empty`);
  } catch (error) {
    if (MediaError.isInstance(error)) throw error;
    throw new MediaError('IO', `cannot read ${JSON.stringify(path)}: ${reasonOf(error)}`, { cause: error });
  }
}

async function openDecoder(
  av: Av,
  path: string,
  stream: AvStream,
  { threads = 1, maxPixels = 1 << 24 }: { threads?: number; maxPixels?: number },
): Promise<{ readonly codec: AvCodecContext; readonly codecName: string }> {
  const { codecpar } = stream;
  if (codecpar.width < 1 || codecpar.height < 1)
    throw new MediaError('VIDEO', `${path}: the video has no size (${codecpar.width} x ${codecpar.height})`);
  if (codecpar.width * codecpar.height > maxPixels)
    throw new MediaError(
      'IMAGE_LIMIT',
      `${path} is ${codecpar.width} x ${codecpar.height} pixels; at most ${maxPixels} pixels are taken`,
    );
  const decoder = av.Codec.findDecoder(codecpar.codecId);
  if (decoder === null) throw new MediaError('VIDEO', `${path}: no decoder for codec ${codecpar.codecId}`);
  const codec = new av.CodecContext();
  codec.allocContext3(decoder);
  checked(av, codec.parametersToContext(codecpar), `${path}: the video's parameters make no sense`);
  codec.pktTimebase = stream.timeBase;
  codec.threadCount = threads;
  const options = av.Dictionary.fromObject({ max_pixels: maxPixels });
  checked(av, await codec.open2(decoder, options), `${path}: the decoder cannot be opened`);
  return { codec, codecName: decoder.name ?? 'unknown' };
}
