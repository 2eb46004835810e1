/**
 * @module
 * Serves pages on which people work (rating, review) until Ctrl-C.
 */
import { type PeopleSources, type RunningServer, serve } from '@triptych/server';
import { InterruptedError } from '../exit.js';
import type { Runtime } from '../runtime.js';

export interface PeopleFlags {
  readonly port: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** What to say when the page is up. */
export interface PeoplePage {
  /** Hash of the page: `rate`, `review`. */
  readonly path: string;
  /** One line about what is served. */
  readonly summary: string;
}

/**
 * Serves on the loopback address, without keys: pictures and names stay on this machine. People elsewhere come over a
 * tunnel of the user's own.
 */
export async function servePeople(
  runtime: Runtime,
  flags: PeopleFlags,
  people: PeopleSources,
  page: PeoplePage,
): Promise<void> {
  const { webRoot } = runtime;
  await runtime.interrupts.guard(async (signal) => {
    const server = await serve({
      engines: [],
      people,
      port: flags.port,
      ...(webRoot === undefined ? {} : { webRoot }),
    });
    try {
      await announce(runtime, flags, server, page);
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener('abort', () => resolve(), { once: true });
      });
      // Ctrl-C is how a server ends; what people said is on the disk already.
      if (!(signal.reason instanceof InterruptedError)) throw signal.reason;
    } finally {
      await server.close({ deadlineMs: 2000 });
    }
  });
}

async function announce(
  runtime: Runtime,
  flags: PeopleFlags,
  server: RunningServer,
  { path, summary }: PeoplePage,
): Promise<void> {
  const url = `${server.url}/#/${path}`;
  if (flags.json === true) await runtime.stdout.json({ url, port: server.port });
  else if (flags.quiet === true) await runtime.stdout.line(url);
  else await runtime.stdout.line(`${summary}\nOpen ${url}`);
  if (runtime.webRoot === undefined)
    runtime.stderr.write('The page is not built: run npm run build; only the API answers.\n');
}
