import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RatingStudy, Review, readRatings } from '@triptych/aurora';
import { until } from '@triptych/server/testing';
import type { Page } from 'playwright-core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NARROW, scrollsSideways } from './browser.js';
import { worldPairs, writePairs, writeStudy } from './people-folders.js';
import { expectAccessible, failedRequest, setStage } from './stage.js';

// Many pages, each looked at by axe in both themes.
vi.setConfig({ testTimeout: 300_000 });

const { start, startWith } = setStage();

let folder: string;
const open: Disposable[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'triptych-people-'));
});
afterEach(() => {
  for (const one of open.splice(0)) one[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

const database = () => join(folder, 'study.sqlite');
async function study(count = 2): Promise<RatingStudy> {
  const items = await writeStudy(join(folder, 'results'), await worldPairs(count));
  const opened = await RatingStudy.open({ items, database: database() });
  open.push(opened);
  return opened;
}
async function review(count = 3, perCandidate = 1): Promise<Review> {
  await writePairs(folder, await worldPairs(count));
  const opened = await Review.open(folder, { perCandidate });
  open.push(opened);
  return opened;
}

const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { name }).waitFor();
/** Both pictures are there, so that keys count. */
const ready = (page: Page) => page.locator('.scores:not(:disabled), .reasons:not(:disabled)').waitFor();
const progress = (page: Page, text: string) => page.locator('.work-progress').getByText(text).waitFor();
/** Gives a name on the page that asks for it. */
async function beginAs(page: Page, name: string): Promise<void> {
  await page.getByLabel('Your name').waitFor();
  await page.keyboard.type(name);
  await page.keyboard.press('Enter');
}
const press = (page: Page, ...keys: string[]) =>
  keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());

describe('rating', () => {
  it('goes from the name to the thanks by keyboard alone', async () => {
    const { page, problems } = await startWith([], { people: { rating: await study() } });
    await heading(page, /How well did the edit/);
    expect(await page.getByRole('link', { name: 'Chat' }).count()).toBe(0);
    expect(await page.title()).toBe('Rate · Triptych');
    await beginAs(page, 'Ada');
    await page.getByRole('heading', { name: /^Examples/ }).waitFor();
    await expectAccessible(page);
    await press(page, 'Enter');
    for (const [index, key] of ['1', '2', '3'].entries()) {
      await progress(page, `${index} of 4`);
      await ready(page);
      if (index === 0) await expectAccessible(page);
      await press(page, key);
    }
    // Undo shows the last one again, with what was chosen; then another score and a comment.
    await progress(page, '3 of 4');
    await press(page, 'u');
    await progress(page, '2 of 4');
    await ready(page);
    expect(await page.getByRole('button', { name: /^100/ }).getAttribute('aria-pressed')).toBe('true');
    await press(page, 'c');
    await page.keyboard.type('odd u 123');
    await press(page, 'Escape', '2');
    await progress(page, '3 of 4');
    await ready(page);
    await press(page, '1');
    await heading(page, 'That was all. Thank you, Ada.');
    await expectAccessible(page);
    const { ratings } = readRatings(database());
    expect(ratings.map(({ score }) => score).sort()).toEqual([0, 0, 50, 50]);
    expect(ratings.map(({ comment }) => comment).filter(Boolean)).toEqual(['odd u 123']);
    expect(ratings.every(({ milliseconds }) => milliseconds !== undefined)).toBe(true);
    expect(problems).toEqual([]);
  });

  it('goes on after a reload; another person of the name is asked back; nothing tells the models', async () => {
    const rating = await study();
    const { page, problems, server } = await startWith([], { people: { rating }, path: '#rate' });
    const texts: string[] = [];
    page.on('response', (response) => {
      texts.push(response.url(), JSON.stringify(response.headers()));
      if (/\/api\/rate\/(?!trials|examples)/.test(response.url()))
        void response.text().then((text) => texts.push(text));
    });
    await beginAs(page, 'Ada');
    await page.getByRole('button', { name: 'Start rating' }).click();
    await ready(page);
    await page.getByRole('button', { name: /^50/ }).click();
    await progress(page, '1 of 4');
    await page.reload();
    await progress(page, '1 of 4');
    await ready(page);
    // "How to rate" and back.
    await page.getByRole('button', { name: 'How to rate' }).click();
    await page.getByRole('button', { name: 'Back to rating' }).click();
    await ready(page);
    expect(texts.join(' ')).not.toMatch(/model-|attribute|physics/);

    const other = await page.context().browser()!.newContext();
    const second = await other.newPage();
    await second.goto(server.url);
    await second.getByLabel('Your name').fill('ADA');
    await second.keyboard.press('Enter');
    await second.getByRole('alert').getByText('takes part already').waitFor();
    await expectAccessible(second);
    await second.getByRole('button', { name: 'Continue as ADA' }).click();
    await progress(second, '1 of 4');
    // The other window rates first; this one is told and shows what is next.
    await ready(second);
    await second.keyboard.press('1');
    await progress(second, '2 of 4');
    await press(page, '2');
    await page.getByText(/rated in another window/).waitFor();
    await page.getByRole('button', { name: 'Try again' }).click();
    await progress(page, '2 of 4');
    expect(problems.filter((problem) => !failedRequest.test(problem))).toEqual([]);
  });

  it('says when a picture is missing, and takes no score for it', async () => {
    const rating = await study();
    rmSync(join(folder, 'results'), { recursive: true });
    const { page } = await startWith([], { people: { rating } });
    await beginAs(page, 'Ada');
    await page.getByRole('button', { name: 'Start rating' }).click();
    await page
      .getByText(/cannot be shown/)
      .first()
      .waitFor();
    await press(page, '1');
    expect(await page.getByRole('button', { name: /^100/ }).isDisabled()).toBe(true);
    expect(readRatings(database()).ratings).toEqual([]);
    await expectAccessible(page);
  });

  it('begins anew when the study is another one', async () => {
    const { page } = await startWith([], { people: { rating: await study() } });
    // The first page must have looked already, or it would take the token for its own.
    await page.getByLabel('Your name').waitFor();
    await page.evaluate(() => localStorage.setItem('triptych.rater', 'of another study'));
    await page.reload();
    await page.getByText(/does not know you/).waitFor();
    await page.getByLabel('Your name').fill('Bo');
    await press(page, 'Enter');
    await page.getByRole('button', { name: 'Start rating' }).waitFor();
  });
});

describe('review', () => {
  it('accepts, rejects, undoes and ends by keyboard alone', async () => {
    const opened = await review();
    const { page, problems } = await startWith([], { people: { review: opened }, path: '#/review' });
    await heading(page, /Which pairs/);
    await beginAs(page, 'Ada');
    await progress(page, '0 of 3');
    await ready(page);
    await expectAccessible(page);
    // No instruction yet: accepting asks for one.
    await press(page, 'a');
    await page.getByText('An accepted pair needs an instruction.').waitFor();
    await expectAccessible(page);
    await page.keyboard.type('Move the ball.');
    await press(page, 'Enter');
    await progress(page, '1 of 3');
    await ready(page);
    for (const key of ['f', 'd', 's']) {
      await press(page, key);
      if (key === 'f') {
        const shows = () => page.locator('.flicker').getAttribute('data-shows');
        expect(await shows()).toBe('before');
        await press(page, ' ');
        expect(await shows()).toBe('after');
      }
      if (key === 'd') await page.getByRole('img', { name: /differ, \d/ }).waitFor();
      await expectAccessible(page);
    }
    await press(page, '1');
    await progress(page, '2 of 3');
    await ready(page);
    await press(page, 'u');
    await progress(page, '1 of 3');
    await ready(page);
    expect(await page.getByRole('button', { name: /camera moved/ }).getAttribute('aria-pressed')).toBe(
      'true',
    );
    await press(page, 'e');
    await page.keyboard.type('Say it better.');
    await press(page, 'Escape', 'a');
    await progress(page, '2 of 3');
    await ready(page);
    await press(page, '2');
    await heading(page, 'Nothing is left to review, Ada.');
    await expectAccessible(page);
    expect(opened.decisions()).toMatchObject([
      { candidate: 'p0', verdict: 'accept', instruction: 'Move the ball.' },
      { candidate: 'p1', verdict: 'accept', instruction: 'Say it better.' },
      { candidate: 'p2', verdict: 'reject', reason: 'too-much' },
    ]);
    expect(problems).toEqual([]);
  });

  it('puts pairs off, and goes on after a reload', async () => {
    const { page } = await startWith([], { people: { review: await review() } });
    await beginAs(page, 'Ada');
    await page.getByText('table-1.mp4').waitFor();
    await ready(page);
    await press(page, 'n');
    await page.getByText('table-2.mp4').waitFor();
    await ready(page);
    await press(page, '1');
    await page.getByText('table-3.mp4').waitFor();
    await page.reload();
    await progress(page, '1 of 3');
    await page.getByText('table-1.mp4').waitFor();
  });
});

it('stands beside the text pages when the server has both', async () => {
  const { page, problems } = await start({ people: { rating: await study(), review: await review() } });
  await page.getByRole('heading', { level: 1, name: 'Fake' }).waitFor();
  await page.getByRole('link', { name: 'Review' }).click();
  await heading(page, /Which pairs/);
  await page.getByRole('link', { name: 'Rate' }).click();
  await heading(page, /How well/);
  await page.getByRole('link', { name: 'Chat' }).click();
  await page.getByRole('heading', { level: 1, name: 'Fake' }).waitFor();
  expect(problems).toEqual([]);
});

it('fits a small screen', async () => {
  const people = { rating: await study(), review: await review() };
  const { page } = await startWith([], { people, page: { viewport: NARROW, hasTouch: true } });
  const fits = async () => expect(await scrollsSideways(page)).toBe(false);
  await page.getByLabel('Your name').fill('Ada');
  await fits();
  await press(page, 'Enter');
  await page.getByRole('button', { name: 'Start rating' }).waitFor();
  await fits();
  await page.getByRole('button', { name: 'Start rating' }).click();
  await ready(page);
  await fits();
  await expectAccessible(page);
  await page.getByRole('link', { name: 'Review' }).click();
  await page.getByLabel('Your name').fill('Ada');
  await press(page, 'Enter');
  await ready(page);
  await fits();
  await expectAccessible(page);
  await until(async () => (await page.locator('.picture img').count()) === 2);
});
