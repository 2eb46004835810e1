/**
 * @module
 * PNG answers of the rating and review routes.
 */
import { z } from '@hono/zod-openapi';
import type { AppContext } from '../http/context.js';
import type { RouteContent } from '../http/route.js';

export const png: Readonly<Record<number, RouteContent>> = {
  200: {
    description: 'The picture.',
    content: { 'image/png': z.string().openapi({ format: 'binary' }) },
  },
};

/** Pictures may be kept for the time of a session; nobody but this browser may keep them. */
export function sendPicture(c: AppContext, bytes: Uint8Array): Response {
  return c.body(new Uint8Array(bytes), 200, {
    'content-type': 'image/png',
    'cache-control': 'private, max-age=600',
  });
}
