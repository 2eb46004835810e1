import { PeopleError } from '../people/errors.js';
import { digestOf, readPicture } from '../people/picture.js';

/** One output to rate: what a model made of one benchmark item. */
export interface StudyItem {
  /** The item's id within its task, the same for every model. */
  readonly item: string;
  readonly task: string;
  /** The model's name, or of a row that stands beside models (copy). Raters never see it. */
  readonly model: string;
  readonly instruction: string;
  /** Picture files: before, what the model made, and a right result where the benchmark has one. */
  readonly source: string;
  readonly output: string;
  readonly target?: string;
}

/** An item whose pictures have been read once. */
export interface CheckedItem extends StudyItem {
  /** SHA-256 over task, item, model, instruction and the pictures' bytes, hexadecimal; paths do not count. */
  readonly digest: string;
  readonly sourceDigest: string;
  readonly outputDigest: string;
  readonly targetDigest?: string;
}

/**
 * Checks that items make a study: every model has every item once, with the same instruction and source; all pictures
 * are there. The result is sorted by task, item, model, whatever order the folders came in.
 *
 * @throws PeopleError `bad-items` naming the first item that is wrong, `bad-image`; the signal's reason
 */
export async function checkItems(
  items: readonly StudyItem[],
  options: {
    readonly signal?: AbortSignal;
    readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
  } = {},
): Promise<readonly CheckedItem[]> {
  if (items.length === 0) throw new PeopleError('bad-items', 'there are no results to rate');
  requireComplete(items);
  const sorted = [...items].sort(
    (a, b) => compare(a.task, b.task) || compare(a.item, b.item) || compare(a.model, b.model),
  );
  const digests = new Map<string, string>();
  const digest = async (path: string): Promise<string> => {
    const known = digests.get(path) ?? digestOf(await readPicture(path, options.signal));
    digests.set(path, known);
    return known;
  };
  const checked: CheckedItem[] = [];
  for (const item of sorted) {
    options.signal?.throwIfAborted();
    const sourceDigest = await digest(item.source);
    const outputDigest = await digest(item.output);
    const targetDigest = item.target === undefined ? undefined : await digest(item.target);
    const { task, model, instruction } = item;
    const all = [task, item.item, model, instruction, sourceDigest, outputDigest, targetDigest ?? ''];
    checked.push({
      ...item,
      digest: digestOf(Buffer.from(JSON.stringify(all))),
      sourceDigest,
      outputDigest,
      ...(targetDigest === undefined ? {} : { targetDigest }),
    });
    options.onProgress?.({ done: checked.length, total: sorted.length });
  }
  requireSameSources(checked);
  return checked;
}

/** What identifies an item over models. */
export const itemKey = ({ task, item }: Pick<StudyItem, 'task' | 'item'>): string =>
  JSON.stringify([task, item]);

function requireComplete(items: readonly StudyItem[]): void {
  const models = new Set(items.map(({ model }) => model));
  const byItem = new Map<string, Map<string, StudyItem>>();
  for (const one of items) {
    const outputs = byItem.get(itemKey(one)) ?? new Map<string, StudyItem>();
    byItem.set(itemKey(one), outputs);
    if (outputs.has(one.model))
      throw bad(one, `has two outputs of ${one.model}: give every result folder once`);
    const other = outputs.values().next().value;
    if (other !== undefined && other.instruction !== one.instruction)
      throw bad(one, `has another instruction for ${one.model} than for ${other.model}`);
    outputs.set(one.model, one);
  }
  for (const outputs of byItem.values())
    for (const model of models)
      if (!outputs.has(model))
        throw bad(
          outputs.values().next().value!,
          `has no output of ${model}: finish that benchmark, or leave the model out`,
        );
}

function requireSameSources(items: readonly CheckedItem[]): void {
  const first = new Map<string, CheckedItem>();
  for (const item of items) {
    const other = first.get(itemKey(item)) ?? item;
    first.set(itemKey(item), other);
    if (other.sourceDigest !== item.sourceDigest)
      throw bad(item, `has another source for ${item.model} than for ${other.model}`);
  }
}

function bad(item: StudyItem, what: string): PeopleError {
  return new PeopleError('bad-items', `item ${item.item} of task ${item.task} ${what}`);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
