import { describe, expect, it } from 'vitest';
import { createApp } from '../app.js';
import type { Logger } from '../logger.js';
import type { FakeEngine } from '../testing/index.js';
import { until } from '../testing/index.js';

/** Levels of the request lines, in order. */
function levels(): { readonly logger: Logger; readonly seen: string[] } {
  const seen: string[] = [];
  const at = (level: string) => (_: object, message: string) => {
    if (message === 'request') seen.push(level);
  };
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  };
  return { logger, seen };
}

describe('request log', () => {
  it('takes a health probe that finds the model loading for normal, and only that', async () => {
    let fail: (error: Error) => void = () => undefined;
    const loading = new Promise<FakeEngine>((_, reject) => {
      fail = reject;
    });
    const { logger, seen } = levels();
    const app = createApp({ engines: [{ loading }], logger });
    expect((await app.request('/health')).status).toBe(503);
    expect((await app.request('/v1/models')).status).toBe(503);
    expect(seen).toEqual(['debug', 'warn']);
    fail(new Error('no such file'));
    await until(
      async () => ((await (await app.request('/health')).json()) as { status: string }).status === 'failed',
    );
    expect(seen.at(-1)).toBe('warn');
  });
});
