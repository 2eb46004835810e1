import { parentPort } from 'node:worker_threads';
import { GraphError } from '../errors.js';
import { Executor } from './executor.js';
import type { Request, Response } from './protocol.js';
import { ownedBuffers } from './transfer.js';

// Entry of the worker thread. ONNX Runtime blocks the thread that calls it, so it never runs on the main one.

const port = parentPort;
if (port === null) throw new Error('runtime/worker.js must be started as a worker thread');

const executor = new Executor();
let tail: Promise<void> = Promise.resolve();

port.on('message', (request: Request) => {
  tail = tail.then(async () => {
    const response = await answer(request);
    // What is answered is a result or a copy that nothing here holds on to.
    port.postMessage(response, ownedBuffers(response));
  });
});

async function answer({ id, command, cancelled }: Request): Promise<Response> {
  try {
    return { id, value: await executor.execute(command, () => throwIfCancelled(cancelled)) };
  } catch (error) {
    const code = error instanceof GraphError ? error.code : 'session_failed';
    return { id, error: { code, message: error instanceof Error ? error.message : String(error) } };
  }
}

function throwIfCancelled(cancelled: Int32Array | undefined): void {
  if (cancelled !== undefined && Atomics.load(cancelled, 0) !== 0) {
    throw new GraphError('aborted', 'the call was cancelled');
  }
}
