/** One journey with nothing in place of anything: browser, page, server, engine, KV memory, embedded model. */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TextEngine } from '@triptych/llm';
import { until } from '@triptych/server/testing';
import { expect, it } from 'vitest';
import { setStage } from './stage.js';

const { startWith } = setStage();
const models = fileURLToPath(new URL('../../../models/text/', import.meta.url));

it('continues a text, the same again for the same seed, and gives the memory back', async () => {
  const file = (await readdir(models)).find((name) => name.endsWith('.gguf'));
  if (file === undefined) throw new Error(`no embedded model in ${models}`);
  const engine = await TextEngine.load(join(models, file));
  const { page, problems } = await startWith([engine]);
  const text = page.getByRole('textbox', { name: 'Text to continue' });
  await text.fill('It was a dark night, and');
  await page.getByLabel('Seed').fill('5');
  await page.getByLabel('Max tokens').fill('40');
  const written: string[] = [];
  for (let time = 0; time < 2; time++) {
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.locator('.figures', { hasText: /\d tokens?/ }).waitFor();
    await page.getByRole('button', { name: 'Continue' }).waitFor();
    written.push(await text.inputValue());
    await page.getByRole('button', { name: 'Undo' }).click();
    expect(await text.inputValue()).toBe('It was a dark night, and');
  }
  expect(written[0]).not.toBe('It was a dark night, and');
  expect(written[1]).toBe(written[0]);

  await page.getByRole('link', { name: 'Memory' }).click();
  await page.getByRole('heading', { name: /of addresses reserved/ }).waitFor();
  await page.getByText('would hold, for 0 slots').waitFor();
  const needed = page.locator('.total', { hasText: 'Needed' });
  await until(async () => (await needed.textContent())?.includes('0 tokens') ?? false);
  expect(problems).toEqual([]);
});
