/**
 * @module
 * DNS-rebinding guard: a page on the internet can point its own name at 127.0.0.1 and talk to a loopback
 * server as same-origin. Its requests carry its own name in `Host`, so unknown names are refused.
 */
import type { MiddlewareHandler } from 'hono';
import { ApiError } from '../errors.js';
import type { AppEnv } from './context.js';

/** Names that always mean this machine. */
export const loopbackHosts: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** True for addresses that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** `allowed` holds host names without port, compared without case. */
export function hostGuard(allowed: readonly string[]): MiddlewareHandler<AppEnv> {
  const names = new Set(allowed.map((name) => name.toLowerCase()));
  return async (c, next) => {
    const name = hostName(c.req.header('host') ?? new URL(c.req.url).host);
    if (!names.has(name)) {
      throw new ApiError(
        'This server does not answer to that Host name. Use localhost, or start it with --allow-host <name>.',
        { status: 403, type: 'permission_error', code: 'host_not_allowed' },
      );
    }
    await next();
  };
}

/** `[::1]:8080` -> `[::1]`, `Localhost:80` -> `localhost`. */
function hostName(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '');
}
