import { parentPort } from 'node:worker_threads';
import type { Scene } from '../scene.js';
import { type RenderOptions, render } from './render.js';

parentPort?.on('message', ({ id, scene, options }: { id: number; scene: Scene; options: RenderOptions }) => {
  try {
    const frame = render(scene, options);
    parentPort?.postMessage({ id, frame }, [
      frame.data.buffer as ArrayBuffer,
      frame.mask.buffer as ArrayBuffer,
    ]);
  } catch (error) {
    parentPort?.postMessage({ id, error });
  }
});
