import { readFile } from 'node:fs/promises';
import { decodeImage } from '@triptych/media';
import { until } from '@triptych/server/testing';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { NARROW, scrollsSideways } from './browser.js';
import { ScriptedImages, type ScriptedImagesOptions } from './scripted-images.js';
import { expectAccessible, failedRequest, type Start, setStage } from './stage.js';

const { start } = setStage();

/** The image page in front of a server with scripted images. */
async function open(options: ScriptedImagesOptions = {}, rest: Start = {}) {
  const images = new ScriptedImages({ stepDelayMs: 4, side: 96, ...options });
  return { ...(await start({ path: '#/edit', images, ...rest })), images };
}

const instruction = (page: Page) => page.getByRole('textbox', { name: 'Instruction' });
const history = (page: Page) => page.getByRole('tree', { name: 'History' });
const items = (page: Page) => history(page).getByRole('treeitem');
const editButton = (page: Page) => page.getByRole('button', { name: 'Edit', exact: true });
const suggestion = (page: Page) =>
  page.getByRole('list', { name: 'Suggestions' }).getByRole('button').first();
const focusedName = (page: Page) =>
  page.evaluate(
    () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent,
  );

async function openScene(page: Page): Promise<void> {
  await page
    .getByRole('region', { name: 'Scenes' })
    .getByRole('button', { name: /^Scene \d/ })
    .first()
    .click();
  await suggestion(page).waitFor();
}

/** Opens a scene and follows its first suggestion. */
async function editScene(page: Page): Promise<string> {
  await openScene(page);
  await suggestion(page).click();
  const text = await instruction(page).inputValue();
  await editButton(page).click();
  await page.getByRole('button', { name: 'Try again' }).waitFor();
  await page.getByText('of pixels changed').waitFor();
  return text;
}

/** Waits until the browser's database holds so many pictures: what is shown is kept a moment later. */
function kept(page: Page, pictures: number): Promise<void> {
  const count = () =>
    page.evaluate(
      () =>
        new Promise<number>((resolve, reject) => {
          const opening = indexedDB.open('triptych-edit');
          opening.onerror = () => reject(opening.error);
          opening.onsuccess = () => {
            const database = opening.result;
            const counting = database.transaction('nodes').objectStore('nodes').count();
            counting.onerror = () => reject(counting.error);
            counting.onsuccess = () => {
              database.close();
              resolve(counting.result);
            };
          };
        }),
    );
  return until(async () => (await count()) === pictures);
}

/** Gives a file to the page as a drop or a paste would. */
function give(
  page: Page,
  kind: 'drop' | 'paste',
  bytes: Uint8Array,
  name: string,
  type: string,
): Promise<void> {
  return page.evaluate(
    ({ kind, data, name, type }) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(data)], name, { type }));
      dispatchEvent(
        kind === 'drop'
          ? new DragEvent('drop', { dataTransfer: transfer, cancelable: true })
          : new ClipboardEvent('paste', { clipboardData: transfer, cancelable: true }),
      );
    },
    { kind, data: [...bytes], name, type },
  );
}

describe('a server without an image model', () => {
  it('says so kindly, and how to add one', async () => {
    const { page, problems } = await start({ path: '#/edit' });
    await page.getByRole('heading', { name: 'This server edits no pictures yet.' }).waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Look again' }).click();
    await page.getByRole('heading', { name: 'This server edits no pictures yet.' }).waitFor();
    await page.getByRole('link', { name: 'Chat' }).click();
    await page.getByRole('heading', { name: 'Ask something.' }).waitFor();
    expect(problems).toEqual([]);
  });
});

describe('editing', () => {
  it('makes a scene and edits it with previews', async () => {
    const { page, problems, images } = await open({ stepDelayMs: 25 });
    await page.getByRole('heading', { name: 'Change a picture in words.' }).waitFor();
    await page.getByText('Or take a scene').waitFor();
    await expectAccessible(page);
    await openScene(page);
    await suggestion(page).click();
    const text = await instruction(page).inputValue();
    await page.keyboard.press('Enter');
    await page.getByText(/Step \d+ of 12/).waitFor();
    await page.getByAltText('After: as far as the edit is').waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Try again' }).waitFor();
    await page.getByText('of pixels changed').waitFor();
    await expectAccessible(page);
    expect(images.seen[0]?.request).toMatchObject({ instruction: text, previews: 3, steps: 12, n: 1 });
    expect(problems).toEqual([]);
  });

  it('compares before and after, by keyboard and mouse', async () => {
    const { page, problems } = await open();
    const text = await editScene(page);
    const slider = page.getByRole('slider', { name: 'Before and after' });
    expect(await slider.getAttribute('aria-valuenow')).toBe('50');
    await slider.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Shift+ArrowRight');
    expect(await slider.getAttribute('aria-valuenow')).toBe('62');
    await page.keyboard.press('Home');
    expect(await slider.getAttribute('aria-valuenow')).toBe('0');
    const box = (await page.locator('.compare').boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.5, box.y + 20);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.75, box.y + 20);
    await page.mouse.up();
    expect(Number(await slider.getAttribute('aria-valuenow'))).toBeCloseTo(75, -0.5);
    await page.getByRole('radio', { name: 'Side by side' }).check();
    await page.getByAltText(`After: ${text}`).waitFor();
    await page.getByRole('radio', { name: 'Difference' }).check();
    await page.getByRole('img', { name: /^Where the picture changed: \d/ }).waitFor();
    await expectAccessible(page);
    expect(problems).toEqual([]);
  });

  it('cancels at once, in the server too', async () => {
    const { page, problems, images } = await open({ stepDelayMs: 200 });
    await openScene(page);
    await suggestion(page).click();
    await editButton(page).click();
    await page.getByText(/Step \d+ of 12/).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await editButton(page).waitFor();
    await until(() => images.running === 0);
    expect(images.seen[0]?.aborted).toBe(true);
    await page.keyboard.press('Enter');
    await page.getByText(/Step \d+ of 12/).waitFor();
    await page.keyboard.press('Escape');
    await until(() => images.running === 0);
    expect(await items(page).count()).toBe(1);
    expect(problems).toEqual([]);
  });

  it('branches, undoes, removes, and remembers it all', async () => {
    const { page, problems, images } = await open();
    const first = await editScene(page);
    await suggestion(page).click();
    await editButton(page).click();
    await until(async () => (await items(page).count()) === 3);
    await until(() => images.running === 0);
    await page.getByRole('button', { name: 'Undo' }).click();
    expect(await page.locator('.stage h2').textContent()).toBe(first);
    await page.getByRole('button', { name: 'Try again' }).click();
    await until(async () => (await items(page).count()) === 4);
    const levels = () =>
      items(page).evaluateAll((all) => all.map((item) => Number(item.getAttribute('aria-level'))));
    expect(await levels()).toEqual([1, 2, 3, 2]);
    await kept(page, 4);
    await page.reload();
    await until(async () => (await items(page).count()) === 4);
    expect(await levels()).toEqual([1, 2, 3, 2]);
    await until(() =>
      history(page).evaluate((tree) =>
        [...tree.querySelectorAll('img')].every((image) => image.complete && image.naturalWidth > 0),
      ),
    );
    await items(page).nth(3).focus();
    await page.keyboard.press('Home');
    expect(await items(page).nth(0).getAttribute('aria-selected')).toBe('true');
    await items(page).nth(0).focus();
    await page.keyboard.press('ArrowRight');
    expect(await items(page).nth(1).getAttribute('aria-selected')).toBe('true');
    await items(page).nth(1).focus();
    await page.keyboard.press('Delete');
    await until(async () => (await items(page).count()) === 2);
    await kept(page, 2);
    await page.reload();
    await until(async () => (await items(page).count()) === 2);
    expect(problems).toEqual([]);
  });

  it('takes files by dialog, drop and paste; one made here brings its settings', async () => {
    const { page, problems } = await open();
    await page.getByLabel('Seed').first().fill('4711');
    const text = await editScene(page);
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download' }).click();
    const file = await download;
    expect(file.suggestedFilename()).toMatch(/-4711\.png$/);
    const bytes = await readFile(await file.path());
    await page.getByRole('button', { name: 'New picture' }).click();
    await page.getByLabel('Seed').first().fill('5');
    await page.getByRole('heading', { name: 'Change a picture in words.' }).waitFor();
    await give(page, 'drop', bytes, 'mine.png', 'image/png');
    await page.getByText('This picture was made here:').waitFor();
    await expectAccessible(page);
    await instruction(page).fill('');
    await page.getByRole('button', { name: 'Use its settings' }).click();
    expect(await instruction(page).inputValue()).toBe(text);
    expect(await page.getByLabel('Seed').first().inputValue()).toBe('4711');
    await give(page, 'paste', bytes, 'pasted.png', 'image/png');
    await items(page).filter({ hasText: 'pasted.png' }).waitFor();
    await page.getByRole('button', { name: 'New picture' }).click();
    await page
      .locator('input[type="file"]')
      .setInputFiles({ name: 'chosen.png', mimeType: 'image/png', buffer: bytes });
    await items(page).filter({ hasText: 'chosen.png' }).waitFor();
    const count = await items(page).count();
    await give(page, 'drop', new TextEncoder().encode('no picture'), 'notes.txt', 'text/plain');
    await page.getByText('The picture could not be opened').waitFor();
    await expectAccessible(page);
    expect(await items(page).count()).toBe(count);
    expect(problems).toEqual([]);
  });

  it("shows the server's own error, half-way too, and recovers", async () => {
    const { page, problems, server } = await open({ failWord: 'fail' });
    await openScene(page);
    await instruction(page).fill('please fail');
    await editButton(page).click();
    await page.locator('.error-message', { hasText: 'The image model ran out of memory.' }).waitFor();
    await expectAccessible(page);
    await instruction(page).fill('remove nothing');
    await page.getByRole('button', { name: 'Try again' }).click();
    await until(async () => (await items(page).count()) === 2);
    await instruction(page).fill('x'.repeat(2003));
    await page.getByText('3 characters too long').waitFor();
    expect(await editButton(page).isDisabled()).toBe(true);
    await instruction(page).fill('once more');
    await server.close({ deadlineMs: 0 });
    await editButton(page).click();
    await page.locator('.error-message', { hasText: 'The server does not answer.' }).waitFor();
    expect(problems.filter((problem) => !/^Failed to load resource/.test(problem))).toEqual([]);
  });

  it('asks for the API key where one is needed, and uses it', async () => {
    const { page, problems } = await open({}, { apiKeys: ['open-sesame-123'] });
    await page.getByText('This server asks for an API key').waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Enter the API key' }).click();
    await page.getByLabel('API key', { exact: true }).fill('open-sesame-123');
    await page.keyboard.press('Enter');
    await editScene(page);
    expect(problems.filter((problem) => !failedRequest.test(problem))).toEqual([]);
  });
});

describe('sheets', () => {
  it('tries a grid of both knobs, cancels, goes on, and takes one over', async () => {
    const { page, problems, images } = await open({ stepDelayMs: 15 });
    await editScene(page);
    await page.getByRole('button', { name: 'Guidance grid' }).click();
    const dialog = page.getByRole('dialog', { name: 'Guidance grid' });
    await dialog.getByLabel('Follow the instruction').fill('1, 3');
    await dialog.getByLabel('Keep the picture').fill('1, oops');
    expect(await dialog.getByRole('button', { name: /^Make/ }).isDisabled()).toBe(true);
    await dialog.getByLabel('Keep the picture').fill('1 1.5');
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Make 4 pictures' }).click();
    const sheet = page.getByRole('region', { name: 'Guidance grid' });
    await sheet.getByRole('button', { name: 'Follow 1, keep 1: go on with it' }).waitFor();
    await expectAccessible(page);
    await page.keyboard.press('Escape');
    await until(() => images.running === 0);
    await sheet.getByRole('button', { name: 'Go on', exact: true }).click();
    const chosen = sheet.getByRole('button', { name: 'Follow 3, keep 1.5: go on with it' });
    await chosen.waitFor();
    await expectAccessible(page);
    const source = images.seen[0]!.request.image;
    // The grid of an instruction just followed starts from the picture before, like the edit itself.
    expect(images.seen.slice(1).every(({ request }) => Buffer.compare(request.image, source) === 0)).toBe(
      true,
    );
    expect(images.seen.at(-1)?.request).toMatchObject({ textGuidance: 3, imageGuidance: 1.5 });
    await chosen.click();
    await until(async () => (await items(page).count()) === 3);
    expect(await page.getByLabel('Follow the instruction', { exact: true }).inputValue()).toBe('3');
    await page.getByRole('button', { name: 'Sheet: 4 of 4' }).click();
    await chosen.waitFor();
    await page.getByRole('button', { name: 'Close', exact: true }).click();
    expect(problems).toEqual([]);
  });

  it('lays seeds side by side', async () => {
    const { page, problems, images } = await open();
    await openScene(page);
    await suggestion(page).click();
    await page.getByRole('button', { name: 'Seeds', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'Seeds side by side' });
    await dialog.getByLabel('How many', { exact: true }).fill('3');
    await dialog.getByLabel('First seed').fill('70');
    await expectAccessible(page);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Seed 72: go on with it' }).click();
    expect(images.seen.map(({ request }) => request.seed)).toEqual([70, 71, 72]);
    expect(await page.getByLabel('Seed').first().inputValue()).toBe('72');
    expect(problems).toEqual([]);
  });
});

describe('the mask', () => {
  it('is painted with the mouse and the keyboard and keeps what lies outside', async () => {
    const { page, problems, images } = await open();
    await openScene(page);
    await page.getByRole('button', { name: 'Mask', exact: true }).click();
    const mask = page.getByRole('application', { name: 'Mask over the picture' });
    await mask.waitFor();
    await expectAccessible(page);
    const box = (await mask.boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.25, box.y + box.height * 0.5);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.75, box.y + box.height * 0.5, { steps: 6 });
    await page.mouse.up();
    const coverage = async () =>
      Number(
        /([\d.]+).% of the picture/.exec(
          (await page.locator('.mask-tools .help').textContent()) ?? '',
        )?.[1] ?? 0,
      );
    const painted = await coverage();
    expect(painted).toBeGreaterThan(5);
    await mask.focus();
    for (let press = 0; press < 6; press++) await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Space');
    const more = await coverage();
    expect(more).toBeGreaterThan(painted);
    await page.keyboard.press('x');
    await page.keyboard.press('Space');
    expect(await coverage()).toBeCloseTo(painted, 1);
    await page.getByRole('button', { name: 'Invert' }).click();
    expect(await coverage()).toBeCloseTo(100 - painted, 0);
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.getByText('Nothing painted').waitFor();
    await page.getByRole('button', { name: 'Select all' }).click();
    expect(await coverage()).toBe(100);
    await page.getByRole('radio', { name: 'Erase' }).check();
    await page.mouse.move(box.x + box.width * 0.5, box.y + box.height * 0.9);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.1, box.y + box.height * 0.9, { steps: 6 });
    await page.mouse.up();
    const kept = 100 - (await coverage());
    await page.getByRole('slider', { name: 'Soft edge' }).fill('3');
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Done' }).click();
    await suggestion(page).click();
    await editButton(page).click();
    await page.getByText('masked', { exact: true }).waitFor();
    const { request } = images.seen[0]!;
    expect(request.feather).toBe(3);
    const sent = await decodeImage(request.mask!, { channels: 'rgba' });
    const source = await decodeImage(request.image);
    expect([sent.width, sent.height]).toEqual([source.width, source.height]);
    const opaque = sent.data.filter((value, index) => index % 4 === 3 && value === 255).length;
    const clear = sent.data.filter((value, index) => index % 4 === 3 && value === 0).length;
    expect(opaque + clear).toBe(sent.width * sent.height);
    expect((100 * opaque) / (opaque + clear)).toBeCloseTo(kept, 1);
    expect(problems).toEqual([]);
  });
});

async function openNarrow() {
  const opened = await open({}, { page: { viewport: NARROW, hasTouch: true, isMobile: true } });
  const fits = async () => {
    expect(await scrollsSideways(opened.page)).toBe(false);
    await expectAccessible(opened.page);
  };
  return { ...opened, fits };
}

describe('keyboard and layout', () => {
  it('works from the keyboard alone', async () => {
    const { page, problems, images } = await open();
    await page.getByText('Or take a scene').waitFor();
    const tabTo = async (name: RegExp) => {
      for (let presses = 0; presses < 80; presses++) {
        if (name.test(((await focusedName(page)) ?? '').trim())) return;
        await page.keyboard.press('Tab');
      }
      throw new Error(`no way to ${name} by Tab; the focus is on ${await focusedName(page)}`);
    };
    await page
      .getByRole('region', { name: 'Scenes' })
      .getByRole('button', { name: /^Scene \d/ })
      .first()
      .waitFor();
    await tabTo(/^Other scenes$/);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await suggestion(page).waitFor();
    expect(await focusedName(page)).toBe('Instruction');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    expect(await focusedName(page)).toBe('Instruction');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Try again' }).waitFor();
    expect(await focusedName(page)).toBe('Instruction');
    await tabTo(/^Mask$/);
    await page.keyboard.press('Enter');
    await tabTo(/^Mask over the picture$/);
    await page.keyboard.press('Shift+ArrowRight');
    await page.keyboard.press('Shift+ArrowRight');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: /^Mask: / }).waitFor();
    await tabTo(/^Before and after$/);
    await page.keyboard.press('End');
    await tabTo(/^Undo$/);
    await page.keyboard.press('Enter');
    expect(await focusedName(page)).toBe('Instruction');
    await tabTo(/^Scene \d+$/);
    await page.keyboard.press('ArrowDown');
    await page.getByRole('button', { name: 'Try again' }).waitFor();
    expect(await focusedName(page)).toMatch(/^Edit: /);
    await tabTo(/^Close settings$/);
    await page.keyboard.press('Enter');
    expect(await focusedName(page)).toBe('Settings');
    expect(images.seen).toHaveLength(1);
    expect(problems).toEqual([]);
  });

  it('keeps its settings: knobs in plain words, advice, seed, format', async () => {
    const { page, problems, images } = await open();
    await openScene(page);
    await page.getByRole('button', { name: 'Changed too little' }).click();
    await page.getByLabel('Steps', { exact: true }).fill('6');
    await page.getByLabel('Sampler').selectOption('euler');
    await page.getByRole('button', { name: 'Seed +1' }).click();
    expect(await page.getByRole('button', { name: 'Lock the seed' }).getAttribute('aria-pressed')).toBe(
      'true',
    );
    const seed = Number(await page.getByLabel('Seed').first().inputValue());
    await page.getByLabel('What it should not be').fill('blurry');
    await page.getByRole('radio', { name: 'WebP' }).check();
    await suggestion(page).click();
    await editButton(page).click();
    await page.getByRole('button', { name: 'Try again' }).waitFor();
    expect(images.seen[0]?.request).toMatchObject({
      textGuidance: 2.5,
      imageGuidance: 1.1,
      steps: 6,
      sampler: 'euler',
      negative: 'blurry',
      format: 'webp',
      seed,
    });
    expect(await page.getByRole('link', { name: 'Download' }).getAttribute('download')).toMatch(/\.webp$/);
    await page.reload();
    expect(await page.getByLabel('Steps', { exact: true }).inputValue()).toBe('6');
    expect(Number(await page.getByLabel('Seed').first().inputValue())).toBe(seed);
    await page.getByRole('button', { name: 'Back to the defaults' }).click();
    expect(await page.getByLabel('Follow the instruction', { exact: true }).inputValue()).toBe('2');
    await expectAccessible(page);
    expect(problems).toEqual([]);
  });

  it('fits a small screen, with touch', async () => {
    const { page, problems, fits } = await openNarrow();
    await page.getByText('Or take a scene').waitFor();
    await fits();
    await editScene(page);
    await fits();
    for (const view of ['Side by side', 'Difference', 'Slider']) {
      await page.getByRole('radio', { name: view }).check();
      await fits();
    }
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByRole('dialog', { name: 'Settings' }).waitFor();
    await fits();
    expect(problems).toEqual([]);
  });

  it('fits a small screen while painting and comparing many', async () => {
    const { page, problems, fits } = await openNarrow();
    await editScene(page);
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('button', { name: 'Mask', exact: true }).click();
    const box = (await page.getByRole('application').boundingBox())!;
    await page.touchscreen.tap(box.x + box.width / 2, box.y + box.height / 2);
    await page.getByText(/% of the picture may change/).waitFor();
    await fits();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('button', { name: 'Guidance grid' }).click();
    await fits();
    await page.getByRole('button', { name: /^Make/ }).click();
    await page.getByRole('button', { name: 'Follow 2, keep 1: go on with it' }).waitFor();
    await fits();
    expect(problems).toEqual([]);
  });
});
