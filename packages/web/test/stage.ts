/**
 * @module
 * What every browser test stands on: the page built anew (so the tests never look at an old one), a browser, and
 * per test a real server whose engine alone is a double.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ImageSource, type PeopleSources, type RunningServer, serve } from '@triptych/server';
import { FakeEngine, type FakeEngineOptions } from '@triptych/server/testing';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { launchBrowser, openPage, seriousViolations, type WatchedPage } from './browser.js';
import { buildPage } from './build-page.js';

type Engines = Parameters<typeof serve>[0]['engines'];

export interface Start {
  readonly engine?: FakeEngineOptions;
  readonly images?: ImageSource;
  readonly apiKeys?: readonly string[];
  readonly path?: string;
  readonly people?: PeopleSources;
  readonly page?: Parameters<typeof openPage>[2];
}

export interface Stage {
  /** A page in front of a server with a fake engine. */
  start(
    options?: Start,
  ): Promise<WatchedPage & { readonly fake: FakeEngine; readonly server: RunningServer }>;
  /** The same with engines of one's own. */
  startWith(
    engines: Engines,
    options?: Omit<Start, 'engine'>,
  ): Promise<WatchedPage & { readonly server: RunningServer }>;
}

/** Registers the hooks of the test file that calls it. */
export function setStage(): Stage {
  let browser: Browser;
  let webRoot: string;
  const servers: RunningServer[] = [];

  beforeAll(async () => {
    webRoot = await mkdtemp(join(tmpdir(), 'triptych-web-'));
    await buildPage(webRoot);
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    await rm(webRoot, { recursive: true, force: true });
  });

  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    await Promise.all(servers.splice(0).map((server) => server.close({ deadlineMs: 0 })));
  });

  const startWith: Stage['startWith'] = async (
    engines,
    { apiKeys, images, path = '', page, people } = {},
  ) => {
    const server = await serve({
      engines,
      port: 0,
      webRoot,
      ...(apiKeys === undefined ? {} : { apiKeys }),
      ...(people === undefined ? {} : { people }),
      ...(images === undefined ? {} : { images }),
    });
    servers.push(server);
    return { ...(await openPage(browser, `${server.url}/${path}`, page)), server };
  };
  return {
    startWith,
    start: async ({ engine = {}, ...options } = {}) => {
      const fake = new FakeEngine(engine);
      return { ...(await startWith([fake], options)), fake };
    },
  };
}

export const composer = (page: Page) => page.getByRole('textbox', { name: 'Message' });
export const answers = (page: Page) => page.getByRole('article', { name: 'Model' });

export async function ask(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await composer(page).press('Enter');
}

/** Every state is looked at by axe in both themes. */
export async function expectAccessible(page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    expect(await seriousViolations(page), colorScheme).toEqual([]);
  }
}

/** A message that the browser itself writes for every answer of status 400 and more. */
export const failedRequest = /^Failed to load resource: the server responded with a status of/;
