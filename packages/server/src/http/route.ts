/**
 * @module
 * Adds a route to the app and to the OpenAPI document in one go, so neither can forget the other:
 * the schema that validates a body is the one the document shows.
 */
import type { z } from '@hono/zod-openapi';
import type { App, AppContext } from './context.js';
import { readJson } from './json-body.js';
import { errorSchema } from './schema-parts.js';
import { validate } from './validate.js';

export interface RouteContent {
  readonly description: string;
  /** By media type. */
  readonly content: Readonly<Record<string, z.ZodType>>;
}

export interface RouteDoc {
  /** OpenAPI form: `/v1/models/{id}`. */
  readonly path: string;
  readonly summary: string;
  readonly tag: string;
  readonly responses: Readonly<Record<number, RouteContent>>;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** The route answers without an API key. */
  readonly open?: boolean;
}

type Handler = (c: AppContext) => Response | Promise<Response>;

export function addGet(app: App, doc: RouteDoc, handler: Handler): void {
  register(app, 'get', doc);
  app.get(toHonoPath(doc.path), handler);
}

/** The handler gets the body as the schema's output; everything else never reaches it. */
export function addJsonPost<Body extends z.ZodType>(
  app: App,
  doc: RouteDoc & { readonly body: Body; readonly maxBodyBytes: number },
  handler: (c: AppContext, body: z.output<Body>) => Promise<Response>,
): void {
  register(app, 'post', doc, { 'application/json': doc.body });
  app.post(toHonoPath(doc.path), async (c) => {
    const body = validate(doc.body, await readJson(c, doc.maxBodyBytes));
    return handler(c, body);
  });
}

/**
 * For routes that take several kinds of body: the handler reads the body itself and validates it with the schemas of
 * `bodies` (by media type), which are the ones the document shows.
 */
export function addPost(
  app: App,
  doc: RouteDoc & { readonly bodies: Readonly<Record<string, z.ZodType>> },
  handler: Handler,
): void {
  register(app, 'post', doc, doc.bodies);
  app.post(toHonoPath(doc.path), handler);
}

export function addDelete(app: App, doc: RouteDoc, handler: Handler): void {
  register(app, 'delete', doc);
  app.delete(toHonoPath(doc.path), handler);
}

function register(
  app: App,
  method: 'get' | 'post' | 'delete',
  doc: RouteDoc,
  bodies?: Readonly<Record<string, z.ZodType>>,
): void {
  const responses = Object.fromEntries(
    Object.entries(doc.responses).map(([status, { description, content }]) => [
      status,
      { description, content: mapValues(content, (schema) => ({ schema })) },
    ]),
  );
  app.openAPIRegistry.registerPath({
    method,
    path: doc.path,
    summary: doc.summary,
    tags: [doc.tag],
    ...(doc.open === true ? { security: [] } : {}),
    request: {
      ...(doc.params === undefined ? {} : { params: doc.params }),
      ...(doc.query === undefined ? {} : { query: doc.query }),
      ...(bodies === undefined
        ? {}
        : { body: { required: true, content: mapValues(bodies, (schema) => ({ schema })) } }),
    },
    responses: {
      ...responses,
      default: { description: 'Any error.', content: { 'application/json': { schema: errorSchema } } },
    },
  });
}

function toHonoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

function mapValues<In, Out>(
  record: Readonly<Record<string, In>>,
  map: (value: In) => Out,
): Record<string, Out> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
