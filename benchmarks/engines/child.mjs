/**
 * The two ends of an engine that runs in a process of its own.
 *
 * Each engine under test gets a process so that neither's threads, allocator or timers touch the other, and
 * both are asked the same questions in the same words: `load`, `prefill`, `decode` (and `delays`, ours only) of text
 * engines, `load`, `forward`, `output` of networks.
 */
import { fork, spawn } from 'node:child_process';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ownCpuMs } from '../quiet.mjs';

/**
 * Child side: answers `cpuMs` (processor time so far) and requests `{id, method, params}` with `{id, result}` or `{id, error}`.
 * @param {Record<string, (params: object) => Promise<unknown>>} methods
 */
export function serve(methods) {
  const all = { cpuMs: async () => ownCpuMs(), ...methods };
  process.on('message', async ({ id, method, params }) => {
    try {
      process.send({ id, result: await all[method](params) });
    } catch (error) {
      process.send({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  process.on('disconnect', () => process.exit(0));
}

/**
 * Parent side: starts `engines/<name>.mjs` and returns a caller for it.
 * @param {string} name file in this folder without `.mjs`
 * @param {AbortSignal} [signal] ends the process when aborted
 */
export function startEngine(name, signal) {
  const child = fork(fileURLToPath(new URL(`./${name}.mjs`, import.meta.url)), [], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const caller = callerOf(name, child, (request) => child.send(request), signal);
  child.on('message', caller.settle);
  return caller;
}

/**
 * Parent side of an engine that is no Node.js program: the same messages, one JSON object a line on its standard input and
 * output.
 * @param {string} name for messages
 * @param {string[]} command program and arguments
 * @param {AbortSignal} [signal] ends the process when aborted
 */
export function startProcess(name, [program, ...args], signal) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const send = (request) => child.stdin.write(`${JSON.stringify(request)}\n`);
  const caller = callerOf(name, child, send, signal);
  child.stdin.on('error', () => {}); // its end is reported by the process
  readline.createInterface({ input: child.stdout }).on('line', (line) => caller.settle(JSON.parse(line)));
  return caller;
}

function callerOf(name, child, send, signal) {
  const waiting = new Map();
  let nextId = 0;
  let failure;
  const fail = (error) => {
    failure ??= error;
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
  };
  const settle = ({ id, result, error }) => {
    const call = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) call?.resolve(result);
    else call?.reject(new Error(`${name}: ${error}`));
  };
  child.on('error', fail);
  child.on('exit', (code, killedBy) =>
    fail(new Error(`engine ${name} ended (${killedBy ?? `exit code ${code}`})`)),
  );
  const abort = () => child.kill('SIGKILL');
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  return {
    settle,
    /** @param {string} method @param {unknown} [params] */
    call(method, params = {}) {
      if (failure !== undefined) return Promise.reject(failure);
      const id = nextId++;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        send({ id, method, params });
      });
    },
    async stop() {
      signal?.removeEventListener('abort', abort);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    },
  };
}
