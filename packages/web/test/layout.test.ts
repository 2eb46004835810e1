import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { NARROW, scrollsSideways } from './browser.js';
import { ScriptedImages } from './scripted-images.js';
import { ask, composer, expectAccessible, setStage } from './stage.js';

const { start } = setStage();

/** Every entry of the navigation is there as a whole, and large enough for a finger, on small phones too. */
async function expectNavigationFits(page: Page, names: readonly string[]): Promise<void> {
  const nav = page.getByRole('navigation', { name: 'Pages' });
  for (const width of [NARROW.width, 360]) {
    await page.setViewportSize({ ...NARROW, width });
    for (const name of names) {
      const link = nav.getByRole('link', { name, exact: true });
      const size = await link.evaluate(({ offsetWidth, offsetHeight }: HTMLElement) => [
        offsetWidth,
        offsetHeight,
      ]);
      expect(Math.min(...size), `${name} at ${width}`).toBeGreaterThanOrEqual(40);
    }
    const { inside, room } = await nav.evaluate((box) => ({
      inside: box.scrollWidth,
      room: box.clientWidth,
    }));
    expect(inside, `navigation at ${width}`).toBeLessThanOrEqual(room);
    expect(await scrollsSideways(page)).toBe(false);
  }
  await page.setViewportSize(NARROW);
}

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
        images: new ScriptedImages(),
        page: narrow,
      });
      const entries = [hasChatTemplate ? 'Chat' : 'Continue', 'Memory', 'Edit'];
      await page.getByRole('heading', { level: 1, name: 'Fake' }).waitFor();
      await expectNavigationFits(page, entries);
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
      await expectNavigationFits(page, entries);
      await expectAccessible(page);
      await page.getByRole('link', { name: 'Edit' }).click();
      await page.getByRole('heading', { level: 1, name: 'scripted-edit' }).waitFor();
      await expectNavigationFits(page, entries);
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
