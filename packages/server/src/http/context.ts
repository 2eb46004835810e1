/**
 * @module
 * What every handler can rely on having in its context.
 */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Lifecycle } from '../lifecycle.js';
import type { ServerLimits } from '../limits.js';
import type { Logger } from '../logger.js';
import type { ServerMetrics } from '../metrics/metrics.js';
import type { Models } from '../models.js';

export interface AppEnv {
  Variables: {
    requestId: string;
    /** Carries the request id. */
    logger: Logger;
    /** Fields a handler adds to the request's log line: token counts, never text. */
    logFields: Record<string, unknown>;
    /** Set by a handler whose 5xx says that all goes as it should: it is then logged as any other answer. */
    isExpected?: boolean;
  };
}

export type AppContext = Context<AppEnv>;
export type App = OpenAPIHono<AppEnv>;

/** What a panel needs to plug its routes into the app. */
export interface PanelContext {
  readonly models: Models;
  readonly limits: ServerLimits;
  readonly lifecycle: Lifecycle;
  readonly metrics: ServerMetrics;
  readonly version: string;
}
