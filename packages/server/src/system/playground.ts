/**
 * @module
 * Serves the built playground. The folder is listed once at start; a request can only name a file in that
 * list, so no path can leave the folder.
 */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, sep } from 'node:path';
import type { App } from '../http/context.js';

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.avif': 'image/avif',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
  '.map': 'application/json; charset=utf-8',
};

/** Everything from here, nothing inline, not to be framed. */
export const contentSecurityPolicy: string = [
  "default-src 'self'",
  "img-src 'self' data: blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

interface Asset {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
  readonly etag: string;
  readonly cacheControl: string;
}

/** Answers GET for every file under `root`, and `/` with its `index.html`. Throws when `root` is no folder. */
export function addPlayground(app: App, root: string): void {
  const assets = readAssets(root);
  app.use(async (c, next) => {
    const isRead = c.req.method === 'GET' || c.req.method === 'HEAD';
    const asset = isRead ? assets.get(c.req.path) : undefined;
    if (asset === undefined) return next();
    const headers = { etag: asset.etag, 'cache-control': asset.cacheControl };
    if (c.req.header('if-none-match') === asset.etag) return c.body(null, 304, headers);
    return c.body(asset.bytes, 200, {
      ...headers,
      'content-type': asset.type,
      'content-security-policy': contentSecurityPolicy,
    });
  });
}

/** By path, as the router gives it: decoded. */
function readAssets(root: string): Map<string, Asset> {
  const assets = new Map<string, Asset>();
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    const file = join(root, name);
    const parts = name.split(sep);
    // Links could lead out of the folder; names with a dot first are the build's own notes.
    if (!lstatSync(file).isFile() || parts.some((part) => part.startsWith('.'))) continue;
    const path = `/${parts.join('/')}`;
    const asset = toAsset(file, path);
    assets.set(path, asset);
    if (path === '/index.html') assets.set('/', asset);
  }
  return assets;
}

function toAsset(file: string, path: string): Asset {
  const bytes = new Uint8Array(readFileSync(file));
  // Vite puts a content hash into the names under assets/.
  const isHashed = path.startsWith('/assets/');
  return {
    bytes,
    type: contentTypes[extname(file).toLowerCase()] ?? 'application/octet-stream',
    etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
    cacheControl: isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
  };
}
