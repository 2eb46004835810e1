import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CaptionFinder } from './captions.js';

let folder: string;
const file = (name: string): string => path.join(folder, name);
const put = (name: string, text: unknown) =>
  writeFile(file(name), typeof text === 'string' ? text : JSON.stringify(text));
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'triptych-captions-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('side-cars of every kind are found, in their order', async () => {
  await put('text.txt', '\ufeff\n  push the ball  \nmore\n');
  await put('both.txt', 'from text');
  await put('both.json', { label: 'Covering a cup with a cloth' });
  await put('plain.json', JSON.stringify('Opening a box'));
  await put('own.json', { instruction: 'Spinning stays as it is', caption: 'no' });
  await put('captions.json', { shared: 'Folding a towel', 'exact.mp4': { text: 'close the door' } });
  const finder = new CaptionFinder();
  const find = (clip: string) => finder.find(file(clip));
  expect(await find('text.mp4')).toEqual({ text: 'push the ball', instruction: 'push the ball' });
  expect((await find('both.mp4'))?.instruction).toBe('Cover a cup with a cloth');
  expect((await find('plain.webm'))?.instruction).toBe('Open a box');
  expect(await find('own.mp4')).toEqual({
    text: 'Spinning stays as it is',
    instruction: 'Spinning stays as it is',
  });
  expect((await find('shared.mov'))?.instruction).toBe('Fold a towel');
  expect((await find('exact.mp4'))?.instruction).toBe('close the door');
  expect(await find('none.mp4')).toBeUndefined();
});

test('a list as Something-Something v2 publishes it; its templates say what is dropped', async () => {
  await put('labels.json', [
    { id: 78687, label: 'putting a toilet roll on shelf', template: 'Putting [something] on [something]' },
    { id: '2', label: 'Pretending to open a box', template: 'Pretending to open [something]' },
    { id: '3', label: 'Pretending to eat' },
  ]);
  const finder = new CaptionFinder(file('labels.json'));
  const roll = await finder.find('/elsewhere/78687.webm');
  expect(roll).toEqual({ text: 'putting a toilet roll on shelf', instruction: 'Put a toilet roll on shelf' });
  expect((await finder.find('2.webm'))?.dropped).toBe('pretend');
  expect((await finder.find('3.webm'))?.dropped).toBe('pretend');
});

test('broken side-cars are named', async () => {
  await put('bad.json', '{');
  await put('number.json', { caption: 3 });
  await put('long.txt', 'x'.repeat(3000));
  await put('list.json', [{ label: 'no name' }]);
  const finder = new CaptionFinder();
  await expect(finder.find(file('bad.mp4'))).rejects.toThrow(/bad.json is not JSON/);
  await expect(finder.find(file('number.mp4'))).rejects.toThrow(/number.json must hold a caption/);
  await expect(finder.find(file('long.mp4'))).rejects.toThrow(/long.txt must hold a caption/);
  await expect(new CaptionFinder(file('list.json')).find('a.mp4')).rejects.toThrow(/entry 0 needs/);
  await expect(new CaptionFinder(file('absent.json')).find('a.mp4')).rejects.toThrow(/does not exist/);
});
