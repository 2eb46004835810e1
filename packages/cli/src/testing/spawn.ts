/**
 * @module
 * Spawns the built command for tests and lets them watch it.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import type { FakeMainOptions } from './fake-main.js';

const dist = resolve(import.meta.dirname, '..', '..', 'dist');

const running = new Set<Spawned>();

export class Spawned {
  readonly child: ChildProcessWithoutNullStreams;
  readonly #exit: Promise<number | string>;
  #watchers: (() => void)[] = [];
  stdout = '';
  stderr = '';

  constructor(args: readonly string[], env: Readonly<Record<string, string>>, script: string) {
    const { TRIPTYCH_API_KEY: _, ...inherited } = process.env;
    this.child = spawn(process.execPath, [resolve(dist, script), ...args], { env: { ...inherited, ...env } });
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#changed();
    });
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#changed();
    });
    this.child.stdin.on('error', () => undefined);
    running.add(this);
    this.#exit = new Promise((end) => {
      this.child.on('close', (code, signal) => {
        running.delete(this);
        end(code ?? signal ?? 'unknown');
        this.#changed();
      });
    });
  }

  /** Exit code, or the signal's name. */
  exit(): Promise<number | string> {
    return this.#exit;
  }

  /** Resolves when `condition` holds after some output; rejects when the process ends before. */
  async until(condition: (self: this) => boolean): Promise<void> {
    while (!condition(this)) {
      if (this.child.exitCode !== null) {
        throw new Error(`ended with ${this.child.exitCode} too early:\n${this.stdout}\n${this.stderr}`);
      }
      await new Promise<void>((wake) => {
        this.#watchers.push(wake);
      });
    }
  }

  #changed(): void {
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const wake of watchers) wake();
  }
}

/** The command over the fake engine. `input` is written to standard input, which is then closed. */
export function spawnFake(
  args: readonly string[],
  {
    fake = {},
    input,
    env = {},
  }: { fake?: FakeMainOptions; input?: string | Uint8Array; env?: Readonly<Record<string, string>> } = {},
): Spawned {
  const spawned = new Spawned(args, { ...env, FAKE: JSON.stringify(fake) }, 'testing/fake-main.js');
  if (input !== undefined) spawned.child.stdin.end(input);
  return spawned;
}

/** The command as users have it. */
export function spawnReal(args: readonly string[]): Spawned {
  return new Spawned(args, {}, 'main.js');
}

export interface Finished {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command over the fake engine to its end; standard input is empty unless given. */
export async function finishFake(
  args: readonly string[],
  options: Parameters<typeof spawnFake>[1] = {},
): Promise<Finished> {
  const spawned = spawnFake(args, { input: '', ...options });
  const code = await spawned.exit();
  return { code, stdout: spawned.stdout, stderr: spawned.stderr };
}

/** Ends whatever a test left running; for `afterEach`. */
export function stopAll(): void {
  for (const spawned of running) spawned.child.kill('SIGKILL');
  running.clear();
}
