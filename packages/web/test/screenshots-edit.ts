/**
 * @module
 * Takes the image panel's pictures in docs/screenshots: npm run screenshots -w @triptych/web. The scenes are true;
 * what an instruction does is looked up (see scripted-images.ts), as the other pictures' replies are; only
 * edit-embedded shows what the embedded model does.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Aurora } from '@triptych/aurora';
import { type ImageSource, type RunningServer, serve } from '@triptych/server';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AuroraImageSource } from '../../cli/src/image/source.js';
import { embeddedEditModelFolder, resolveEditModel } from '../../cli/src/places.js';
import { launchBrowser, NARROW, openPage, WIDE } from './browser.js';
import { buildPage } from './build-page.js';
import { ScriptedEngine } from './scripted-engine.js';
import { ScriptedImages } from './scripted-images.js';
import { unpackFonts } from './unpack-fonts.js';

const folder = fileURLToPath(new URL('../../../docs/screenshots/', import.meta.url));
const MOST_BYTES = 200_000;
const SIZES = [
  ['1280', WIDE],
  ['390', NARROW],
] as const;
/** A scene with room between its things. */
const SCENE = 179;

let browser: Browser;
let work: string;
const servers: RunningServer[] = [];

/** @param stepDelayMs 0: a server without images */
function open(context: BrowserContextOptions, stepDelayMs = 90): Promise<Page> {
  const images = stepDelayMs === 0 ? undefined : new ScriptedImages({ stepDelayMs, failWord: 'melt' });
  return openWith(images, context);
}

async function openWith(images: ImageSource | undefined, context: BrowserContextOptions): Promise<Page> {
  const server = await serve({
    engines: [new ScriptedEngine({ replies: [], tokenDelayMs: 20 })],
    port: 0,
    webRoot: join(work, 'web'),
    ...(images && { images }),
  });
  servers.push(server);
  return (await openPage(browser, `${server.url}/#/edit`, context)).page;
}

async function shoot(page: Page, name: string): Promise<void> {
  await page.mouse.move(0, 0);
  // Photographs and smooth shading need dithering, which the other pictures' packer does not do.
  const png = await sharp(await page.screenshot())
    .png({ palette: true, colours: 256, dither: 0.7, effort: 10 })
    .toBuffer();
  expect(png.length, name).toBeLessThan(MOST_BYTES);
  await writeFile(join(folder, `${name}.png`), png);
}

const instruction = (page: Page) => page.getByRole('textbox', { name: 'Instruction' });
const suggestions = (page: Page) => page.getByRole('list', { name: 'Suggestions' }).getByRole('button');

async function openScene(page: Page): Promise<void> {
  await page.getByLabel('Scene number').fill(String(SCENE));
  await page.getByRole('button', { name: `Scene ${SCENE} ` }).click();
  await suggestions(page).first().waitFor();
}

async function follow(page: Page, nth: number): Promise<void> {
  await suggestions(page).nth(nth).click();
  await page.keyboard.press('Enter');
  await page.locator('.run-bar').waitFor();
  await page.locator('.run-bar').waitFor({ state: 'detached' });
  await page.getByText('of pixels changed').waitFor();
}

describe('screenshots of the image panel', () => {
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
    it(`an edit at ${size}`, async () => {
      // Slow enough that the picture is taken while it runs.
      const page = await open(context, 500);
      await page.getByLabel('Scene number').fill(String(SCENE));
      await page.getByRole('button', { name: `Scene ${SCENE} ` }).waitFor();
      await page.getByLabel('Scene number').blur();
      await shoot(page, `edit-empty-${size}`);
      await openScene(page);
      await suggestions(page).first().click();
      await page.keyboard.press('Enter');
      await page.getByText(/Step [789] of/).waitFor();
      await shoot(page, `edit-running-${size}`);
      await page.getByText('of pixels changed').waitFor();
      await follow(page, 1);
      await page.getByRole('button', { name: 'Undo' }).click();
      await follow(page, 2);
      await shoot(page, `edit-result-${size}`);
      await page.emulateMedia({ colorScheme: 'dark' });
      await page.getByRole('radio', { name: 'Difference' }).check();
      await page.getByRole('img', { name: /^Where the picture changed: \d/ }).waitFor();
      await shoot(page, `edit-difference-dark-${size}`);
    });

    it(`sheets at ${size}`, async () => {
      const page = await open(context);
      await openScene(page);
      await suggestions(page).first().click();
      await page.getByRole('button', { name: 'Guidance grid' }).click();
      await page.getByRole('button', { name: /^Make/ }).click();
      await page.getByRole('button', { name: /^Follow 2, keep 1.2: go on/ }).waitFor({ timeout: 120_000 });
      await page.locator('.cell[data-status="running"] img').waitFor();
      await shoot(page, `edit-grid-${size}`);
    });

    it(`a mask at ${size}`, async () => {
      const page = await open(context);
      await openScene(page);
      await page.getByRole('button', { name: 'Mask', exact: true }).click();
      const box = (await page.getByRole('application').boundingBox())!;
      const at = (x: number, y: number) => [box.x + box.width * x, box.y + box.height * y] as const;
      await page.mouse.move(...at(0.3, 0.42));
      await page.mouse.down();
      for (const [x, y] of [
        [0.36, 0.62],
        [0.3, 0.66],
        [0.34, 0.46],
        [0.4, 0.56],
      ] as const) {
        await page.mouse.move(...at(x, y), { steps: 6 });
      }
      await page.mouse.up();
      await page.getByText(/of the picture may change/).waitFor();
      await shoot(page, `edit-mask-${size}`);
    });

    it(`an error at ${size}`, async () => {
      const page = await open(context);
      await openScene(page);
      await instruction(page).fill('melt the blue cube');
      await page.keyboard.press('Enter');
      await page.getByText('The edit failed').waitFor();
      await shoot(page, `edit-error-${size}`);
    });
  }

  it('the embedded model', async () => {
    const model = resolveEditModel(undefined, embeddedEditModelFolder());
    const page = await openWith(new AuroraImageSource(() => Aurora.open(model, { threads: 1 })), {
      viewport: WIDE,
    });
    await openScene(page);
    for (let nth = 0; nth < 3; nth++) {
      if (nth > 0) await page.getByRole('button', { name: 'Undo' }).click();
      await follow(page, nth);
    }
    await shoot(page, 'edit-embedded-1280');
  });

  it('no model', async () => {
    const page = await open({ viewport: WIDE }, 0);
    await page.getByRole('heading', { name: 'This server edits no pictures yet.' }).waitFor();
    for (const [size, viewport] of SIZES) {
      await page.setViewportSize(viewport);
      await shoot(page, `edit-no-model-${size}`);
    }
  });
});
