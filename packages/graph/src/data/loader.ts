import { Worker } from 'node:worker_threads';
import { GraphError } from '../errors.js';
import type { TensorRecord } from '../runtime/protocol.js';
import type { LoaderRequest, LoaderResponse, LoaderSetup } from './loader-protocol.js';
import type { Mixture, MixturePosition } from './mixture.js';

export interface LoaderOptions {
  /** Address of a module that is a {@link LoaderModule}: `new URL('./pictures.js', import.meta.url)`. */
  readonly module: URL | string;
  /** Handed to the module's `createBatchMaker`; must survive structured cloning. */
  readonly options?: unknown;
  /** What is drawn from. The loader owns its position from now on. */
  readonly mixture: Mixture;
  /** Examples per batch. */
  readonly batchSize: number;
  /** Batches that are made ahead of the one in use; 2 by default. */
  readonly ahead?: number;
}

/** One batch, and where the mixture stood when the batch after it had not been drawn. */
export interface LoadedBatch {
  readonly feeds: TensorRecord;
  /** Kept with a checkpoint made after this batch, it gives the batch that comes next. */
  readonly position: MixturePosition;
}

interface Waiting {
  resolve(batch: LoadedBatch): void;
  reject(error: Error): void;
  readonly position: MixturePosition;
}

/** Makes batches in a thread of its own, some ahead of the step that uses them. Batches come in the mixture's order. */
export class BatchLoader implements AsyncDisposable {
  private readonly worker: Worker;
  private readonly options: LoaderOptions;
  private readonly waiting = new Map<number, Waiting>();
  private readonly ready: Promise<LoadedBatch>[] = [];
  private nextRequest = 0;
  private closedBecause: GraphError | undefined;
  private tail: Promise<unknown> = Promise.resolve();

  /** @throws GraphError `invalid_attribute` if `batchSize` or `ahead` is not a positive whole number. */
  constructor(options: LoaderOptions) {
    for (const [name, value] of [
      ['batchSize', options.batchSize],
      ['ahead', options.ahead ?? 2],
    ] as const) {
      if (!Number.isInteger(value) || value < 1) {
        throw new GraphError('invalid_attribute', `${name} must be a positive whole number, got ${value}`);
      }
    }
    this.options = options;
    const workerData: LoaderSetup = { module: String(options.module), options: options.options };
    this.worker = new Worker(new URL('./loader-worker.js', import.meta.url), { workerData });
    this.worker.on('message', (response: LoaderResponse) => this.settle(response));
    this.worker.on('error', (cause) => this.fail(`the loader's thread failed: ${cause.message}`));
    this.worker.on('exit', () => this.fail("the loader's thread has ended"));
  }

  /**
   * The next batch. A batch that is waited for when the signal aborts is not lost: the next call returns it. A batch that
   * failed is passed over by the call after. Calls may overlap: they are answered in order.
   * @throws GraphError `invalid_data` if the module cannot be loaded or fails, `worker_closed` after {@link close}.
   */
  next(signal?: AbortSignal): Promise<LoadedBatch> {
    const batch = this.tail.then(() => this.take(signal));
    this.tail = batch.catch(() => undefined);
    return batch;
  }

  private async take(signal?: AbortSignal): Promise<LoadedBatch> {
    signal?.throwIfAborted();
    // One more than are kept ahead: the one that is returned.
    while (this.ready.length <= (this.options.ahead ?? 2)) this.ready.push(this.request());
    const first = this.ready[0] as Promise<LoadedBatch>;
    let isAborted = false;
    try {
      return await (signal === undefined ? first : raceAbort(first, signal));
    } catch (error) {
      isAborted = signal?.aborted === true;
      throw error;
    } finally {
      if (!isAborted) this.ready.shift();
    }
  }

  /** Ends the thread. Batches that were not returned are dropped. */
  async close(): Promise<void> {
    this.fail('the loader was closed');
    await this.worker.terminate();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private request(): Promise<LoadedBatch> {
    const { mixture, batchSize } = this.options;
    const draws = mixture.draw(batchSize);
    const { position } = mixture;
    const batch = new Promise<LoadedBatch>((resolve, reject) => {
      if (this.closedBecause !== undefined) return reject(this.closedBecause);
      const id = this.nextRequest++;
      this.waiting.set(id, { resolve, reject, position });
      this.worker.postMessage({ id, draws } satisfies LoaderRequest);
    });
    // Whoever asks for this batch sees its error; until then nobody does.
    batch.catch(() => undefined);
    return batch;
  }

  private settle(response: LoaderResponse): void {
    const waiting = this.waiting.get(response.id);
    this.waiting.delete(response.id);
    if ('feeds' in response) waiting?.resolve({ feeds: response.feeds, position: waiting.position });
    else waiting?.reject(new GraphError('invalid_data', `making a batch failed: ${response.error}`));
  }

  private fail(message: string): void {
    this.closedBecause ??= new GraphError('worker_closed', message);
    for (const { reject } of this.waiting.values()) reject(this.closedBecause);
    this.waiting.clear();
  }
}

async function raceAbort<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const { promise: aborted, stop } = whenAborted(signal);
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    stop();
  }
}

function whenAborted(signal: AbortSignal): { promise: Promise<never>; stop(): void } {
  let listener = (): void => undefined;
  const promise = new Promise<never>((_resolve, reject) => {
    listener = (): void => reject(signal.reason);
    signal.addEventListener('abort', listener, { once: true });
  });
  return { promise, stop: () => signal.removeEventListener('abort', listener) };
}
