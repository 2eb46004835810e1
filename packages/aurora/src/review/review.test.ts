import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CandidateFile, CuratedRow } from '../curation/candidate.js';
import { PeopleError } from '../people/errors.js';
import { temporaryFolder, writeCandidates } from '../testing/people.js';
import { exportReview } from './export.js';
import { Review } from './review.js';

const problem = async (work: () => unknown): Promise<string> => {
  try {
    await work();
  } catch (error) {
    if (PeopleError.isInstance(error)) return `${error.problem}: ${error.message}`;
    throw error;
  }
  return 'none';
};
const accept = (candidate: string, instruction = 'Move it') =>
  ({ candidate, verdict: 'accept', instruction }) as const;
const reject = (candidate: string) => ({ candidate, verdict: 'reject', reason: 'camera' }) as const;

describe('review', () => {
  it('shows the best first, keeps decisions, goes on after closing', async () => {
    using folder = temporaryFolder();
    await writeCandidates(folder.path, 3);
    let token: string;
    {
      using review = await Review.open(folder.path);
      token = review.join('Ada').token;
      expect(review.state(token)).toMatchObject({
        name: 'Ada',
        decided: 0,
        left: 3,
        candidate: { id: 'c0' },
      });
      expect(review.decide(token, accept('c0', ' Put  it down \n'))).toMatchObject({
        candidate: { id: 'c1' },
      });
      review.decide(token, reject('c1'));
    }
    using again = await Review.open(folder.path);
    expect(again.join('ADA', { resume: true }).token).toBe(token);
    expect(again.state(token)).toMatchObject({ decided: 2, accepted: 1, left: 1, candidate: { id: 'c2' } });
    expect(again.decisions()).toMatchObject([
      { annotator: 'Ada', candidate: 'c0', verdict: 'accept', instruction: 'Put  it down' },
      { annotator: 'Ada', candidate: 'c1', verdict: 'reject', reason: 'camera' },
    ]);
    expect((await again.picture('c0', 'output')).length).toBeGreaterThan(50);
  });

  it('undoes the last decision, also one that took the place of another', async () => {
    using folder = temporaryFolder();
    await writeCandidates(folder.path, 2);
    using review = await Review.open(folder.path);
    const { token } = review.join('Ada');
    review.decide(token, accept('c0', 'First'));
    review.decide(token, accept('c0', 'Second'));
    expect(review.decisions()).toMatchObject([{ instruction: 'Second' }]);
    expect(review.undo(token)).toMatchObject({ candidate: { id: 'c0' }, undone: { instruction: 'Second' } });
    expect(review.decisions()).toMatchObject([{ instruction: 'First' }]);
    review.undo(token);
    expect(review.decisions()).toEqual([]);
    expect(await problem(() => review.undo(token))).toMatch(/^nothing-to-undo/);
  });

  it('puts candidates off without forgetting them', async () => {
    using folder = temporaryFolder();
    await writeCandidates(folder.path, 3);
    using review = await Review.open(folder.path);
    const { token } = review.join('Ada');
    expect(review.state(token, 'c0').candidate?.id).toBe('c1');
    expect(review.state(token, 'c2').candidate?.id).toBe('c0');
    expect(review.decide(token, reject('c1')).candidate?.id).toBe('c2');
    expect(review.decide(token, reject('c2')).candidate?.id).toBe('c0');
  });

  it('asks as many annotators as wanted about each', async () => {
    using folder = temporaryFolder();
    await writeCandidates(folder.path, 2);
    const left = (review: Review, token: string) => review.state(token).left;
    {
      using review = await Review.open(folder.path);
      const [ada, bo] = [review.join('Ada').token, review.join('Bo').token];
      review.decide(ada, accept('c0'));
      expect([left(review, ada), left(review, bo)]).toEqual([1, 1]);
    }
    using review = await Review.open(folder.path, { perCandidate: 2 });
    expect(left(review, review.join('Bo', { resume: true }).token)).toBe(2);
    expect(await problem(() => Review.open(folder.path, { perCandidate: 0 }))).toContain('perCandidate');
  });

  it('refuses what is wrong, by field', async () => {
    using folder = temporaryFolder();
    await writeCandidates(folder.path, 1);
    using review = await Review.open(folder.path);
    const { token } = review.join('Ada');
    expect(await problem(() => review.join('ada'))).toMatch(/^name-taken/);
    expect(await problem(() => review.decide('x', reject('c0')))).toMatch(/^unknown-person/);
    expect(await problem(() => review.decide(token, reject('c9')))).toMatch(/^unknown-item/);
    for (const text of ['', '  \n', 'x'.repeat(501), 'a\u0001'])
      expect(await problem(() => review.decide(token, accept('c0', text)))).toMatch(/^bad-text: instruction/);
    const reason = 'because' as 'other';
    expect(await problem(() => review.decide(token, { candidate: 'c0', verdict: 'reject', reason }))).toMatch(
      /^bad-text: reason/,
    );
    expect(review.decisions()).toEqual([]);
  });

  it('refuses folders and files that are not what curation writes', async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, 'candidates.json');
    const open = () => problem(() => Review.open(folder.path));
    expect(await open()).toMatch(/^bad-items: there is no candidates.json .*triptych aurora curate/);
    writeFileSync(path, '{');
    expect(await open()).toContain('cannot be read as JSON');
    writeFileSync(path, '{"candidates": []}');
    expect(await open()).toContain('format "triptych-candidates"');
    const [first] = await writeCandidates(folder.path, 1);
    const file = JSON.parse(readFileSync(path, 'utf8')) as CandidateFile;
    const withCandidates = (...candidates: unknown[]) =>
      writeFileSync(path, JSON.stringify({ ...file, candidates }));
    for (const [change, message] of [
      [{ id: '../x' }, 'id must be letters'],
      [{ input: '../secret.png' }, 'input must be a path inside the folder'],
      [{ mask: '/etc/passwd' }, 'mask must be a path inside the folder'],
      [{ output: 'images/none.png' }, 'none.png is missing'],
      [{ clip: 3 }, 'clip must be a text'],
      [{ firstSeconds: null }, 'firstSeconds must be a number'],
      [{ remarks: [1] }, 'remarks must be a list of texts'],
    ] as const) {
      withCandidates({ ...first, ...change });
      expect(await open()).toContain(message);
    }
    withCandidates(first, first);
    expect(await open()).toContain('candidates[1] of candidates.json: id c0 is there twice');
    expect(existsSync(join(folder.path, 'review.sqlite'))).toBe(false);
  });
});

describe('export', () => {
  const read = (folder: string, name = 'curated') => ({
    rows: JSON.parse(readFileSync(join(folder, name, 'train.json'), 'utf8')) as CuratedRow[],
    sheet: readFileSync(join(folder, name, 'datasheet.md'), 'utf8'),
  });

  it('writes rows, pictures and a datasheet', async () => {
    using folder = temporaryFolder();
    const candidates = await writeCandidates(folder.path, 3);
    using review = await Review.open(folder.path, { perCandidate: 3 });
    const [ada, bo, cy] = ['Ada', 'Bo', 'Cy'].map((name) => review.join(name).token) as [
      string,
      string,
      string,
    ];
    for (const token of [ada, bo]) review.decide(token, accept('c0', 'Move the thing'));
    review.decide(cy, accept('c0', 'Shift the thing'));
    review.decide(ada, accept('c1', 'Turn it'));
    review.decide(bo, reject('c1'));
    review.decide(ada, reject('c2'));
    const to = join(folder.path, 'data');
    await exportReview(review, { folder: to, name: 'video', agree: 2 });
    const { rows, sheet } = read(to, 'video');
    expect(rows).toEqual([
      {
        instruction: 'Move the thing',
        input: 'video/images/c0_0.png',
        output: 'video/images/c0_1.png',
        mask: 'video/images/c0_mask.png',
        clip: 'clip0.mp4',
      },
    ]);
    expect(readFileSync(join(to, rows[0]!.output))).toEqual(
      readFileSync(join(folder.path, candidates[0]!.output)),
    );
    expect(sheet).toContain('candidates: 3, reviewed 3');
    expect(sheet).toContain('decisions: 6, accepted 4, rejected 2');
    expect(sheet).toContain('Ada: 3 decided, 2 accepted');
    expect(sheet).toContain('The camera moved: 2');
    await exportReview(review, { folder: to });
    expect(read(to).rows.map(({ instruction }) => instruction)).toEqual(['Move the thing', 'Turn it']);
  });

  it('refuses an empty set, names that leave the folder, and pictures that are gone', async () => {
    using folder = temporaryFolder();
    await writeCandidates(folder.path, 2);
    using review = await Review.open(folder.path);
    const to = join(folder.path, 'data');
    expect(await problem(() => exportReview(review, { folder: to }))).toContain(
      'no pair was accepted by anybody',
    );
    review.decide(review.join('Ada').token, accept('c1'));
    expect(await problem(() => exportReview(review, { folder: to, name: '../x' }))).toContain('name must be');
    expect(await problem(() => exportReview(review, { folder: to, agree: 0 }))).toContain('agree must be');
    expect(await problem(() => exportReview(review, { folder: to, agree: 2 }))).toContain('2 annotators');
    rmSync(join(folder.path, 'images', 'c1_mask.png'));
    expect(await problem(() => exportReview(review, { folder: to }))).toMatch(
      /^bad-image: .*c1_mask.png is missing/,
    );
    expect(existsSync(join(to, 'curated', 'train.json'))).toBe(false);
  });
});
