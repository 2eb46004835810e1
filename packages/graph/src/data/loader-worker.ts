import { parentPort, workerData } from 'node:worker_threads';
import { ownedBuffers } from '../runtime/transfer.js';
import type {
  BatchMaker,
  LoaderModule,
  LoaderRequest,
  LoaderResponse,
  LoaderSetup,
} from './loader-protocol.js';

// Entry of a loader's thread: imports the user's module and makes batches one after the other.

const port = parentPort;
if (port === null) throw new Error('data/loader-worker.js must be started as a worker thread');

const setup = workerData as LoaderSetup;
let maker: Promise<BatchMaker> | undefined;
let tail: Promise<void> = Promise.resolve();

port.on('message', (request: LoaderRequest) => {
  tail = tail.then(async () => {
    const response = await answer(request);
    try {
      port.postMessage(response, ownedBuffers(response));
    } catch (error) {
      // What the module returned cannot be handed over (a function, say).
      port.postMessage({ id: request.id, error: String(error) } satisfies LoaderResponse);
    }
  });
});

async function answer({ id, draws }: LoaderRequest): Promise<LoaderResponse> {
  try {
    maker ??= createMaker();
    return { id, feeds: await (await maker)(draws) };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}

async function createMaker(): Promise<BatchMaker> {
  const { createBatchMaker } = (await import(setup.module)) as Partial<LoaderModule>;
  if (createBatchMaker === undefined) {
    throw new Error(`${setup.module} does not export createBatchMaker`);
  }
  return createBatchMaker(setup.options);
}
