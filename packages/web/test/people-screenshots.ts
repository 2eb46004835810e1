/**
 * @module
 * Takes the pictures of the rating and review pages in docs/screenshots, with pictures of the toy world.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RatingStudy, Review } from '@triptych/aurora';
import { type RunningServer, serve } from '@triptych/server';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser, NARROW, openPage, WIDE } from './browser.js';
import { buildPage } from './build-page.js';
import { worldPairs, writePairs, writeStudy } from './people-folders.js';
import { unpackFonts } from './unpack-fonts.js';

const folder = fileURLToPath(new URL('../../../docs/screenshots/', import.meta.url));
/** Larger files would make the repository heavy. */
const MOST_BYTES = 300_000;

describe('screenshots of people at work', () => {
  let work: string;
  let browser: Browser;
  let study: RatingStudy;
  let review: Review;
  let server: RunningServer;

  beforeAll(async () => {
    work = await mkdtemp(join(tmpdir(), 'triptych-shots-'));
    await buildPage(join(work, 'web'));
    const pairs = await worldPairs(8, 192);
    const items = await writeStudy(join(work, 'results'), pairs);
    study = await RatingStudy.open({ items, database: join(work, 'study.sqlite') });
    await writePairs(join(work, 'candidates'), pairs);
    review = await Review.open(join(work, 'candidates'), { perCandidate: 2 });
    server = await serve({
      engines: [],
      people: { rating: study, review },
      port: 0,
      webRoot: join(work, 'web'),
    });
    browser = await launchBrowser(await unpackFonts(join(work, 'fonts')));
  }, 600_000);

  afterAll(async () => {
    await browser?.close();
    await server?.close({ deadlineMs: 0 });
    study?.[Symbol.dispose]();
    review?.[Symbol.dispose]();
    await rm(work, { recursive: true, force: true });
  });

  async function shoot(page: Page, name: string): Promise<void> {
    await page.mouse.move(0, 0);
    await page.evaluate(() => Promise.all([...document.images].map((image) => image.decode())));
    // With photographs or renderings a palette of 256 colours would show bands.
    const png = await page.screenshot();
    expect(png.length, name).toBeLessThan(MOST_BYTES);
    await writeFile(join(folder, `${name}.png`), png);
  }

  const ready = (page: Page) => page.locator('.scores:not(:disabled), .reasons:not(:disabled)').waitFor();

  for (const [size, viewport] of [
    ['1280', WIDE],
    ['390', NARROW],
  ] as const) {
    const context = size === '390' ? { viewport, hasTouch: true, isMobile: true } : { viewport };

    it(`rating at ${size}`, async () => {
      const { page } = await openPage(browser, `${server.url}/#/rate`, context);
      await page.getByLabel('Your name').fill(`Ada ${size}`);
      await shoot(page, `rate-welcome-${size}`);
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: 'Start rating' }).waitFor();
      await shoot(page, `rate-training-${size}`);
      await page.getByRole('button', { name: 'Start rating' }).click();
      for (let count = 0; count < 7; count++) {
        await ready(page);
        await page.keyboard.press('3');
        await page
          .locator('.work-progress')
          .getByText(`${count + 1} of 16`)
          .waitFor();
      }
      await ready(page);
      await shoot(page, `rate-${size}`);
    });

    it(`review at ${size}`, async () => {
      const { page } = await openPage(browser, `${server.url}/#/review`, context);
      await page.getByLabel('Your name').fill(`Ada ${size}`);
      await page.keyboard.press('Enter');
      for (const key of ['1', 'a', 'a']) {
        await ready(page);
        const clip = await page.getByText(/table-\d+/).textContent();
        await page.keyboard.press(key);
        await page.getByText(clip ?? '').waitFor({ state: 'detached' });
      }
      await ready(page);
      await shoot(page, `review-${size}`);
      await page.keyboard.press('d');
      await page.getByRole('img', { name: /differ, \d/ }).waitFor();
      await page.emulateMedia({ colorScheme: 'dark' });
      await shoot(page, `review-difference-dark-${size}`);
    });
  }
});
