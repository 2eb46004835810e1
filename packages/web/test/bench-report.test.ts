import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { baselineEditor, loadBenchmark, randomEdit, runBenchmark, writeReport } from '@triptych/aurora';
import { splits, writeDataset } from '@triptych/world';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser, NARROW, openPage, scrollsSideways, seriousViolations, WIDE } from './browser.js';

let browser: Browser;
let root: string;
let report: string;
beforeAll(async () => {
  browser = await launchBrowser();
  root = await mkdtemp(join(tmpdir(), 'triptych-report-'));
  const folder = join(root, 'data');
  const [first] = splits.test;
  for (const [i, kind] of (['recolour', 'remove'] as const).entries()) {
    const seeds = [first + 1000 * i, first + 1000 * (i + 1)] as const;
    await writeDataset({ folder, name: `task-${kind}`, kinds: [kind], rows: 2, seeds, split: 'test' });
  }
  const editor = baselineEditor('a model with a rather long name & <odd> characters', randomEdit);
  const run = await runBenchmark(editor, await loadBenchmark(folder), { out: join(root, 'out'), seeds: 2 });
  report = pathToFileURL((await writeReport(run)).html).href;
}, 300_000);
afterAll(async () => {
  await browser?.close();
  await rm(root, { recursive: true, force: true });
});

describe('the benchmark report', () => {
  for (const viewport of [WIDE, NARROW])
    for (const colorScheme of ['light', 'dark'] as const)
      it(`can be read by everybody, ${colorScheme}, ${viewport.width} pixels wide, without a network`, async () => {
        const { page, problems } = await openPage(browser, 'about:blank', {
          viewport,
          colorScheme,
          offline: true,
        });
        const asked: string[] = [];
        page.on('request', (request) => asked.push(request.url()));
        await page.goto(report);
        await page
          .getByRole('heading', { level: 1, name: 'a model with a rather long name & <odd>' })
          .waitFor();
        expect(await page.getByRole('heading', { name: 'Object-level success, %' }).isVisible()).toBe(true);
        for (const summary of await page.locator('summary').all())
          if (!(await summary.evaluate((element) => (element.parentElement as HTMLDetailsElement).open)))
            await summary.click();
        expect(await page.getByRole('img').count()).toBe(12);
        expect(await scrollsSideways(page)).toBe(false);
        expect(await seriousViolations(page)).toEqual([]);
        expect(asked.filter((url) => !url.startsWith('data:') && !url.startsWith('file:'))).toEqual([]);
        expect(problems).toEqual([]);
      });
});
