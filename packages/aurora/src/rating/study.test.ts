import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeImage, encodeImage, readPngText } from '@triptych/media';
import { describe, expect, it } from 'vitest';
import { PeopleError } from '../people/errors.js';
import { temporaryFolder, writeFlatPicture, writeStudyItems } from '../testing/people.js';
import { formatResults, ratingsCsv } from './report.js';
import { readRatings, studyResults } from './results.js';
import { RatingStudy } from './study.js';

const problem = async (work: () => unknown): Promise<string> => {
  try {
    await work();
  } catch (error) {
    if (PeopleError.isInstance(error)) return `${error.problem}: ${error.message}`;
    throw error;
  }
  return 'none';
};

/** A study of two tasks, two items each, two models: eight trials. */
async function study(folder: string, options: Parameters<typeof writeStudyItems>[1] = {}) {
  const items = await writeStudyItems(join(folder, 'results'), options);
  const database = join(folder, 'study.sqlite');
  return { items, database, open: () => RatingStudy.open({ items, database }) };
}

/** Rates everything that is left; `score` sees what only the study knows. */
function rateAll(one: RatingStudy, token: string, score: (index: number) => number): void {
  for (let index = 0; ; index++) {
    const { trial } = one.state(token);
    if (trial === undefined) return;
    one.rate(token, { trial: trial.id, score: score(index) });
  }
}

describe('rating', () => {
  it('goes through every output once and ends', async () => {
    using folder = temporaryFolder();
    const { open, database } = await study(folder.path);
    using one = await open();
    const { token } = one.join('  Ada  Lovelace ');
    expect(one.state(token)).toMatchObject({ name: 'Ada Lovelace', done: 0, total: 8 });
    rateAll(one, token, (index) => [0, 50, 100][index % 3]!);
    expect(one.state(token)).toMatchObject({ done: 8, trial: undefined });
    const { ratings } = readRatings(database);
    expect(new Set(ratings.map(({ task, item, model }) => `${task} ${item} ${model}`)).size).toBe(8);
    expect(ratings.map(({ score }) => score).sort((a, b) => a - b)).toEqual([0, 0, 0, 50, 50, 50, 100, 100]);
  });

  it('never shows a model, not in ids, pictures or their texts', async () => {
    using folder = temporaryFolder();
    const { open, items } = await study(folder.path);
    using one = await open();
    const { token } = one.join('Ada');
    const ids = new Set<string>();
    for (const other of [token, one.join('Bo').token]) {
      const state = one.state(other);
      expect(JSON.stringify(state)).not.toMatch(/alpha|beta/);
      ids.add(state.trial!.id);
      for (const which of ['source', 'output'] as const) {
        const picture = await one.picture(state.trial!.id, which);
        expect(readPngText(picture)).toEqual({});
        expect(Buffer.from(picture).includes('made by')).toBe(false);
      }
    }
    expect(ids.size).toBe(2);
    expect(readPngText(readFileSync(items[0]!.output))).not.toEqual({});
  });

  it('shows the right pictures', async () => {
    using folder = temporaryFolder();
    const { open, items, database } = await study(folder.path);
    using one = await open();
    const { token } = one.join('Ada');
    const { id } = one.state(token).trial!;
    const pixels = async (which: 'source' | 'output') =>
      (await decodeImage(await one.picture(id, which))).data[0];
    const [source, output] = [await pixels('source'), await pixels('output')];
    one.rate(token, { trial: id, score: 100 });
    const [rating] = readRatings(database).ratings;
    const item = items.find(
      ({ task, item, model }) => task === rating!.task && item === rating!.item && model === rating!.model,
    )!;
    expect(source).toBe((await decodeImage(readFileSync(item.source))).data[0]);
    expect(output).toBe((await decodeImage(readFileSync(item.output))).data[0]);
  });

  it('undoes, one by one, and gives back what was said', async () => {
    using folder = temporaryFolder();
    const { open, database } = await study(folder.path);
    using one = await open();
    const { token } = one.join('Ada');
    const first = one.state(token).trial!.id;
    one.rate(token, { trial: first, score: 50, comment: ' so so \r\n' });
    const second = one.state(token).trial!.id;
    one.rate(token, { trial: second, score: 0 });
    expect(one.undo(token)).toMatchObject({ done: 1, trial: { id: second }, undone: { score: 0 } });
    expect(one.undo(token)).toMatchObject({ done: 0, trial: { id: first }, undone: { comment: 'so so' } });
    expect(await problem(() => one.undo(token))).toMatch(/^nothing-to-undo/);
    one.rate(token, { trial: first, score: 100 });
    expect(readRatings(database).ratings.map(({ score }) => score)).toEqual([100]);
  });

  it('goes on after closing, with the files elsewhere', async () => {
    using folder = temporaryFolder();
    const { open, database } = await study(folder.path);
    let token: string;
    let trial: string;
    {
      using one = await open();
      token = one.join('Ada').token;
      one.rate(token, { trial: one.state(token).trial!.id, score: 50, milliseconds: 1234.4 });
      trial = one.state(token).trial!.id;
    }
    const items = await writeStudyItems(join(folder.path, 'moved'));
    using again = await RatingStudy.open({ items: [...items].reverse(), database });
    expect(again.join('ada', { resume: true })).toEqual({ token });
    expect(again.state(token)).toMatchObject({ done: 1, trial: { id: trial } });
    await again.picture(trial, 'output');
    expect(readRatings(database).ratings[0]).toMatchObject({ rater: 'rater 1', milliseconds: 1234 });
  });

  it('refuses what is wrong, by field', async () => {
    using folder = temporaryFolder();
    const { open } = await study(folder.path);
    using one = await open();
    const { token } = one.join('Ada');
    const trial = one.state(token).trial!.id;
    for (const score of [1, 49, -50, 150, Number.NaN, 0.5])
      expect(await problem(() => one.rate(token, { trial, score }))).toMatch(
        /^bad-score: score must be 0, 50 or/,
      );
    expect(await problem(() => one.rate(token, { trial: 'x', score: 50 }))).toMatch(/^unknown-item/);
    expect(await problem(() => one.rate('x', { trial, score: 50 }))).toMatch(/^unknown-person/);
    expect(await problem(() => one.rate(token, { trial, score: 50, comment: 'x'.repeat(1001) }))).toMatch(
      /^bad-text/,
    );
    expect(await problem(() => one.rate(token, { trial, score: 50, comment: 'a\u0000' }))).toMatch(
      /^bad-text/,
    );
    one.rate(token, { trial, score: 50 });
    expect(await problem(() => one.rate(token, { trial, score: 100 }))).toMatch(/^not-current/);
    const other = one.join('Bo').token;
    expect(await problem(() => one.rate(token, { trial: one.state(other).trial!.id, score: 0 }))).toMatch(
      /^unknown-item/,
    );
    expect(await problem(() => one.picture('nothing', 'source'))).toMatch(/^unknown-item/);
    expect(await problem(() => one.examplePicture(99, 'source'))).toMatch(/^unknown-item/);
  });

  it('tells people of one name apart', async () => {
    using folder = temporaryFolder();
    const { open } = await study(folder.path);
    using one = await open();
    const { token } = one.join('Zoë');
    for (const name of ['Zoë', 'ZOË', ' zoe\u0308 '])
      expect(await problem(() => one.join(name))).toMatch(/^name-taken: .*another name/);
    expect(one.join('zoë', { resume: true }).token).toBe(token);
    expect(await problem(() => one.join('Bo', { resume: true }))).toMatch(/^unknown-person/);
    for (const name of ['', '  ', 'x'.repeat(61), 'a\u0007b', '\u202eabc'])
      expect(await problem(() => one.join(name))).toMatch(/^bad-name: name must/);
  });
});

describe('opening', () => {
  it('refuses another study, and names the difference', async () => {
    using folder = temporaryFolder();
    const { open, items, database } = await study(folder.path);
    (await open())[Symbol.dispose]();
    const fewer = items.filter(({ model }) => model === 'alpha');
    expect(await problem(() => RatingStudy.open({ items: fewer, database }))).toMatch(
      /^other-study: .*8 outputs.* 4/,
    );
    await writeFlatPicture(items[1]!.output, 3);
    expect(await problem(open)).toMatch(
      /^other-study: .*beta made of item 0 of task attribute|alpha made of item 0/,
    );
  });

  it('refuses items that do not fit together', async () => {
    using folder = temporaryFolder();
    const { items, database } = await study(folder.path);
    const at = (list: typeof items) => problem(() => RatingStudy.open({ items: list, database }));
    const [first, second] = items as [(typeof items)[0], (typeof items)[0]];
    expect(await at([])).toMatch(/^bad-items: there are no results/);
    expect(await at(items.slice(1))).toMatch(/^bad-items: item 0 of task attribute has no output of alpha/);
    expect(await at([...items, first])).toContain('two outputs of alpha');
    expect(await at([{ ...first, instruction: 'x' }, ...items.slice(1)])).toContain('another instruction');
    expect(await at([{ ...first, source: second.output }, ...items.slice(1)])).toContain('another source');
    expect(await at([{ ...first, output: join(folder.path, 'no.png') }, ...items.slice(1)])).toMatch(
      /^bad-image: .*no\.png is missing/,
    );
    expect(await problem(() => RatingStudy.open({ items, database, perTask: 0 }))).toContain('perTask');
  });

  it('draws the same items of each task for all models', async () => {
    using folder = temporaryFolder();
    const { items, database } = await study(folder.path, { perTask: 5 });
    const open = (seed: number, name = database) =>
      RatingStudy.open({ items, database: name, perTask: 2, seed });
    using one = await open(3);
    expect(one.trials).toBe(8);
    one[Symbol.dispose]();
    (await open(3))[Symbol.dispose]();
    expect(await problem(() => open(4))).toMatch(/^other-study/);
  });

  it('stops when asked to', async () => {
    using folder = temporaryFolder();
    const { items, database } = await study(folder.path);
    const abort = new AbortController();
    const opening = RatingStudy.open({
      items,
      database,
      signal: abort.signal,
      onProgress: () => abort.abort('enough'),
    });
    await expect(opening).rejects.toBe('enough');
  });

  it('notices a picture that was exchanged or broken later', async () => {
    using folder = temporaryFolder();
    const { open, items } = await study(folder.path);
    using one = await open();
    const { id } = one.state(one.join('Ada').token).trial!;
    for (const item of items) await writeFlatPicture(item.output, 250);
    expect(await problem(() => one.picture(id, 'output'))).toMatch(/^bad-image: .*not the picture/);
  });
});

describe('results', () => {
  it('has means with errors, agreement and CSV', async () => {
    using folder = temporaryFolder();
    const tasks = ['magicbrush', 'ag', 'kubric', 'emu'];
    const { open, database } = await study(folder.path, { tasks, perTask: 3 });
    using one = await open();
    for (const name of ['Ada', 'Bo']) rateAll(one, one.join(name).token, (index) => [100, 0, 50][index % 3]!);
    // Read beside the open study, as `--report` does while people rate.
    const results = studyResults(database);
    expect(results.cells.length).toBe(8);
    for (const { items, ratings, raters, standardError } of results.cells) {
      expect([items, ratings, raters]).toEqual([3, 6, 2]);
      expect(standardError).toBeLessThanOrEqual(50 / Math.sqrt(2));
    }
    expect(results.overall.map(({ model, overall }) => [model, overall !== undefined])).toEqual([
      ['alpha', true],
      ['beta', true],
    ]);
    expect(results.agreement?.outputs).toBe(24);
    expect(results.raters).toEqual([
      { rater: 'rater 1', ratings: 24, total: 24 },
      { rater: 'rater 2', ratings: 24, total: 24 },
    ]);
    expect(formatResults(results)).toMatch(/\| task \| alpha \| beta \|[\s\S]*\| overall \|[\s\S]*kappa/);
  });

  it('quotes comments for spreadsheets and keeps names out', async () => {
    using folder = temporaryFolder();
    const { open, database } = await study(folder.path);
    using one = await open();
    const { token } = one.join('Ada');
    for (const comment of ['=HYPERLINK("x")', 'two\nlines, "quoted"'])
      one.rate(token, { trial: one.state(token).trial!.id, score: 50, comment });
    const csv = ratingsCsv(readRatings(database).ratings);
    expect(csv).toContain(`"'=HYPERLINK(""x"")"`);
    expect(csv).toContain('"two\nlines, ""quoted"""');
    expect(csv).not.toContain('Ada');
  });

  it('says so when nothing was rated', async () => {
    using folder = temporaryFolder();
    const { open, database } = await study(folder.path);
    (await open())[Symbol.dispose]();
    expect(formatResults(studyResults(database))).toContain('Nothing has been rated yet');
    expect(await problem(() => studyResults(join(folder.path, 'none.sqlite')))).toMatch(/^not-a-database/);
  });
});

it('has examples of every level with pictures that differ', async () => {
  using folder = temporaryFolder();
  const { open } = await study(folder.path);
  using one = await open();
  expect(new Set(one.examples.map(({ score }) => score))).toEqual(new Set([0, 50, 100]));
  const pictures = await Promise.all([one.examplePicture(0, 'source'), one.examplePicture(0, 'output')]);
  expect(Buffer.compare(pictures[0], pictures[1])).not.toBe(0);
  expect((await encodeImage(await decodeImage(pictures[0]))).length).toBeGreaterThan(1000);
});
