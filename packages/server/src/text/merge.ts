/**
 * @module
 * Interleaves several asynchronous sequences in the order their items arrive.
 */

/**
 * Yields `[index of the source, item]`. The first failure is thrown; leaving early or failing closes every
 * source. Meant for tens of sources (each item costs a race over all of them).
 */
export async function* merge<Item>(
  sources: readonly AsyncIterable<Item>[],
): AsyncGenerator<readonly [number, Item]> {
  const iterators = sources.map((source) => source[Symbol.asyncIterator]());
  const take = async (index: number): Promise<readonly [number, IteratorResult<Item>]> => {
    const iterator = iterators[index];
    if (iterator === undefined) throw new RangeError(`no source ${index}`);
    return [index, await iterator.next()];
  };
  const pending = new Map(iterators.map((_, index) => [index, take(index)]));
  try {
    while (pending.size > 0) {
      const [index, result] = await Promise.race(pending.values());
      if (result.done === true) {
        pending.delete(index);
        continue;
      }
      pending.set(index, take(index));
      yield [index, result.value];
    }
  } finally {
    // Sources that fail from here on have nobody to tell; each still gets its turn to clean up.
    for (const [index, promise] of pending) {
      promise.catch(() => undefined);
      void Promise.resolve(iterators[index]?.return?.()).catch(() => undefined);
    }
  }
}
