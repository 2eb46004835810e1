import { random } from '@triptych/world';
import type { PeopleDatabase } from '../people/database.js';
import { PeopleError } from '../people/errors.js';
import { digestOf } from '../people/picture.js';
import { type CheckedItem, itemKey, type StudyItem } from './study-item.js';

/** A value that is kept with the study. */
export function settingOf(database: PeopleDatabase, key: string): string | undefined {
  return database.get<{ value: string }>('SELECT value FROM study WHERE key = ?', [key])?.value;
}

const digestOfAll = (items: readonly CheckedItem[]): string =>
  digestOf(Buffer.from(items.map(({ digest }) => digest).join()));

/** Fills a new database. */
export function beginStudy(database: PeopleDatabase, items: readonly CheckedItem[], seed: number): void {
  database.transaction(() => {
    database.runMany(
      'INSERT INTO output (task, item, model, instruction, digest) VALUES (?, ?, ?, ?, ?)',
      items.map(({ task, item, model, instruction, digest }) => [task, item, model, instruction, digest]),
    );
    database.runMany('INSERT INTO study (key, value) VALUES (?, ?)', [
      ['digest', digestOfAll(items)],
      ['seed', String(seed)],
      ['begun', new Date().toISOString()],
    ]);
  });
}

/**
 * Checks that a study goes on with the items it began with.
 * @param begun `settingOf` "digest"
 * @throws PeopleError `other-study` naming what is different
 */
export function requireSameItems(
  database: PeopleDatabase,
  begun: string,
  items: readonly CheckedItem[],
): void {
  if (begun === digestOfAll(items)) return;
  const known = new Set(
    database.all<{ digest: string }>('SELECT digest FROM output').map(({ digest }) => digest),
  );
  const other = items.find(({ digest }) => !known.has(digest));
  const why =
    other === undefined
      ? `it has ${known.size} outputs, these results have ${items.length}`
      : `it does not have what ${other.model} made of item ${other.item} of task ${other.task}`;
  throw new PeopleError(
    'other-study',
    `${database.path} belongs to another study: ${why}; give the results it began with (and the same perTask and seed), or a new file`,
    { field: 'database' },
  );
}

/** The same items of each task for all models; all of them when there are no more than `perTask`. */
export function drawItems(items: readonly StudyItem[], perTask: number, seed: number): readonly StudyItem[] {
  const byTask = new Map<string, Set<string>>();
  for (const one of items) byTask.set(one.task, (byTask.get(one.task) ?? new Set()).add(one.item));
  const drawn = new Set<string>();
  // The stream is far from those of the orders, which are numbered by rater.
  const r = random(seed, 1 << 30);
  for (const [task, names] of byTask) {
    const sorted = [...names].sort();
    const chosen = names.size > perTask ? r.shuffle(sorted).slice(0, perTask) : sorted;
    for (const item of chosen) drawn.add(itemKey({ task, item }));
  }
  return items.filter((one) => drawn.has(itemKey(one)));
}
