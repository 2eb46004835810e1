/**
 * @module
 * Every bound the server puts on its clients, in one place.
 */

export interface ServerLimits {
  /** Largest request body; more gives 413. */
  readonly maxBodyBytes: number;
  /** Most messages in a chat and most parts in a message. */
  readonly maxMessages: number;
  /** Most prompts in one `/v1/completions` request. */
  readonly maxPrompts: number;
  /** A stream that has nothing to say sends a comment this often, so that proxies keep it open. */
  readonly pingIntervalMs: number;
  /**
   * How long a streaming request may wait for its first event before the response headers go out.
   * Errors within this time keep their HTTP status; later ones arrive as an `error` event in the stream.
   */
  readonly streamHeadersAfterMs: number;
  /** A client that reads nothing of its stream for this long is treated as gone. */
  readonly stallTimeoutMs: number;
  /** Time for a client to send its headers (slow-loris guard). */
  readonly headersTimeoutMs: number;
  /** Time for a client to send its whole request. */
  readonly requestTimeoutMs: number;
  /** Idle time after which a kept-alive connection is closed. */
  readonly keepAliveTimeoutMs: number;
  /** Most open connections; more are refused by the socket. */
  readonly maxConnections: number;
  /** Most memory streams (`/api/memory/stream`) at a time; more give 503. */
  readonly maxMemoryStreams: number;
  /** Largest body of the image routes: a picture and a mask, as they are or as base64. */
  readonly maxImageBodyBytes: number;
  /** Most image edits that wait for the one that runs; more give 503. */
  readonly maxQueuedEdits: number;
  /** Most image jobs that are kept, finished ones included; a new one drops the oldest finished one. */
  readonly maxImageJobs: number;
  /** Most bytes that results of finished image jobs may take together. */
  readonly maxImageJobBytes: number;
  /** How long the result of an image job can be fetched. */
  readonly imageJobLifeMs: number;
}

export const defaultLimits: ServerLimits = {
  maxBodyBytes: 4 * 1024 * 1024,
  maxMessages: 4096,
  maxPrompts: 64,
  pingIntervalMs: 10_000,
  streamHeadersAfterMs: 1000,
  stallTimeoutMs: 120_000,
  headersTimeoutMs: 15_000,
  requestTimeoutMs: 60_000,
  keepAliveTimeoutMs: 30_000,
  maxConnections: 1024,
  maxMemoryStreams: 32,
  maxImageBodyBytes: 64 * 1024 * 1024,
  maxQueuedEdits: 8,
  maxImageJobs: 32,
  maxImageJobBytes: 256 * 1024 * 1024,
  imageJobLifeMs: 10 * 60_000,
};
