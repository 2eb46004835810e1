import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { WorldError } from '../errors.js';
import type { Scene } from '../scene.js';
import type { Frame, RenderOptions } from './render.js';

interface Waiting {
  readonly resolve: (frame: Frame) => void;
  readonly reject: (error: unknown) => void;
}

/** Worker threads that render; the same bytes as `render` on this thread. Close it with `close()`. */
export class RenderPool {
  readonly #workers: Worker[];
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;

  /** @param workers how many threads, 1 to 64 */
  constructor(workers = 2) {
    if (!Number.isInteger(workers) || workers < 1 || workers > 64)
      throw new WorldError('ARGUMENT', `workers must be a whole number from 1 to 64, not ${workers}`);
    // Run from the sources (tests) there is no worker.js beside this file, but in dist there is.
    const beside = new URL('./worker.js', import.meta.url);
    const file = existsSync(beside) ? beside : new URL('../../dist/render/worker.js', import.meta.url);
    this.#workers = Array.from({ length: workers }, () => {
      const worker = new Worker(file);
      worker.on('message', ({ id, frame, error }: { id: number; frame?: Frame; error?: unknown }) => {
        const waiting = this.#waiting.get(id);
        this.#waiting.delete(id);
        if (frame) waiting?.resolve(frame);
        else waiting?.reject(error);
      });
      worker.on('error', (cause) =>
        this.#fail(new WorldError('WORKER', 'a render worker failed', { cause })),
      );
      return worker;
    });
  }

  /** Renders on the next thread in turn. */
  render(scene: Scene, options: RenderOptions = {}): Promise<Frame> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#workers[id % this.#workers.length]!.postMessage({ id, scene, options });
    });
  }

  #fail(error: unknown): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  /** Ends the threads; what still waits is rejected. */
  async close(): Promise<void> {
    this.#fail(new WorldError('WORKER', 'the render pool was closed'));
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
