import { type FakeEngineOptions, until } from '@triptych/server/testing';
import { describe, expect, it } from 'vitest';
import { expectAccessible, setStage } from './stage.js';

const { start } = setStage();

describe('continuation', () => {
  const engine: FakeEngineOptions = { info: { hasChatTemplate: false }, tokenDelayMs: 40 };

  it('says what the model is for, continues, stops and takes back', async () => {
    const { page, problems, fake } = await start({ engine });
    await page.getByText('it does not answer questions, it continues a text').waitFor();
    await expectAccessible(page);
    const text = page.getByRole('textbox', { name: 'Text to continue' });
    await text.fill('Once upon');
    await page.getByRole('button', { name: 'Continue' }).click();
    await until(async () => (await text.inputValue()).includes('two three'));
    expect(await text.getAttribute('readonly')).not.toBeNull();
    await expectAccessible(page);
    await page.keyboard.press('Escape');
    await page.getByText('stopped', { exact: true }).waitFor();
    const written = await text.inputValue();
    expect(written).toMatch(/^Once upon ?one two three/);
    expect(`Once upon${await page.locator('.editor-tints mark').textContent()}`).toBe(written);
    await text.press('End');
    await text.press('Control+End');
    await text.pressSequentially(' and then');
    await text.press('Control+Enter');
    await until(() => fake.seen.length === 2);
    expect(fake.seen[1]?.request.prompt).toBe(`${written} and then`);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Continue' }).waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Undo' }).click();
    expect(await text.inputValue()).toBe(`${written} and then`);
    await page.getByRole('button', { name: 'Undo' }).click();
    expect(await text.inputValue()).toBe('Once upon');
    await page.reload();
    expect(await text.inputValue()).toBe('Once upon');
    expect(problems).toEqual([]);
  });

  it('shows an error below the text', async () => {
    const failure = { afterTokens: 0, error: new Error('The engine lost its footing') };
    const { page } = await start({ engine: { ...engine, failure } });
    await page.getByRole('textbox', { name: 'Text to continue' }).fill('one two three four');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('The text was not continued').waitFor();
    await expectAccessible(page);
  });
});

describe('a text longer than the context', () => {
  it('is continued from its end, and the page says so', async () => {
    const { page, problems, fake } = await start({
      engine: { info: { hasChatTemplate: false, contextLength: 40 }, naturalEnd: 3 },
    });
    await page.getByRole('textbox', { name: 'Text to continue' }).fill('word '.repeat(60).trim());
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('the beginning was out of its sight').waitFor();
    const sent = fake.seen.at(-1)?.request.prompt;
    expect(sent).toMatch(/^word( word)+$/);
    expect(sent?.length).toBeLessThan(100);
    await expectAccessible(page);
    expect(problems).toEqual([]);
  });
});
