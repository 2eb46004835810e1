/**
 * One journey over the real pipeline: page, server, image source, networks. The weights are random, so the result is
 * no good picture, but everything around it must hold.
 */

import { readFile, rm } from 'node:fs/promises';
import { Aurora, recallParameters } from '@triptych/aurora';
import { decodeImage } from '@triptych/media';
import { makeModelFolder } from '@triptych/nets/testing';
import { FakeEngine } from '@triptych/server/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AuroraImageSource } from '../../cli/src/image/source.js';
import { setStage } from './stage.js';

const { startWith } = setStage();
let folder: string;

beforeAll(async () => {
  folder = await makeModelFolder({ tokenizer: true });
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

it('edits a scene within a mask, keeps the rest exactly, and recalls how', async () => {
  const images = new AuroraImageSource(() => Aurora.open(folder, { threads: 1 }));
  const { page, problems } = await startWith([new FakeEngine()], { images, path: '#/edit' });
  await page
    .getByRole('region', { name: 'Scenes' })
    .getByRole('button', { name: /^Scene \d/ })
    .first()
    .click();
  await page.getByLabel('Steps', { exact: true }).fill('3');
  await page.getByLabel('Seed').first().fill('12');
  await page.getByRole('button', { name: 'Mask', exact: true }).click();
  await page.getByRole('application').press('Space');
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('list', { name: 'Suggestions' }).getByRole('button').first().click();
  const instruction = await page.getByRole('textbox', { name: 'Instruction' }).inputValue();

  const save = async () => {
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download' }).click();
    return readFile(await (await download).path());
  };
  const source = await decodeImage(await save());
  await page.keyboard.press('Tab');
  await page.getByRole('button', { name: 'Edit', exact: true }).click();
  await page.getByText('masked', { exact: true }).waitFor();
  const bytes = await save();
  const result = await decodeImage(bytes);
  expect([result.width, result.height]).toEqual([source.width, source.height]);
  const differs = (x: number, y: number) => {
    const at = (y * source.width + x) * 3;
    return [0, 1, 2].some((channel) => source.data[at + channel] !== result.data[at + channel]);
  };
  const middle = Math.floor(source.width / 2);
  expect(differs(middle, middle)).toBe(true);
  const reach = Math.ceil(source.width / 12) + 1;
  for (let y = 0; y < source.height; y++) {
    for (let x = 0; x < source.width; x++) {
      if (Math.hypot(x - middle, y - middle) > reach && differs(x, y))
        throw new Error(`changed at ${x}, ${y}`);
    }
  }
  expect(await recallParameters(bytes)).toMatchObject({ instruction, seed: 12, steps: 3 });

  await page.getByRole('button', { name: 'New picture' }).click();
  await page
    .locator('input[type="file"]')
    .setInputFiles({ name: 'mine.png', mimeType: 'image/png', buffer: bytes });
  await page.getByText('This picture was made here:').waitFor();
  await page.getByRole('button', { name: 'Use its settings' }).click();
  expect(await page.getByLabel('Seed').first().inputValue()).toBe('12');
  expect(problems).toEqual([]);
});
