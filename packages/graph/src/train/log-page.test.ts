import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GraphError } from '../errors.js';
import { appendLog } from './log.js';
import { type LogLine, logPage, writeLogPage } from './log-page.js';

const PNG = 'data:image/png;base64,iVBORw0KGgo=';
const LINES: LogLine[] = Array.from({ length: 40 }, (_, k) => ({
  step: 5 * k + 5,
  loss: 3 - 0.05 * k,
  learningRate: 1e-4 * (1 - k / 40),
  note: 'text',
  gradientNorm: k === 3 ? null : 1,
}));

const pointsOf = (html: string): string[][] =>
  [...html.matchAll(/points="([^"]+)"/g)].map(([, text]) => (text ?? '').split(' '));

describe('logPage', () => {
  it('draws one chart for every number, without what is no number', () => {
    const html = logPage(LINES, { title: 'a run' });
    expect(html.match(/<figure><svg/g)).toHaveLength(3);
    expect(pointsOf(html).map(({ length }) => length)).toEqual([40, 40, 39]);
    // Rates are far below one and still have marks that differ.
    expect(html).toContain('>0.00002<');
  });

  it('draws the charts it is told to, several curves in one', () => {
    const charts = [{ title: 'both', unit: '', names: ['loss', 'gradientNorm', 'missing'] }];
    expect(pointsOf(logPage(LINES, { title: 'a run', charts }))).toHaveLength(2);
  });

  it('averages neighbours of a long log', () => {
    const lines = Array.from({ length: 10_000 }, (_, k) => ({ step: k + 1, loss: Math.sin(k) }));
    const [points] = pointsOf(logPage(lines, { title: 'long' }));
    expect(points?.length).toBeGreaterThan(600);
    expect(points?.length).toBeLessThanOrEqual(700);
  });

  it('needs nothing from outside and escapes what it shows', () => {
    const html = logPage(LINES, {
      title: 'a <run> & "more"',
      facts: { batch: 16, data: '<script>' },
      samples: [
        { step: 10, caption: 'early', image: PNG },
        { step: 20, caption: 'late <b>', image: PNG },
      ],
    });
    expect(html).not.toMatch(/<script|<b>|<link/);
    expect(html.match(/(?:src|href)="(?!data:)/g)).toBeNull();
    expect(html.indexOf('late')).toBeLessThan(html.indexOf('early'));
    expect(html).toContain('a &lt;run&gt; &amp; &quot;more&quot;');
  });

  it('refuses a sample that is no picture', () => {
    const image = 'https://example.org/a.png';
    expect(() => logPage(LINES, { title: '', samples: [{ step: 1, caption: '', image }] })).toThrow(
      GraphError,
    );
  });

  it('shows an empty log', () => {
    expect(logPage([], { title: 'new' })).toContain('Nothing was logged yet');
  });
});

describe('writeLogPage', () => {
  it('replaces the page as a whole and leaves no other file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'triptych-page-'));
    const [page, log] = [join(folder, 'page.html'), join(folder, 'log.jsonl')];
    await appendLog(log, { step: 1, loss: 2 });
    await writeLogPage(page, log, { title: 'first' });
    await appendLog(log, { step: 2, loss: 1 });
    await writeLogPage(page, log, { title: 'second' });
    expect(await readFile(page, 'utf8')).toContain('<h1>second</h1>');
    const broken = { title: 'broken', samples: [{ step: 1, caption: '', image: 'no' }] };
    await expect(writeLogPage(page, log, broken)).rejects.toBeInstanceOf(GraphError);
    expect(await readFile(page, 'utf8')).toContain('<h1>second</h1>');
    expect((await readdir(folder)).sort()).toEqual(['log.jsonl', 'page.html']);
    await rm(folder, { recursive: true });
  });
});
