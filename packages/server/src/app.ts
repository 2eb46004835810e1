/**
 * @module
 * Puts the app together: guards first, then the panels' routes, then the playground. No socket here, so
 * everything can be tested with `app.request()`.
 */
import { OpenAPIHono } from '@hono/zod-openapi';
import { cors } from 'hono/cors';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { secureHeaders } from 'hono/secure-headers';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { ApiError, describeCause, shuttingDown, toApiError } from './errors.js';
import { bearerAuth } from './http/auth.js';
import type { App, AppContext, AppEnv, PanelContext } from './http/context.js';
import { hostGuard } from './http/host-guard.js';
import { requestLog } from './http/request-log.js';
import { addImagePanel } from './image/panel.js';
import type { ImageSource } from './image/source.js';
import { Lifecycle } from './lifecycle.js';
import { defaultLimits, type ServerLimits } from './limits.js';
import { type Logger, silentLogger } from './logger.js';
import { ServerMetrics } from './metrics/metrics.js';
import { type EngineSource, Models } from './models.js';
import { addPeoplePanel } from './people/panel.js';
import type { PeopleSources } from './people/sources.js';
import { addHealthRoute } from './system/health-route.js';
import { addMetricsRoute } from './system/metrics-route.js';
import { addOpenApiRoute } from './system/openapi-route.js';
import { addPanelsRoute } from './system/panels-route.js';
import { addPlayground } from './system/playground.js';
import { addTextPanel } from './text/panel.js';
import { version } from './version.js';

export interface CorsOptions {
  /** Origins that browsers may call from, e.g. `https://app.example`. `*` allows every one. */
  readonly origins: readonly string[];
}

export interface AppOptions {
  /** Text engines; the first answers requests that name no model. There may be none. */
  readonly engines: readonly EngineSource[];
  /** Image models. Left out: no image routes but an empty list of models. */
  readonly images?: ImageSource;
  /** A rating study, a review, or both: what people do in the playground. Default: none. */
  readonly people?: PeopleSources;
  /** Keys that open `/v1`, `/api` and `/metrics`. None: no key is asked for. */
  readonly apiKeys?: readonly string[];
  /** Default: no cross-origin access. */
  readonly cors?: CorsOptions;
  /** Host names the server answers to; left out, every name (see `host-guard.ts`). */
  readonly allowedHosts?: readonly string[];
  readonly limits?: Partial<ServerLimits>;
  /** Default: silent. */
  readonly logger?: Logger;
  /** Folder of the built playground. Left out: no page. */
  readonly webRoot?: string;
  /** Shared with whoever shuts the server down. */
  readonly lifecycle?: Lifecycle;
  /** Shared with whoever closes the engines. Default: made from `engines`. */
  readonly models?: Models;
}

/** The HTTP app. Throws `TypeError` for an unusable API key, and what `readdirSync` throws for a bad `webRoot`. */
export function createApp(options: AppOptions): App {
  const limits = { ...defaultLimits, ...options.limits };
  const logger = options.logger ?? silentLogger;
  const lifecycle = options.lifecycle ?? new Lifecycle();
  const models = options.models ?? new Models(options.engines);
  const context: PanelContext = { models, limits, lifecycle, metrics: new ServerMetrics(models), version };

  const app: App = new OpenAPIHono<AppEnv>();
  app.onError(respondWithError);
  app.notFound(notFound);
  app.use(requestLog(logger, lifecycle));
  // No HSTS: the server speaks plain HTTP; who puts TLS in front decides about it there.
  app.use(secureHeaders({ xFrameOptions: 'DENY', strictTransportSecurity: false }));
  app.use(methodNotAllowed({ app, onMethodNotAllowed }));
  if (options.allowedHosts !== undefined) app.use(hostGuard(options.allowedHosts));
  if (options.cors !== undefined) app.use(corsFor(options.cors));
  app.use(async (c, next) => {
    if (lifecycle.draining && c.req.path !== '/health') throw shuttingDown();
    await next();
  });
  const keys = options.apiKeys ?? [];
  if (keys.length > 0) {
    const auth = bearerAuth(keys);
    for (const path of ['/v1/*', '/api/*', '/metrics']) app.use(path, auth);
  }

  addHealthRoute(app, context);
  addMetricsRoute(app, context);
  const { people = {} } = options;
  addPanelsRoute(app, {
    text: options.engines.length > 0,
    rate: people.rating !== undefined,
    review: people.review !== undefined,
  });
  addTextPanel(app, context);
  addImagePanel(app, context, options.images, { logger, origins: options.cors?.origins ?? [] });
  addPeoplePanel(app, people);
  addOpenApiRoute(app, context);
  if (options.webRoot !== undefined) addPlayground(app, options.webRoot);
  return app;
}

function corsFor(options: CorsOptions) {
  const origins = [...options.origins];
  return cors({
    origin: origins.includes('*') ? '*' : origins,
    allowMethods: ['GET', 'POST', 'DELETE'],
    // Whatever the client asks to send: the openai package adds headers of its own.
    allowHeaders: [],
    exposeHeaders: ['x-request-id', 'x-triptych-ignored', 'retry-after'],
    maxAge: 600,
  });
}

function respondWithError(error: Error, c: AppContext): Response {
  const apiError = toApiError(error);
  if (apiError.status >= 500) {
    const logger = c.get('logger') as Logger | undefined;
    logger?.error({ code: apiError.code, cause: describeCause(apiError) }, 'request failed');
  }
  return c.json(apiError.body(), apiError.status as ContentfulStatusCode, { ...apiError.headers });
}

function notFound(c: AppContext): Response {
  const error = new ApiError(`There is nothing at ${c.req.method} ${c.req.path.slice(0, 200)}.`, {
    status: 404,
    type: 'invalid_request_error',
    code: 'not_found',
  });
  return c.json(error.body(), 404);
}

function onMethodNotAllowed(c: AppContext, methods: readonly string[]): Response {
  const allow = methods.join(', ');
  const error = new ApiError(`${c.req.method} is not allowed here. Allowed: ${allow}.`, {
    status: 405,
    type: 'invalid_request_error',
    code: 'method_not_allowed',
  });
  return c.json(error.body(), 405, { allow });
}
