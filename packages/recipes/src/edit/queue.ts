import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Arm, RUNS } from './settings.js';
import { runFolder } from './work-folder.js';

export interface QueueOptions {
  readonly work: string;
  readonly processes: number;
  readonly steps: number;
  readonly stopAt: number;
  readonly signal: AbortSignal;
}

/** Trains all runs up to a step, so many at a time, each in a process of its own with one thread. */
export async function runQueue(options: QueueOptions): Promise<void> {
  const waiting = [...RUNS];
  const worker = async (): Promise<void> => {
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) {
      if (options.signal.aborted) return;
      await train(run[0], run[1], options);
    }
  };
  await Promise.all(Array.from({ length: options.processes }, worker));
}

async function train(arm: Arm, seed: number, { work, steps, stopAt, signal }: QueueOptions): Promise<void> {
  const folder = runFolder(work, arm, seed);
  await mkdir(folder, { recursive: true });
  const log = createWriteStream(join(folder, 'output.txt'), { flags: 'a' });
  const settings = { arm, seed, steps, 'stop-at': stopAt, work };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const started = Date.now();
  const code = await new Promise<number | null>((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('./main.js', import.meta.url)), 'train', ...args],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
    child.on('error', reject);
    child.on('exit', resolve);
  });
  log.end();
  console.log(
    `${new Date().toISOString().slice(11, 19)} ${arm}-${seed} to step ${stopAt}: exit ${code}, ${Math.round((Date.now() - started) / 1000)} s`,
  );
}
