import { FakeEngine, until } from '@triptych/server/testing';
import { describe, expect, it } from 'vitest';
import { answers, ask, composer, expectAccessible, failedRequest, setStage } from './stage.js';

const { start, startWith } = setStage();

describe('chat', () => {
  it('is empty at first and says what answers', async () => {
    const { page, problems } = await start();
    await page.getByRole('heading', { name: 'Ask something.' }).waitFor();
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Fake');
    expect(await composer(page).evaluate((element) => element === document.activeElement)).toBe(true);
    await expectAccessible(page);
    await page.getByRole('list', { name: 'Suggestions' }).getByRole('button').first().click();
    expect(await composer(page).inputValue()).not.toBe('');
    expect(problems).toEqual([]);
  });

  it('streams an answer and shows its figures', async () => {
    const { page, problems, fake } = await start({ engine: { tokenDelayMs: 25, naturalEnd: 150 } });
    await ask(page, 'Count');
    await page.getByText('one two three').waitFor();
    await page.getByRole('button', { name: 'Stop' }).waitFor();
    await expectAccessible(page);
    const tools = page.getByRole('article', { name: 'Model' }).getByRole('button', { name: 'Regenerate' });
    await tools.waitFor();
    expect(await answers(page).textContent()).toMatch(/tok\/s.*first token.*150 tokens/);
    expect(fake.seen[0]?.request).toMatchObject({ temperature: 0.8, topK: 40, maxTokens: 512 });
    await answers(page).getByRole('button', { name: 'Copy' }).click();
    await answers(page).getByText('Copied').waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied).toBe(await answers(page).locator('.prose').textContent());
    await expectAccessible(page);
    expect(problems).toEqual([]);
  });

  it('stops at once, in the server too, and can regenerate', async () => {
    const { page, problems, fake } = await start({ engine: { tokenDelayMs: 20 } });
    await ask(page, 'Count');
    await page.getByText('one two').waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('stopped', { exact: true }).waitFor();
    await until(() => fake.running === 0);
    expect(fake.seen[0]?.aborted).toBe(true);
    const kept = await answers(page).locator('.prose').textContent();
    await page.getByRole('button', { name: 'Regenerate' }).click();
    expect(await composer(page).evaluate((element) => element === document.activeElement)).toBe(true);
    await page.getByText('one two').waitFor();
    expect(await answers(page).count()).toBe(1);
    expect(fake.seen).toHaveLength(2);
    await page.keyboard.press('Escape');
    await page.getByText('stopped', { exact: true }).waitFor();
    expect(kept).toMatch(/^one two/);
    await page.getByRole('button', { name: 'New conversation' }).click();
    await page.getByRole('heading', { name: 'Ask something.' }).waitFor();
    expect(problems).toEqual([]);
  });

  it('goes on after a reload, until a new conversation is started', async () => {
    const { page, problems, fake } = await start({ engine: { tokenDelayMs: 5, naturalEnd: 5 } });
    await ask(page, 'Count');
    await answers(page).getByRole('button', { name: 'Regenerate' }).waitFor();
    const figures = await answers(page).locator('.figures').textContent();
    await page.reload();
    await page.getByText('one two three four five').waitFor();
    expect(await answers(page).locator('.figures').textContent()).toBe(figures);
    await ask(page, 'And on');
    await until(async () => (await answers(page).count()) === 2);
    expect(fake.seen[1]?.request.messages).toEqual([
      { role: 'user', content: 'Count' },
      { role: 'assistant', content: 'one two three four five' },
      { role: 'user', content: 'And on' },
    ]);
    // Another tab goes on from there, and what it says is its own.
    await answers(page).getByRole('button', { name: 'Regenerate' }).waitFor();
    await page.waitForFunction(() => localStorage.getItem('triptych.conversation')?.includes('And on'));
    const other = await page.context().newPage();
    await other.goto(page.url());
    await ask(other, 'Elsewhere');
    await until(async () => (await answers(other).count()) === 3);
    await page.reload();
    await until(async () => (await answers(page).count()) === 2);
    await page.getByRole('button', { name: 'New conversation' }).click();
    await page.reload();
    await page.getByRole('heading', { name: 'Ask something.' }).waitFor();
    expect(await answers(page).count()).toBe(0);
    expect(problems).toEqual([]);
  });

  it("shows the server's own error and recovers", async () => {
    const { page, problems } = await start({ engine: { info: { contextLength: 20 }, naturalEnd: 3 } });
    await ask(page, 'word '.repeat(30));
    await page
      .locator('.error-message', { hasText: 'The prompt has 31 tokens, the context holds 20.' })
      .waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('.error-message', { hasText: 'The prompt has 31 tokens' }).waitFor();
    await page.getByRole('button', { name: 'New conversation' }).click();
    await ask(page, 'Short');
    await page.getByText('one two three').waitFor();
    expect(problems.filter((problem) => !failedRequest.test(problem))).toEqual([]);
  });

  it('keeps what had arrived when an answer breaks off', async () => {
    const failure = { afterTokens: 4, error: new Error('The engine lost its footing') };
    const { page, problems } = await start({ engine: { failure, tokenDelayMs: 5 } });
    await ask(page, 'Count');
    await page.getByText('The answer broke off').waitFor();
    expect(await answers(page).locator('.prose').textContent()).toBe('one two three four');
    await expectAccessible(page);
    expect(problems).toEqual([]);
  });

  it('says so when the server is gone', async () => {
    const { page, server } = await start();
    await page.getByRole('heading', { name: 'Ask something.' }).waitFor();
    await server.close({ deadlineMs: 0 });
    await ask(page, 'Anyone?');
    await page.locator('.error-message', { hasText: 'The server does not answer.' }).waitFor();
  });

  it('follows a long conversation until one scrolls up', async () => {
    const { page, problems } = await start({
      engine: { tokenDelayMs: 20, naturalEnd: 700, info: { contextLength: 9000 } },
    });
    const scroller = page.getByRole('region', { name: 'Conversation' });
    const fromEnd = () => scroller.evaluate((box) => box.scrollHeight - box.clientHeight - box.scrollTop);
    await page.getByText('Sampling').first().click();
    for (let turn = 0; turn < 3; turn++) {
      await ask(page, `Question ${turn} ${'with many words '.repeat(20)}`);
      if (turn < 2) await page.keyboard.press('Escape');
    }
    await until(async () => (await scroller.evaluate((box) => box.scrollHeight - box.clientHeight)) > 300);
    expect(await fromEnd()).toBeLessThan(40);
    await scroller.hover();
    await page.mouse.wheel(0, -250);
    const jump = page.getByRole('button', { name: 'Jump to latest' });
    await jump.waitFor();
    const top = await scroller.evaluate((box) => box.scrollTop);
    const length = await scroller.evaluate((box) => box.scrollHeight);
    await until(async () => (await scroller.evaluate((box) => box.scrollHeight)) > length);
    expect(await scroller.evaluate((box) => box.scrollTop)).toBe(top);
    await expectAccessible(page);
    await jump.click();
    await jump.waitFor({ state: 'detached' });
    await until(async () => (await fromEnd()) < 40);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Regenerate' }).waitFor();
    await until(async () => (await fromEnd()) < 40);
    expect(problems).toEqual([]);
  });

  it('sends what the sampling sheet says and remembers it', async () => {
    const { page, fake, problems } = await start({ engine: { naturalEnd: 3 } });
    const sheet = page.getByRole('complementary', { name: 'Sampling' });
    await sheet.getByLabel('System prompt').fill('Be brief.');
    await sheet.getByLabel('Temperature', { exact: true }).fill('0');
    await sheet.getByLabel('Top-k', { exact: true }).fill('7');
    await sheet.getByLabel('Max tokens').fill('11');
    await sheet.getByLabel('Seed').fill('3');
    await sheet.getByLabel('Stop strings').fill('END\n\\n\\n');
    await sheet.getByLabel('Top-p', { exact: true }).fill('7'); // out of range: named, not sent
    await page.getByText('From 0 to 1.').waitFor();
    await expectAccessible(page);
    await ask(page, 'Hi');
    await page.getByText('four five six').waitFor();
    expect(fake.seen[0]?.request).toMatchObject({
      temperature: 0,
      topK: 7,
      topP: 0.95,
      maxTokens: 11,
      seed: 3,
      stop: ['END', '\n\n'],
    });
    expect(fake.seen[0]?.request.messages?.[0]).toMatchObject({ role: 'system', content: 'Be brief.' });
    await page.reload();
    expect(await sheet.getByLabel('Seed').inputValue()).toBe('3');
    expect(await sheet.getByLabel('Stop strings').inputValue()).toBe('END\n\\n\\n');
    await sheet.getByRole('button', { name: 'Back to the defaults' }).click();
    expect(await sheet.getByLabel('Temperature', { exact: true }).inputValue()).toBe('0.8');
    expect(problems).toEqual([]);
  });

  it('asks for the API key where one is needed, and uses it', async () => {
    const { page, fake, problems } = await start({ apiKeys: ['open-sesame-123'], engine: { naturalEnd: 3 } });
    await page.getByText('This server asks for an API key').waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Enter the API key' }).click();
    await page.getByLabel('API key', { exact: true }).fill('open-sesame-123');
    await expectAccessible(page);
    await page.keyboard.press('Enter');
    await ask(page, 'Hi');
    await page.getByText('one two three').waitFor();
    expect(fake.seen).toHaveLength(1);
    await page.reload();
    await page.getByText('one two three').waitFor();
    expect(problems.filter((problem) => !failedRequest.test(problem))).toEqual([]);
  });
});

describe('a model on its way', () => {
  it('shows how far it is loaded and goes on by itself', async () => {
    const fake = new FakeEngine();
    let arrive: (engine: FakeEngine) => void = () => undefined;
    const loading = new Promise<FakeEngine>((resolve) => {
      arrive = resolve;
    });
    const progress = () => ({ loadedBytes: 3, totalBytes: 4 });
    const { page, problems } = await startWith([{ loading, progress }]);
    await page.getByText('The server is loading its model…').waitFor();
    expect(await page.getByRole('progressbar').getAttribute('value')).toBe('0.75');
    await expectAccessible(page);
    arrive(fake);
    await page.getByRole('heading', { name: 'Ask something.' }).waitFor();
    expect(problems.filter((problem) => !failedRequest.test(problem))).toEqual([]);
  });
});
