/**
 * FFmpeg through node-av's low-level classes. The package is optional and loaded on first use; its types are written
 * here, as far as they are used, so that nothing of it is needed to build or to run the rest.
 *
 * @module
 */
import { MediaError, reasonOf } from '../errors.js';

/** A fraction of whole numbers, such as a time base in seconds. */
export interface Rational {
  readonly num: number;
  readonly den: number;
}

export interface AvDictionary {
  getAll(): Record<string, string>;
  free(): void;
}

export interface AvPacket extends Disposable {
  readonly streamIndex: number;
  readonly pts: bigint;
  duration: bigint;
  alloc(): void;
  unref(): void;
  rescaleTs(from: Rational, to: Rational): void;
}

export interface AvFrame extends Disposable {
  width: number;
  height: number;
  format: number;
  pts: bigint;
  colorRange: number;
  colorSpace: number;
  colorPrimaries: number;
  colorTrc: number;
  readonly bestEffortTimestamp: bigint;
  alloc(): void;
  unref(): void;
  /** Shares the data of another frame. */
  ref(from: AvFrame): number;
  /** Allocates memory for the format and size that are set. */
  getBuffer(align?: number): number;
  fromBuffer(bytes: Buffer): number;
  /** All planes, rows without gaps. */
  toBuffer(): Buffer;
}

export interface AvCodecParameters {
  readonly codecType: number;
  readonly codecId: number;
  readonly width: number;
  readonly height: number;
  fromContext(codec: AvCodecContext): number;
  getCodedSideData(type: number): Buffer | null;
  addCodedSideData(type: number, data: Buffer): number;
}

export interface AvStream {
  readonly index: number;
  readonly codecpar: AvCodecParameters;
  readonly startTime: bigint;
  readonly duration: bigint;
  readonly nbFrames: bigint;
  readonly avgFrameRate: Rational;
  readonly sampleAspectRatio: Rational;
  timeBase: Rational;
}

export interface AvCodec {
  readonly name: string | null;
}

export interface AvCodecContext extends Disposable {
  width: number;
  height: number;
  pixelFormat: number;
  timeBase: Rational;
  framerate: Rational;
  pktTimebase: Rational;
  threadCount: number;
  colorRange: number;
  colorSpace: number;
  colorPrimaries: number;
  colorTrc: number;
  bitRate: bigint;
  allocContext3(codec: AvCodec): void;
  parametersToContext(parameters: AvCodecParameters): number;
  open2(codec: AvCodec, options?: AvDictionary | null): Promise<number>;
  setFlags(...flags: number[]): void;
  sendPacket(packet: AvPacket | null): Promise<number>;
  receiveFrame(frame: AvFrame): Promise<number>;
  sendFrame(frame: AvFrame | null): Promise<number>;
  receivePacket(packet: AvPacket): Promise<number>;
  flushBuffers(): void;
}

export interface AvFormatContext extends AsyncDisposable {
  readonly streams: AvStream[];
  readonly duration: bigint;
  openInput(url: string, format: null, options: AvDictionary): Promise<number>;
  findStreamInfo(): Promise<number>;
  findBestStream(type: number): number;
  readFrame(packet: AvPacket): Promise<number>;
  seekFrame(stream: number, timestamp: bigint, flags: number): Promise<number>;
  allocOutputContext2(format: null, name: string, file: string): number;
  newStream(): AvStream;
  setFlags(...flags: number[]): void;
  openOutput(): Promise<number>;
  writeHeader(options: AvDictionary): Promise<number>;
  interleavedWriteFrame(packet: AvPacket): Promise<number>;
  writeTrailer(): Promise<number>;
  closeOutput(): Promise<void>;
}

export interface AvScaler extends Disposable {
  allocContext(): void;
  setOption(name: string, value: string): number;
  scaleFrame(to: AvFrame, from: AvFrame): Promise<number>;
}

/** The classes that are used. */
export interface Av {
  readonly FormatContext: new () => AvFormatContext;
  readonly CodecContext: new () => AvCodecContext;
  readonly Packet: new () => AvPacket;
  readonly Frame: new () => AvFrame;
  readonly SoftwareScaleContext: new () => AvScaler;
  readonly Rational: new (num: number, den: number) => Rational;
  readonly Dictionary: { fromObject(entries: Record<string, string | number>): AvDictionary };
  readonly Codec: {
    findDecoder(id: number): AvCodec | null;
    findEncoderByName(name: string): AvCodec | null;
  };
  readonly Log: { setLevel(level: number): void };
  readonly FFmpegError: {
    strerror(code: number): string;
    /** The code of a POSIX error; differs between systems. */
    AVERROR(name: 'EAGAIN'): number;
  };
}

/** Numbers of FFmpeg's headers (stable ABI values). */
export const constants = {
  mediaTypeVideo: 0,
  mediaTypeAudio: 1,
  noTimestamp: -(2n ** 63n),
  endOfFile: -541478725, // FFERRTAG('E','O','F',' ')
  seekBackward: 1,
  pixelYuv420p: 0,
  pixelRgb24: 2,
  logQuiet: -8,
  codecBitexact: 1 << 23,
  codecGlobalHeader: 1 << 22,
  formatBitexact: 0x400,
  displayMatrix: 5,
  spaceBt709: 1,
  rangeLimited: 1,
} as const;

let loading: Promise<Av> | undefined;

/**
 * Loads FFmpeg once.
 * @throws MediaError `VIDEO_UNAVAILABLE` saying how to install it
 */
export function loadAv(): Promise<Av> {
  loading ??= load().catch((error: unknown) => {
    loading = undefined; // it may be installed meanwhile
    throw error;
  });
  return loading;
}

async function load(): Promise<Av> {
  // Through a variable: the compiler must not look for a package that may be left out.
  const name = 'node-av/lib';
  try {
    const av = (await import(name)) as Av;
    // Damaged files are reported as errors; FFmpeg would also write about them to standard error.
    av.Log.setLevel(constants.logQuiet);
    return av;
  } catch (error) {
    throw new MediaError(
      'VIDEO_UNAVAILABLE',
      `video needs node-av, which is not installed here: npm install node-av@6.1.1 (${reasonOf(error).split('\n')[0]})`,
      { cause: error },
    );
  }
}

/**
 * The code, if it is no error.
 * @throws MediaError `VIDEO` saying what failed
 */
export function checked(av: Av, code: number, what: string): number {
  if (code >= 0) return code;
  throw new MediaError('VIDEO', `${what}: ${av.FFmpegError.strerror(code)}`);
}
