/**
 * The playground in a real browser against the real server; only the engine is a double. The page is built anew,
 * so the tests never look at an old one.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningServer, serve } from '@triptych/server';
import { FakeEngine, type FakeEngineOptions, until } from '@triptych/server/testing';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  launchBrowser,
  NARROW,
  openPage,
  scrollsSideways,
  seriousViolations,
  type WatchedPage,
} from './browser.js';
import { buildPage } from './build-page.js';

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

interface Start {
  readonly engine?: FakeEngineOptions;
  readonly apiKeys?: readonly string[];
  readonly path?: string;
  readonly page?: Parameters<typeof openPage>[2];
}

async function start({
  engine = {},
  apiKeys,
  path = '',
  page,
}: Start = {}): Promise<WatchedPage & { readonly fake: FakeEngine; readonly server: RunningServer }> {
  const fake = new FakeEngine(engine);
  const server = await serve({
    engines: [fake],
    port: 0,
    webRoot,
    ...(apiKeys === undefined ? {} : { apiKeys }),
  });
  servers.push(server);
  return { ...(await openPage(browser, `${server.url}/${path}`, page)), fake, server };
}

const composer = (page: Page) => page.getByRole('textbox', { name: 'Message' });
const answers = (page: Page) => page.getByRole('article', { name: 'Model' });

async function ask(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await composer(page).press('Enter');
}

/** Every state is looked at by axe in both themes. */
async function expectAccessible(page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    expect(await seriousViolations(page), colorScheme).toEqual([]);
  }
}

/** A message that the browser itself writes for every answer of status 400 and more. */
const failedRequest = /^Failed to load resource: the server responded with a status of/;

describe('chat', () => {
  it('is empty at first and says what answers', async () => {
    const { page, problems } = await start();
    await page.getByRole('heading', { name: 'Ask something.' }).waitFor();
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Fake');
    expect(await composer(page).evaluate((element) => element === document.activeElement)).toBe(true);
    await expectAccessible(page);
    await page.getByRole('list', { name: 'Suggestions' }).getByRole('button').first().click();
    expect(await composer(page).inputValue()).not.toBe('');
    expect(problems).toEqual([]);
  });

  it('streams an answer and shows its figures', async () => {
    const { page, problems, fake } = await start({ engine: { tokenDelayMs: 25, naturalEnd: 150 } });
    await ask(page, 'Count');
    await page.getByText('one two three').waitFor();
    await page.getByRole('button', { name: 'Stop' }).waitFor();
    await expectAccessible(page);
    const tools = page.getByRole('article', { name: 'Model' }).getByRole('button', { name: 'Regenerate' });
    await tools.waitFor();
    expect(await answers(page).textContent()).toMatch(/tok\/s.*first token.*150 tokens/);
    expect(fake.seen[0]?.request).toMatchObject({ temperature: 0.8, topK: 40, maxTokens: 512 });
    await answers(page).getByRole('button', { name: 'Copy' }).click();
    await answers(page).getByText('Copied').waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied).toBe(await answers(page).locator('.prose').textContent());
    await expectAccessible(page);
    expect(problems).toEqual([]);
  });

  it('stops at once, in the server too, and can regenerate', async () => {
    const { page, problems, fake } = await start({ engine: { tokenDelayMs: 20 } });
    await ask(page, 'Count');
    await page.getByText('one two').waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('stopped', { exact: true }).waitFor();
    await until(() => fake.running === 0);
    expect(fake.seen[0]?.aborted).toBe(true);
    const kept = await answers(page).locator('.prose').textContent();
    await page.getByRole('button', { name: 'Regenerate' }).click();
    expect(await composer(page).evaluate((element) => element === document.activeElement)).toBe(true);
    await page.getByText('one two').waitFor();
    expect(await answers(page).count()).toBe(1);
    expect(fake.seen).toHaveLength(2);
    await page.keyboard.press('Escape');
    await page.getByText('stopped', { exact: true }).waitFor();
    expect(kept).toMatch(/^one two/);
    await page.getByRole('button', { name: 'New conversation' }).click();
    await page.getByRole('heading', { name: 'Ask something.' }).waitFor();
    expect(problems).toEqual([]);
  });

  it("shows the server's own error and recovers", async () => {
    const { page, problems } = await start({ engine: { info: { contextLength: 20 }, naturalEnd: 3 } });
    await ask(page, 'word '.repeat(30));
    await page
      .locator('.error-message', { hasText: 'The prompt has 31 tokens, the context holds 20.' })
      .waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('.error-message', { hasText: 'The prompt has 31 tokens' }).waitFor();
    await page.getByRole('button', { name: 'New conversation' }).click();
    await ask(page, 'Short');
    await page.getByText('one two three').waitFor();
    expect(problems.filter((problem) => !failedRequest.test(problem))).toEqual([]);
  });

  it('keeps what had arrived when an answer breaks off', async () => {
    const failure = { afterTokens: 4, error: new Error('The engine lost its footing') };
    const { page, problems } = await start({ engine: { failure, tokenDelayMs: 5 } });
    await ask(page, 'Count');
    await page.getByText('The answer broke off').waitFor();
    expect(await answers(page).locator('.prose').textContent()).toBe('one two three four');
    await expectAccessible(page);
    expect(problems).toEqual([]);
  });

  it('says so when the server is gone', async () => {
    const { page, server } = await start();
    await page.getByRole('heading', { name: 'Ask something.' }).waitFor();
    await server.close({ deadlineMs: 0 });
    await ask(page, 'Anyone?');
    await page.locator('.error-message', { hasText: 'The server does not answer.' }).waitFor();
  });

  it('follows a long conversation until one scrolls up', async () => {
    const { page, problems } = await start({
      engine: { tokenDelayMs: 20, naturalEnd: 700, info: { contextLength: 9000 } },
    });
    const scroller = page.getByRole('region', { name: 'Conversation' });
    const fromEnd = () => scroller.evaluate((box) => box.scrollHeight - box.clientHeight - box.scrollTop);
    await page.getByText('Sampling').first().click();
    for (let turn = 0; turn < 3; turn++) {
      await ask(page, `Question ${turn} ${'with many words '.repeat(20)}`);
      if (turn < 2) await page.keyboard.press('Escape');
    }
    await until(async () => (await scroller.evaluate((box) => box.scrollHeight - box.clientHeight)) > 300);
    expect(await fromEnd()).toBeLessThan(40);
    await scroller.hover();
    await page.mouse.wheel(0, -250);
    const jump = page.getByRole('button', { name: 'Jump to latest' });
    await jump.waitFor();
    const top = await scroller.evaluate((box) => box.scrollTop);
    const length = await scroller.evaluate((box) => box.scrollHeight);
    await until(async () => (await scroller.evaluate((box) => box.scrollHeight)) > length);
    expect(await scroller.evaluate((box) => box.scrollTop)).toBe(top);
    await expectAccessible(page);
    await jump.click();
    await jump.waitFor({ state: 'detached' });
    await until(async () => (await fromEnd()) < 40);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Regenerate' }).waitFor();
    await until(async () => (await fromEnd()) < 40);
    expect(problems).toEqual([]);
  });

  it('sends what the sampling sheet says and remembers it', async () => {
    const { page, fake, problems } = await start({ engine: { naturalEnd: 3 } });
    const sheet = page.getByRole('complementary', { name: 'Sampling' });
    await sheet.getByLabel('System prompt').fill('Be brief.');
    await sheet.getByLabel('Temperature', { exact: true }).fill('0');
    await sheet.getByLabel('Top-k', { exact: true }).fill('7');
    await sheet.getByLabel('Max tokens').fill('11');
    await sheet.getByLabel('Seed').fill('3');
    await sheet.getByLabel('Stop strings').fill('END\n\\n\\n');
    await sheet.getByLabel('Top-p', { exact: true }).fill('7'); // out of range: named, not sent
    await page.getByText('From 0.01 to 1.').waitFor();
    await expectAccessible(page);
    await ask(page, 'Hi');
    await page.getByText('four five six').waitFor();
    expect(fake.seen[0]?.request).toMatchObject({
      temperature: 0,
      topK: 7,
      topP: 0.95,
      maxTokens: 11,
      seed: 3,
      stop: ['END', '\n\n'],
    });
    expect(fake.seen[0]?.request.messages?.[0]).toMatchObject({ role: 'system', content: 'Be brief.' });
    await page.reload();
    expect(await sheet.getByLabel('Seed').inputValue()).toBe('3');
    expect(await sheet.getByLabel('Stop strings').inputValue()).toBe('END\n\\n\\n');
    await sheet.getByRole('button', { name: 'Back to the defaults' }).click();
    expect(await sheet.getByLabel('Temperature', { exact: true }).inputValue()).toBe('0.8');
    expect(problems).toEqual([]);
  });

  it('asks for the API key where one is needed, and uses it', async () => {
    const { page, fake, problems } = await start({ apiKeys: ['open-sesame-123'], engine: { naturalEnd: 3 } });
    await page.getByText('This server asks for an API key').waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Enter the API key' }).click();
    await page.getByLabel('API key', { exact: true }).fill('open-sesame-123');
    await expectAccessible(page);
    await page.keyboard.press('Enter');
    await ask(page, 'Hi');
    await page.getByText('one two three').waitFor();
    expect(fake.seen).toHaveLength(1);
    await page.reload();
    await page.getByRole('heading', { name: 'Ask something.' }).waitFor();
    expect(problems.filter((problem) => !failedRequest.test(problem))).toEqual([]);
  });
});

describe('a model on its way', () => {
  it('shows how far it is loaded and goes on by itself', async () => {
    const fake = new FakeEngine();
    let arrive: (engine: FakeEngine) => void = () => undefined;
    const loading = new Promise<FakeEngine>((resolve) => {
      arrive = resolve;
    });
    const server = await serve({
      engines: [{ loading, progress: () => ({ loadedBytes: 3, totalBytes: 4 }) }],
      port: 0,
      webRoot,
    });
    servers.push(server);
    const { page, problems } = await openPage(browser, server.url);
    await page.getByText('The server is loading its model…').waitFor();
    expect(await page.getByRole('progressbar').getAttribute('value')).toBe('0.75');
    await expectAccessible(page);
    arrive(fake);
    await page.getByRole('heading', { name: 'Ask something.' }).waitFor();
    expect(problems.filter((problem) => !failedRequest.test(problem))).toEqual([]);
  });
});

describe('continuation', () => {
  const engine: FakeEngineOptions = { info: { hasChatTemplate: false }, tokenDelayMs: 40 };

  it('says what the model is for, continues, stops and takes back', async () => {
    const { page, problems, fake } = await start({ engine });
    await page.getByText('it does not answer questions, it continues a text').waitFor();
    await expectAccessible(page);
    const text = page.getByRole('textbox', { name: 'Text to continue' });
    await text.fill('Once upon');
    await page.getByRole('button', { name: 'Continue' }).click();
    await until(async () => (await text.inputValue()).includes('two three'));
    expect(await text.getAttribute('readonly')).not.toBeNull();
    await expectAccessible(page);
    await page.keyboard.press('Escape');
    await page.getByText('stopped', { exact: true }).waitFor();
    const written = await text.inputValue();
    expect(written).toMatch(/^Once upon ?one two three/);
    expect(`Once upon${await page.locator('.editor-tints mark').textContent()}`).toBe(written);
    await text.press('End');
    await text.press('Control+End');
    await text.pressSequentially(' and then');
    await text.press('Control+Enter');
    await until(() => fake.seen.length === 2);
    expect(fake.seen[1]?.request.prompt).toBe(`${written} and then`);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Continue' }).waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Undo' }).click();
    expect(await text.inputValue()).toBe(`${written} and then`);
    await page.getByRole('button', { name: 'Undo' }).click();
    expect(await text.inputValue()).toBe('Once upon');
    expect(problems).toEqual([]);
  });

  it('shows an error below the text', async () => {
    const failure = { afterTokens: 0, error: new Error('The engine lost its footing') };
    const { page } = await start({ engine: { ...engine, failure } });
    await page.getByRole('textbox', { name: 'Text to continue' }).fill('one two three four');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('The text was not continued').waitFor();
    await expectAccessible(page);
  });
});

/** Has another client generate a long text; the result ends it. */
function generate(server: RunningServer, prompt: string): () => Promise<void> {
  const abort = new AbortController();
  const running = fetch(`${server.url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt, stream: true, max_tokens: 900 }),
    signal: abort.signal,
  }).then((response) => response.text());
  return async () => {
    abort.abort();
    await running.catch(() => undefined);
  };
}

describe('a text longer than the context', () => {
  it('is continued from its end, and the page says so', async () => {
    const { page, problems, fake } = await start({
      engine: { info: { hasChatTemplate: false, contextLength: 40 }, naturalEnd: 3 },
    });
    await page.getByRole('textbox', { name: 'Text to continue' }).fill('word '.repeat(60).trim());
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('the beginning was out of its sight').waitFor();
    const sent = fake.seen.at(-1)?.request.prompt;
    expect(sent).toMatch(/^word( word)+$/);
    expect(sent?.length).toBeLessThan(100);
    await expectAccessible(page);
    expect(problems).toEqual([]);
  });
});

describe('memory', () => {
  it('moves while text is generated', async () => {
    const { page, problems, server } = await start({ path: '#/memory', engine: { tokenDelayMs: 25 } });
    await page.getByRole('heading', { level: 1, name: /of addresses reserved/ }).waitFor();
    const needed = page.locator('.total', { hasText: 'Needed' });
    expect(await needed.textContent()).toMatch(/0.B/);
    const end = generate(server, 'a b c');
    await page.getByText('would hold, for 1 slot').waitFor();
    const seen = new Set<string | null>();
    await until(async () => seen.add(await needed.textContent()).size >= 4);
    await expectAccessible(page);
    await page.getByText('The same as a table').click();
    await page.getByRole('rowheader', { name: '0' }).waitFor();
    for (const scale of ['Logarithmic', 'True', 'Zoomed']) {
      await page.getByRole('radio', { name: scale }).check();
      expect(await page.getByRole('img', { name: /4 slots of/ }).count()).toBe(1);
    }
    await expectAccessible(page);
    await end();
    await page.getByText('would hold, for 0 slots').waitFor();
    expect(problems).toEqual([]);
  });

  it('paints committed pages in the accent colour, in both themes', async () => {
    const { page, server } = await start({ path: '#/memory', engine: { tokenDelayMs: 25 } });
    const end = generate(server, 'word '.repeat(500));
    await page.getByText('would hold, for 1 slot').waitFor();
    for (const [colorScheme, accent] of [
      ['light', '51,68,200'],
      ['dark', '154,167,255'],
    ] as const) {
      await page.emulateMedia({ colorScheme });
      await until(() =>
        page.evaluate((wanted) => {
          const canvas = document.querySelector<HTMLCanvasElement>('.slot-picture canvas')!;
          const pixel = canvas.getContext('2d')!.getImageData(40, 12, 1, 1).data;
          return pixel.slice(0, 3).join() === wanted;
        }, accent),
      );
    }
    await end();
  });
});

describe('keyboard and layout', () => {
  it('works from the keyboard alone', async () => {
    const { page, problems, fake } = await start({ engine: { tokenDelayMs: 20 } });
    const focused = () =>
      page.evaluate(() => {
        const element = document.activeElement;
        if (element === null || element === document.body) return '';
        return element.getAttribute('aria-label') ?? element.textContent.trim();
      });
    const tabTo = async (name: string) => {
      for (let presses = 0; presses < 60; presses++) {
        if ((await focused()) === name) return;
        await page.keyboard.press('Tab');
      }
      throw new Error(`no way to ${name} by Tab; the focus is on ${await focused()}`);
    };
    await composer(page).waitFor();
    await page.keyboard.type('Line one');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('line two');
    await page.keyboard.press('Enter');
    await page.getByText('one two').waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('stopped', { exact: true }).waitFor();
    expect(fake.seen[0]?.request.messages?.at(-1)?.content).toBe('Line one\nline two');
    await tabTo('Close sampling');
    await page.keyboard.press('Enter');
    expect(await focused()).toBe('Sampling');
    await tabTo('Skip to the page');
    await page.keyboard.press('Enter');
    await tabTo('Sampling');
    await page.keyboard.press('Enter');
    await page.getByRole('complementary', { name: 'Sampling' }).waitFor();
    expect(await focused()).toBe('Close sampling');
    await tabTo('Temperature, slider');
    await page.keyboard.press('ArrowRight');
    expect(await page.getByLabel('Temperature', { exact: true }).inputValue()).toBe('0.85');
    await page.keyboard.press('Escape');
    await page.getByRole('complementary', { name: 'Sampling' }).waitFor({ state: 'detached' });
    expect(await focused()).toBe('Sampling');
    await tabTo('Memory');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: /of addresses reserved/ }).waitFor();
    await tabTo('API key and theme');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await focused()).toBe('API key and theme');
    await tabTo('Chat');
    await page.keyboard.press('Enter');
    await page.getByText('stopped', { exact: true }).waitFor(); // the conversation is still there
    expect(problems).toEqual([]);
  });

  it('fits a small screen on every page', async () => {
    const narrow = { viewport: NARROW, hasTouch: true };
    for (const hasChatTemplate of [true, false]) {
      const { page, problems } = await start({
        engine: { info: { hasChatTemplate }, naturalEnd: 50 },
        page: narrow,
      });
      await page.getByRole('heading', { level: 1, name: 'Fake' }).waitFor();
      expect(await scrollsSideways(page)).toBe(false);
      await page.getByRole('button', { name: 'Sampling' }).click();
      await page.getByRole('dialog', { name: 'Sampling' }).waitFor();
      expect(await scrollsSideways(page)).toBe(false);
      await expectAccessible(page);
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      if (hasChatTemplate) {
        await ask(page, `A long word: ${'x'.repeat(300)}`);
        await page.getByRole('button', { name: 'Regenerate' }).waitFor();
        expect(await scrollsSideways(page)).toBe(false);
      }
      await page.getByRole('link', { name: 'Memory' }).click();
      await page.getByRole('heading', { name: /of addresses reserved/ }).waitFor();
      expect(await scrollsSideways(page)).toBe(false);
      await expectAccessible(page);
      expect(problems).toEqual([]);
    }
  });

  it('takes the theme from the system, or from the user, and remembers it', async () => {
    const { page } = await start({ page: { colorScheme: 'dark' } });
    const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    await composer(page).waitFor();
    const dark = await ground();
    await page.getByRole('button', { name: /^Theme: system/ }).click();
    const light = await ground();
    expect(light).not.toBe(dark);
    await page.reload();
    await composer(page).waitFor();
    expect(await ground()).toBe(light);
    await page.getByRole('button', { name: /^Theme: light/ }).click();
    expect(await ground()).toBe(dark);
  });
});
