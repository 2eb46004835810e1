import { Worker } from 'node:worker_threads';
import { GraphError, type GraphErrorCode } from '../errors.js';
import { grad } from '../grad.js';
import { exportOnnx, type OnnxModel } from '../onnx/export.js';
import type { NetworkPlan } from '../plan/plan-network.js';
import type { Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { type AdamWOptions, DEFAULT_ADAMW } from '../train/adamw.js';
import { type AverageOptions, averageOptions } from '../train/ema.js';
import { DEFAULT_MUON, type MuonOptions, orthogonalizeModel } from '../train/muon.js';
import { GRADIENT_PREFIX } from './gradient-sums.js';
import type {
  Command,
  Handle,
  Moments,
  Request,
  Response,
  StepResult,
  TensorData,
  TensorRecord,
} from './protocol.js';
import { copyArrays, ownedBuffers } from './transfer.js';

export interface RuntimeOptions {
  /** Cores that ONNX Runtime may use. They are leased by the caller, never guessed here. */
  readonly threads: number;
  /**
   * Asked before every run of a session: resolves when the cores may be used, with what gives them back. Lets others
   * (text) go first between runs. Rejects with the signal's reason when that aborts first.
   */
  readonly lease?: (signal?: AbortSignal) => Promise<() => void>;
}

/** Where a model's external data lies. */
export interface ModelFiles {
  /**
   * Folder of the files that `exportOnnx` was given weights from. The files themselves must lie in it: a link to another
   * folder is refused, so resolve links first. They are mapped, not read, and may be read-only.
   */
  readonly weightsFolder?: string | undefined;
}

/** A model that is ready to run. */
export interface Session {
  /**
   * Feeds every input that `parameters` does not hold; returns all outputs. Once a run has begun it ends; a signal that
   * aborts before rejects with its reason, at the latest when the run before has ended.
   */
  run(
    feeds: TensorRecord,
    parameters?: Parameters,
    signal?: AbortSignal,
  ): Promise<Readonly<Record<string, Float32Array>>>;
  release(): Promise<void>;
}

/** Named values that stay in the worker and are shared by sessions and a trainer. */
export interface Parameters {
  readonly handle: Handle;
  /** A copy of the current values. */
  read(): Promise<Record<string, Float32Array>>;
  /** Replaces all values. @throws GraphError `checkpoint_mismatch` if one is missing or of another size. */
  write(values: TensorRecord): Promise<void>;
  release(): Promise<void>;
}

/** A loss with its gradients and the optimizers' state. */
export interface TrainingSession {
  /**
   * One step on one batch, or on several whose gradients are averaged before the one update (accumulation). If loss or
   * gradients are not finite, nothing is updated and the result says so. A signal is heeded between batches: the step
   * then rejects with its reason and has changed nothing.
   */
  step(
    feeds: TensorRecord | readonly TensorRecord[],
    learningRate: number,
    signal?: AbortSignal,
  ): Promise<StepResult>;
  /** The running average of the trainable parameters, if one was asked for. Part of a checkpoint. */
  readonly averages: Parameters | undefined;
  readMoments(): Promise<Moments>;
  writeMoments(moments: Moments): Promise<void>;
  release(): Promise<void>;
}

export interface TrainingOptions {
  readonly loss: Tensor;
  /** Trainable tensors by name; the names must be those of `parameters`. */
  readonly trainable: ReadonlyMap<string, Tensor>;
  readonly parameters: Parameters;
  readonly adamw?: Partial<AdamWOptions>;
  readonly muon?: Partial<MuonOptions>;
  /** Names of the matrices that Muon trains (of convolutions too, as [out, in * kernel]); AdamW trains all others. */
  readonly muonNames?: readonly string[];
  /** Keeps a running average of the parameters; none by default. */
  readonly average?: Partial<AverageOptions>;
}

/** One worker thread with ONNX Runtime in it. The caller's thread is never blocked. */
export class GraphRuntime implements AsyncDisposable {
  private readonly pending = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  private nextRequest = 0;
  private readonly worker: Worker;
  private readonly threads: number;
  private readonly lease: RuntimeOptions['lease'];
  private closedBecause: GraphError | undefined;

  private constructor(worker: Worker, { threads, lease }: RuntimeOptions) {
    this.worker = worker;
    this.threads = threads;
    this.lease = lease;
    worker.on('message', (response: Response) => this.settle(response));
    worker.on('error', (cause) => this.fail(`the graph worker failed: ${cause.message}`));
    worker.on('exit', () => this.fail('the graph worker has ended'));
  }

  /** @throws GraphError `invalid_attribute` if `threads` is not a positive whole number. */
  static async start(options: RuntimeOptions): Promise<GraphRuntime> {
    if (!Number.isInteger(options.threads) || options.threads < 1) {
      throw new GraphError(
        'invalid_attribute',
        `threads must be a positive whole number, got ${options.threads}`,
      );
    }
    return new GraphRuntime(new Worker(new URL('./worker.js', import.meta.url)), options);
  }

  /**
   * Compiles a model for this runtime. Its outputs must be float32.
   * @throws GraphError `session_failed` if ONNX Runtime refuses the model or cannot map its external data
   */
  async load(model: OnnxModel, files: ModelFiles = {}): Promise<Session> {
    const whole = model.outputs.find(({ dtype }) => dtype !== 'float32');
    if (whole !== undefined) throw new GraphError('dtype_mismatch', `output "${whole.name}" must be float32`);
    return this.sessionOf(await this.loadHandle(model, files));
  }

  /**
   * Maps a plan's weight files and sets its network up on our own kernels. Takes milliseconds.
   * @param weightsFolder folder of the files that the plan was given weights from
   * @throws GraphError `session_failed` if a file cannot be mapped or is too short
   */
  async loadPlan(plan: NetworkPlan, weightsFolder: string): Promise<Session> {
    const { threads } = this;
    return this.sessionOf(await this.ask<Handle>({ kind: 'loadPlan', plan, threads, weightsFolder }));
  }

  /** Moves named values into the worker. */
  async createParameters(values: Readonly<Record<string, TensorData>>): Promise<Parameters> {
    return this.parametersOf(await this.ask<Handle>({ kind: 'createParameters', values }));
  }

  /** Differentiates the loss, compiles loss and gradients as one model and prepares the optimizers. Vectors are not decayed. */
  async createTraining(options: TrainingOptions): Promise<TrainingSession> {
    const { loss, trainable, parameters } = options;
    const names = [...trainable.keys()];
    const gradients = grad(loss, [...trainable.values()]);
    const gradientOutputs = names.map((name, index) => [GRADIENT_PREFIX + name, gradients[index]] as const);
    const model = exportOnnx({
      loss,
      ...(Object.fromEntries(gradientOutputs) as Record<string, Tensor>),
    });
    const isMuon = (name: string): boolean => options.muonNames?.includes(name) ?? false;
    const shapesWhere = (wanted: boolean): Map<string, Shape> =>
      new Map(
        [...trainable].filter(([name]) => isMuon(name) === wanted).map(([name, { shape }]) => [name, shape]),
      );
    const muonShapes = new Map([...shapesWhere(true)].map(([name, shape]) => [name, asMatrix(shape)]));
    const average = options.average && averageOptions(options.average);
    const made: Handle[] = [];
    const keep = async (handle: Promise<Handle>): Promise<Handle> => {
      made.unshift(await handle);
      return handle;
    };
    const release = async (): Promise<void> => {
      for (const handle of made) await this.ask<void>({ kind: 'release', handle });
    };
    const create = async (): Promise<{ trainer: Handle; averages: Parameters | undefined }> => {
      const session = await keep(this.loadHandle(model));
      const orthogonalize =
        muonShapes.size === 0 ? undefined : await keep(this.loadHandle(orthogonalizeModel(muonShapes)));
      const copy = { kind: 'copyParameters', parameters: parameters.handle, names } as const;
      const averages = average && this.parametersOf(await keep(this.ask<Handle>(copy)));
      const optimizer = {
        adamw: { ...DEFAULT_ADAMW, ...options.adamw },
        adamwShapes: shapesWhere(false),
        muon: { ...DEFAULT_MUON, ...options.muon },
        muonShapes,
        orthogonalize,
      };
      const trainer = await keep(
        this.ask<Handle>({
          kind: 'createTrainer',
          session,
          parameters: parameters.handle,
          optimizer,
          average: average && averages && { parameters: averages.handle, options: average },
        }),
      );
      return { trainer, averages };
    };
    const { trainer, averages } = await create().catch(async (error: unknown) => {
      // A runtime that has ended has nothing left to release; the first error is the one to see.
      await release().catch(() => undefined);
      throw error;
    });
    return {
      step: async (feeds, learningRate, signal) => {
        const batches = isList(feeds) ? feeds : [feeds];
        if (batches.length === 0) throw new GraphError('missing_feed', 'a step needs at least one batch');
        return this.ask<StepResult>({ kind: 'trainStep', trainer, batches, learningRate }, signal);
      },
      averages,
      readMoments: () => this.ask<Moments>({ kind: 'readMoments', trainer }),
      writeMoments: (moments) => this.ask<void>({ kind: 'writeMoments', trainer, moments }),
      release,
    };
  }

  /** Ends the worker; whatever is still running is abandoned. */
  async close(): Promise<void> {
    this.fail('the graph runtime was closed');
    await this.worker.terminate();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private loadHandle(
    { bytes, externalBytes = 0, inputs, outputs }: OnnxModel,
    { weightsFolder }: ModelFiles = {},
  ): Promise<Handle> {
    return this.ask<Handle>({
      kind: 'loadSession',
      bytes,
      signature: { inputs, outputs },
      threads: this.threads,
      weightsFolder,
      externalBytes,
    });
  }

  private sessionOf(handle: Handle): Session {
    return {
      run: (feeds, parameters, signal) =>
        this.askWithLease<Record<string, Float32Array>>(
          { kind: 'run', session: handle, feeds, parameters: parameters?.handle },
          signal,
        ),
      release: () => this.ask<void>({ kind: 'release', handle }),
    };
  }

  private parametersOf(handle: Handle): Parameters {
    return {
      handle,
      read: () => this.ask<Record<string, Float32Array>>({ kind: 'readParameters', parameters: handle }),
      write: (values) => this.ask<void>({ kind: 'writeParameters', parameters: handle, values }),
      release: () => this.ask<void>({ kind: 'release', handle }),
    };
  }

  private async askWithLease<Result>(command: Command, signal?: AbortSignal): Promise<Result> {
    if (this.lease === undefined) return this.ask<Result>(command, signal);
    // The caller may change its arrays while the cores are waited for.
    const copied = copyArrays(command);
    const giveBack = await this.lease(signal);
    try {
      return await this.ask<Result>(copied, signal);
    } finally {
      giveBack();
    }
  }

  private async ask<Result>(command: Command, signal?: AbortSignal): Promise<Result> {
    signal?.throwIfAborted();
    if (this.closedBecause !== undefined) throw this.closedBecause;
    // A message would wait behind the run it is to cancel; shared memory is seen at once.
    const cancelled = signal && new Int32Array(new SharedArrayBuffer(4));
    const cancel = (): void => {
      if (cancelled !== undefined) Atomics.store(cancelled, 0, 1);
    };
    signal?.addEventListener('abort', cancel, { once: true });
    const id = this.nextRequest++;
    try {
      return await new Promise<Result>((resolve, reject) => {
        this.pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
        // Copied, then moved: the caller keeps its arrays.
        const request: Request = { id, command: copyArrays(command), cancelled };
        this.worker.postMessage(request, ownedBuffers(request.command));
      });
    } catch (error) {
      const isOurs = error instanceof GraphError && error.code === 'aborted' && signal?.aborted;
      throw isOurs ? signal.reason : error;
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  private settle(response: Response): void {
    const waiting = this.pending.get(response.id);
    this.pending.delete(response.id);
    if (waiting === undefined) return;
    if ('error' in response) {
      waiting.reject(new GraphError(response.error.code as GraphErrorCode, response.error.message));
    } else {
      waiting.resolve(response.value);
    }
  }

  private fail(message: string): void {
    this.closedBecause ??= new GraphError('worker_closed', message);
    for (const { reject } of this.pending.values()) reject(this.closedBecause);
    this.pending.clear();
  }
}

/** A convolution's weight as the matrix that it multiplies patches by. */
function asMatrix([rows = 1, ...rest]: Shape): Shape {
  return [rows, rest.reduce((product, extent) => product * extent, 1)];
}

function isList(feeds: TensorRecord | readonly TensorRecord[]): feeds is readonly TensorRecord[] {
  return Array.isArray(feeds);
}
