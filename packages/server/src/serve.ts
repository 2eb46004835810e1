/**
 * @module
 * Opens the socket: binding rules, timeouts, and a shutdown that lets running answers finish.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { type AppOptions, createApp } from './app.js';
import { ApiError, ServeError, toApiError } from './errors.js';
import { isLoopback, loopbackHosts } from './http/host-guard.js';
import type { ImageSource } from './image/source.js';
import { Lifecycle } from './lifecycle.js';
import { defaultLimits } from './limits.js';
import { silentLogger } from './logger.js';
import { Models } from './models.js';

export interface ServeOptions extends Omit<AppOptions, 'lifecycle' | 'models' | 'allowedHosts'> {
  /** Default `127.0.0.1`. A public address needs at least one API key. */
  readonly host?: string;
  /** Default 8080; 0 takes any free port. */
  readonly port?: number;
  /**
   * Further host names to answer to. On a loopback address only its own names are answered otherwise;
   * on a public address every name is, unless names are given here.
   */
  readonly allowedHosts?: readonly string[];
}

export interface RunningServer {
  /** E.g. `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly port: number;
  /**
   * Stops accepting, lets running requests finish until the deadline (default 10 s), aborts the rest, then
   * closes the engines. Calling it again returns the same promise.
   */
  close(options?: { readonly deadlineMs?: number }): Promise<void>;
}

/** Time that aborted requests get to say so to their clients. */
const farewellMs = 500;

/** Starts serving. Throws `ServeError`: `public_without_key`, `port_in_use`, `port_denied`, `address_unavailable`. */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const host = options.host ?? '127.0.0.1';
  const limits = { ...defaultLimits, ...options.limits };
  const logger = options.logger ?? silentLogger;
  if (!isLoopback(host) && (options.apiKeys ?? []).length === 0) {
    throw new ServeError(
      'public_without_key',
      `Refusing to listen on ${host} without an API key: anyone on the network could use this machine. Set --api-key or TRIPTYCH_API_KEY, or listen on 127.0.0.1.`,
    );
  }
  const lifecycle = new Lifecycle();
  const models = new Models(options.engines);
  const { allowedHosts, ...rest } = options;
  const answered = isLoopback(host) ? [...loopbackHosts, host, ...(allowedHosts ?? [])] : allowedHosts;
  const app = createApp({
    ...rest,
    limits,
    logger,
    lifecycle,
    models,
    ...(answered === undefined ? {} : { allowedHosts: answered }),
  });
  const server = createServer(
    {
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(5000, limits.headersTimeoutMs),
      // The app answers a missing Host in its own shape.
      requireHostHeader: false,
    },
    getRequestListener(app.fetch, { overrideGlobalObjects: false, errorHandler: respondToBadRequest }),
  );
  server.maxConnections = limits.maxConnections;
  server.on('clientError', answerClientError);
  const port = await listen(server, host, options.port ?? 8080);
  const url = `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`;
  logger.info({ url }, 'listening');

  let closing: Promise<void> | undefined;
  return {
    url,
    port,
    close: ({ deadlineMs = 10_000 } = {}) => {
      closing ??= shutDown(server, lifecycle, { models, images: options.images }, deadlineMs);
      return closing;
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(toServeError(error, host, port)));
    server.listen(port, host.replace(/^\[(.*)\]$/, '$1'), () =>
      resolve((server.address() as AddressInfo).port),
    );
  });
}

function toServeError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const cause = { cause: error };
  switch (error.code) {
    case 'EADDRINUSE':
      return new ServeError(
        'port_in_use',
        `Port ${port} on ${host} is in use by another program. Stop it or choose another with --port.`,
        cause,
      );
    case 'EACCES':
      return new ServeError(
        'port_denied',
        `This user may not listen on port ${port}; choose one above 1023.`,
        cause,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new ServeError(
        'address_unavailable',
        `${host} is no address of this machine; check --host.`,
        cause,
      );
    default:
      return error;
  }
}

async function shutDown(
  server: Server,
  lifecycle: Lifecycle,
  { models, images }: { readonly models: Models; readonly images: ImageSource | undefined },
  deadlineMs: number,
): Promise<void> {
  const deadlineAt = performance.now() + deadlineMs;
  lifecycle.drain();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  if (!(await lifecycle.idle(deadlineMs))) {
    lifecycle.stop();
    await lifecycle.idle(farewellMs);
  }
  const leftMs = Math.max(0, deadlineAt - performance.now());
  // An engine that is still loading may never come: its loader is stopped by whoever started it.
  const freed = Promise.allSettled([models.close(leftMs), images?.close()]);
  await Promise.race([freed, afterMs(leftMs + farewellMs)]);
  await Promise.race([closed, afterMs(farewellMs)]);
  server.closeAllConnections();
  await closed;
}

function afterMs(timeoutMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, timeoutMs).unref());
}

/** A request line or Host header that is no URL never becomes a request for the app. */
function respondToBadRequest(error: unknown): Response {
  const isRequestError = error instanceof Error && error.name === 'RequestError';
  const apiError = isRequestError
    ? new ApiError(`The request cannot be read: ${error.message}.`, {
        status: 400,
        type: 'invalid_request_error',
        code: 'bad_request',
      })
    : toApiError(error);
  return Response.json(apiError.body(), { status: apiError.status });
}

const clientErrors: Readonly<Record<string, readonly [number, string, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout', 'request_timeout'],
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large', 'headers_too_large'],
};

/** What is not HTTP gets an answer in the API's shape anyway, and the connection ends. */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, reason, code] = clientErrors[error.code ?? ''] ?? [400, 'Bad Request', 'bad_request'];
  const body = JSON.stringify(
    new ApiError(`${reason}.`, { status, type: 'invalid_request_error', code }).body(),
  );
  const head = [
    `HTTP/1.1 ${status} ${reason}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
