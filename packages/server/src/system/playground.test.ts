import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../app.js';
import { serve } from '../serve.js';
import { FakeEngine } from '../testing/index.js';

const folder = mkdtempSync(join(tmpdir(), 'triptych-web-'));
const webRoot = join(folder, 'dist');

beforeAll(() => {
  mkdirSync(join(webRoot, 'assets'), { recursive: true });
  writeFileSync(join(webRoot, 'index.html'), '<!doctype html><title>x</title>');
  writeFileSync(join(webRoot, 'assets', 'app-1a2b.js'), 'export {};');
  writeFileSync(join(webRoot, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  writeFileSync(join(webRoot, 'a b.txt'), 'space');
  writeFileSync(join(webRoot, '.stamp'), 'hidden');
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  symlinkSync(join(folder, 'secret.txt'), join(webRoot, 'link.txt'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the playground', () => {
  it('serves its files with type, caching and a strict policy', async () => {
    const app = createApp({ engines: [new FakeEngine()], webRoot, apiKeys: ['k'] });
    const page = await app.request('/');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('cache-control')).toBe('no-cache');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    expect(page.headers.get('x-frame-options')).toBe('DENY');
    const script = await app.request('/assets/app-1a2b.js');
    expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(script.headers.get('cache-control')).toContain('immutable');
    expect((await app.request('/icon.svg')).headers.get('content-type')).toBe('image/svg+xml');
    expect(await (await app.request('/a%20b.txt')).text()).toBe('space');
    const etag = page.headers.get('etag') ?? '';
    const again = await app.request('/', { headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe('');
  });

  it('serves nothing else', async () => {
    const server = await serve({ engines: [new FakeEngine()], webRoot, port: 0 });
    const paths = [
      '/../secret.txt',
      '/%2e%2e/secret.txt',
      '/..%2fsecret.txt',
      '/assets/../../secret.txt',
      '/assets/..%5c..%5csecret.txt',
      '//etc/passwd',
      '/%00',
      '/assets',
      '/.stamp',
      '/link.txt',
      '/index.html/',
      '/%',
    ];
    for (const path of paths) {
      const response = await fetch(`${server.url}${path}`);
      expect([path, response.status]).toEqual([path, 404]);
      expect(await response.json()).toMatchObject({ error: { code: 'not_found' } });
    }
    await server.close({ deadlineMs: 0 });
  });

  it('is absent without a folder', async () => {
    expect((await createApp({ engines: [new FakeEngine()] }).request('/')).status).toBe(404);
  });
});
