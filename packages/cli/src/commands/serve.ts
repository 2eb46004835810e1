/**
 * @module
 * `triptych serve`: API and playground over HTTP until Ctrl-C.
 */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { LoadProgress, TextEngineLike } from '@triptych/llm';
import { cpuQuota } from '@triptych/native';
import {
  createPinoLogger,
  type ImageSource,
  type LogLevel,
  type RunningServer,
  serve as startServer,
} from '@triptych/server';
import { InterruptedError, UsageError } from '../exit.js';
import { leaseAfterText } from '../image/cores.js';
import { hasImagePackages } from '../image/modules.js';
import { AuroraImageSource } from '../image/source.js';
import { loadEngine } from '../load.js';
import type { EngineFlags } from '../options.js';
import { findEditModel, resolveModel } from '../places.js';
import type { Runtime } from '../runtime.js';
import { formatBytes, formatCount } from '../terminal/format.js';

export interface ServeFlags extends EngineFlags {
  readonly host: string;
  readonly port: number;
  readonly apiKey?: readonly string[];
  readonly corsOrigin?: readonly string[];
  readonly allowHost?: readonly string[];
  readonly logLevel: LogLevel;
  /** False with `--no-web`. */
  readonly web: boolean;
  /** Folder or file of the edit model, or `none`. */
  readonly imageModel?: string;
  /** Seconds that running answers get at shutdown. */
  readonly grace: number;
}

/** Runs until interrupted; then lets running answers finish for `grace` seconds. A second Ctrl-C ends at once. */
export async function serve(runtime: Runtime, flags: ServeFlags): Promise<void> {
  // A wrong path should fail before the port is taken.
  const model = resolveModel(flags.model, runtime.modelFolder);
  const imageModel = resolveImageModel(flags, runtime);
  await runtime.interrupts.guard(async (signal) => {
    let progress: LoadProgress | undefined;
    const failed = new AbortController();
    const loading = loadEngine(
      runtime,
      { ...flags, model },
      AbortSignal.any([signal, failed.signal]),
      (loaded) => {
        progress = loaded;
      },
    );
    // Awaited below; the server needs the socket open first.
    loading.catch(() => undefined);
    const images = imageModel === undefined ? undefined : imageSource(runtime, flags, imageModel, loading);
    const sources = { loading, progress: () => progress, images };
    const server = await open(runtime, flags, sources).catch(async (error: unknown) => {
      failed.abort(error);
      await loading.then((engine) => engine.close({ deadlineMs: 0 })).catch(() => undefined);
      throw error;
    });
    let isReady = false;
    try {
      await announce(runtime, flags, { server, engine: await loading, imageModel });
      isReady = true;
      await aborted(signal);
    } catch (error) {
      // Ctrl-C is how a server ends; before it was ready it is how a start is given up.
      if (!isReady || !(error instanceof InterruptedError)) throw error;
      if (flags.quiet !== true && flags.json !== true) {
        runtime.stderr.write('Stopping: running answers may finish, Ctrl-C again ends at once.\n');
      }
    } finally {
      await server.close({ deadlineMs: flags.grace * 1000 });
    }
  });
}

async function open(
  runtime: Runtime,
  flags: ServeFlags,
  {
    loading,
    progress,
    images,
  }: {
    readonly loading: Promise<TextEngineLike>;
    readonly progress: () => LoadProgress | undefined;
    readonly images: ImageSource | undefined;
  },
): Promise<RunningServer> {
  const webRoot = flags.web ? runtime.webRoot : undefined;
  return startServer({
    engines: [{ loading, progress }],
    ...(images === undefined ? {} : { images }),
    host: flags.host,
    port: flags.port,
    apiKeys: keysFrom(flags, runtime),
    logger: createPinoLogger({ level: flags.logLevel }),
    ...(flags.corsOrigin === undefined ? {} : { cors: { origins: flags.corsOrigin } }),
    ...(flags.allowHost === undefined ? {} : { allowedHosts: flags.allowHost }),
    ...(webRoot === undefined ? {} : { webRoot }),
  });
}

/** The edit model to offer: the one named, or the one that comes along when the image packages are installed. */
function resolveImageModel(flags: ServeFlags, runtime: Runtime): string | undefined {
  if (flags.imageModel === 'none') return undefined;
  if (flags.imageModel !== undefined) {
    const path = resolve(flags.imageModel);
    if (!existsSync(path)) throw new UsageError(`There is no edit model at ${path}.`);
    return path;
  }
  return hasImagePackages() ? findEditModel(runtime.editModelFolder) : undefined;
}

/** Opened when first used, on a thread of its own; text goes first. */
function imageSource(
  runtime: Runtime,
  flags: ServeFlags,
  model: string,
  loading: Promise<TextEngineLike>,
): ImageSource {
  let engine: TextEngineLike | undefined;
  loading.then(
    (loaded) => {
      engine = loaded;
    },
    () => undefined,
  );
  return new AuroraImageSource(async () =>
    runtime.openAurora(model, {
      threads: flags.threads ?? cpuQuota(),
      lease: leaseAfterText(() => engine),
    }),
  );
}

/** From the flag, or else from TRIPTYCH_API_KEY, where several are separated by commas. */
function keysFrom(flags: ServeFlags, runtime: Runtime): string[] {
  const given = flags.apiKey ?? runtime.env.TRIPTYCH_API_KEY?.split(',') ?? [];
  if (flags.apiKey?.some((key) => key.trim() === '') === true)
    throw new UsageError('An API key is empty: leave --api-key out to ask for none.');
  const keys = given.map((key) => key.trim()).filter((key) => key !== '');
  if (keys.every((key) => /^[\x21-\x7e]+$/.test(key))) return keys;
  throw new UsageError('An API key must be printable ASCII characters without spaces.');
}

async function announce(
  runtime: Runtime,
  flags: ServeFlags,
  {
    server,
    engine,
    imageModel,
  }: {
    readonly server: RunningServer;
    readonly engine: TextEngineLike;
    readonly imageModel: string | undefined;
  },
): Promise<void> {
  const { info } = engine;
  if (flags.json === true) {
    await runtime.stdout.json({ url: server.url, port: server.port, model: info });
    return;
  }
  if (flags.quiet === true) {
    await runtime.stdout.line(server.url);
    return;
  }
  const { budgetBytes, reservedBytes } = engine.memory();
  const hasPage = flags.web && runtime.webRoot !== undefined;
  await runtime.stdout.line(
    [
      `${info.id}: ${formatCount(info.parameters)} parameters, ${formatBytes(info.fileBytes)}, context ${info.contextLength}, ${info.hasChatTemplate ? 'chat' : 'text continuation only'}`,
      `${info.isa}, ${info.threads} threads, up to ${formatBytes(Math.min(budgetBytes, reservedBytes))} of KV memory`,
      ...(imageModel === undefined ? [] : [`Pictures    edited by ${basename(imageModel)}`]),
      `API         ${server.url}/v1`,
      ...(hasPage ? [`Playground  ${server.url}`] : []),
    ].join('\n'),
  );
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
