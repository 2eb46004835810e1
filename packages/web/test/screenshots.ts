/**
 * @module
 * Takes the pictures in docs/screenshots: npm run screenshots -w @triptych/web. They are looked at by people, not
 * compared by machines.
 */

import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TextEngine, type TextEngineLike } from '@triptych/llm';
import { type RunningServer, serve } from '@triptych/server';
import { until } from '@triptych/server/testing';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser, NARROW, openPage, WIDE } from './browser.js';
import { buildPage } from './build-page.js';
import { optimisePng } from './optimise-png.js';
import { REPLIES } from './replies.js';
import { ScriptedEngine, type ScriptedOptions } from './scripted-engine.js';
import { ScriptedImages } from './scripted-images.js';
import { unpackFonts } from './unpack-fonts.js';

const folder = fileURLToPath(new URL('../../../docs/screenshots/', import.meta.url));
const MODELS = fileURLToPath(new URL('../../../models/text/', import.meta.url));
/** Larger files would make the repository heavy. */
const MOST_BYTES = 200_000;

const SIZES = [
  ['1280', WIDE],
  ['390', NARROW],
] as const;

let browser: Browser;
let work: string;
const servers: RunningServer[] = [];

function open(path: string, script: Partial<ScriptedOptions>, context: BrowserContextOptions): Promise<Page> {
  const engine = new ScriptedEngine({ replies: REPLIES, tokenDelayMs: 26, traffic: 10, ...script });
  return openWith(engine, path, context);
}

async function openWith(engine: TextEngineLike, path: string, context: BrowserContextOptions): Promise<Page> {
  const server = await serve({
    engines: [engine],
    images: new ScriptedImages(),
    port: 0,
    webRoot: join(work, 'web'),
  });
  servers.push(server);
  return (await openPage(browser, `${server.url}/${path}`, context)).page;
}

async function shoot(page: Page, name: string): Promise<void> {
  await page.mouse.move(0, 0);
  const png = optimisePng(await page.screenshot());
  expect(png.length, name).toBeLessThan(MOST_BYTES);
  await writeFile(join(folder, `${name}.png`), png);
}

async function ask(page: Page, text: string): Promise<void> {
  const box = page.getByRole('textbox', { name: 'Message' });
  await box.fill(text);
  await box.press('Enter');
}

const answered = (page: Page, count: number) =>
  until(async () => (await page.locator('[data-status="done"]').count()) === count);

const QUESTION = 'How can a KV cache be contiguous and still grow on demand?';

describe('screenshots', () => {
  beforeAll(async () => {
    work = await mkdtemp(join(tmpdir(), 'triptych-shots-'));
    await buildPage(join(work, 'web'));
    browser = await launchBrowser(await unpackFonts(join(work, 'fonts')));
  });

  afterAll(async () => {
    await browser?.close();
    await rm(work, { recursive: true, force: true });
  });

  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    await Promise.all(servers.splice(0).map((server) => server.close({ deadlineMs: 0 })));
  });

  for (const [size, viewport] of SIZES) {
    const context = size === '390' ? { viewport, hasTouch: true, isMobile: true } : { viewport };
    it(`chat at ${size}`, async () => {
      const page = await open('', {}, context);
      await page.getByRole('heading', { name: 'Ask something.' }).waitFor();
      await shoot(page, `empty-${size}`);
      await ask(page, QUESTION);
      await page.getByText('block table').waitFor();
      await shoot(page, `streaming-${size}`);
      await answered(page, 1);
      await ask(page, 'Are all the slots taken?');
      await page.getByText('No answer').waitFor();
      await shoot(page, `error-${size}`);
    });

    it(`a long conversation at ${size}`, async () => {
      const page = await open('', { tokenDelayMs: 8 }, { ...context, colorScheme: 'dark' });
      const questions = [
        'Three names for a small bookshop by the sea.',
        'What should I check before I buy a used bicycle?',
        'And a function that will reverse the words of a sentence?',
      ];
      for (const [index, question] of questions.entries()) {
        await ask(page, question);
        await answered(page, index + 1);
      }
      await page.getByRole('region', { name: 'Conversation' }).evaluate((box) => box.scrollBy(0, -260));
      await page.getByRole('button', { name: 'Jump to latest' }).waitFor();
      await shoot(page, `long-conversation-${size}`);
    });

    it(`continuation at ${size}`, async () => {
      const page = await open('', { hasChatTemplate: false }, context);
      const text = page.getByRole('textbox', { name: 'Text to continue' });
      await text.fill('There was once a clockmaker who');
      await text.press('Control+Enter');
      await until(async () => (await text.inputValue()).includes('it was the tower'));
      await shoot(page, `continuation-${size}`);
    });
  }

  it('memory', async () => {
    const page = await open('#/memory', {}, { viewport: WIDE });
    await page.getByText('would hold, for 10 slots').waitFor();
    // Time for conversations to come and go, so that the chart has something to tell.
    await new Promise((resolve) => setTimeout(resolve, 100_000));
    for (const [size, viewport] of SIZES) {
      await page.setViewportSize(viewport);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await page.waitForTimeout(400);
        await shoot(page, `memory${colorScheme === 'dark' ? '-dark' : ''}-${size}`);
      }
    }
  });

  it('the picture of the README, with the embedded model', async () => {
    const [file] = (await readdir(MODELS)).filter((name) => name.endsWith('.gguf'));
    const engine = await TextEngine.load(join(MODELS, file!));
    const page = await openWith(engine, '', { viewport: { width: 1280, height: 760 }, deviceScaleFactor: 2 });
    await page.getByLabel('Seed').fill('7');
    await page.getByLabel('Max tokens').fill('140');
    await page.getByLabel('Temperature', { exact: true }).fill('0.7');
    const text = page.getByRole('textbox', { name: 'Text to continue' });
    await text.fill('It was late in the autumn when the letter came, and');
    await text.press('Control+Enter');
    await page.getByText('140 tokens', { exact: true }).waitFor();
    await shoot(page, 'playground');
  });
});
