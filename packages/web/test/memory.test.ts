import type { RunningServer } from '@triptych/server';
import { until } from '@triptych/server/testing';
import { describe, expect, it } from 'vitest';
import { expectAccessible, setStage } from './stage.js';

const { start } = setStage();

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

  it('takes on another theme though nothing moves', async () => {
    const { page } = await start({ path: '#/memory', page: { colorScheme: 'light' } });
    await page.getByRole('heading', { level: 1, name: /of addresses reserved/ }).waitFor();
    const reserved = (selector: string) =>
      page.evaluate((query) => {
        const canvas = document.querySelector<HTMLCanvasElement>(query)!;
        return canvas.getContext('2d')!.getImageData(60, 12, 1, 1).data.slice(0, 3).join();
      }, selector);
    for (const selector of ['.slot-picture canvas', '.strip canvas']) {
      await page.emulateMedia({ colorScheme: 'light' });
      await until(async () => (await reserved(selector)) === '238,241,245');
      await page.emulateMedia({ colorScheme: 'dark' });
      await until(async () => (await reserved(selector)) === '29,33,42');
    }
    await page.getByRole('button', { name: /^Theme: system/ }).click();
    await until(async () => (await reserved('.slot-picture canvas')) === '238,241,245');
    await page.getByRole('button', { name: /^Theme: light/ }).click();
    await until(async () => (await reserved('.slot-picture canvas')) === '29,33,42');
  });
});
