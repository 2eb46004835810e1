import { COMMIT, RELEASE } from '@triptych/native';
import { describe, expect, it } from 'vitest';
import { kvGeometry } from './geometry.js';
import { Mapper } from './mapper.js';
import { openBacking } from './options.js';
import { LateArena } from './testing/late-arena.js';

const geometry = kvGeometry({
  layers: 2,
  maxTokens: 512,
  kvHeads: 4,
  headDim: 64,
  elementBytes: 2,
  slots: 4,
});

function open() {
  const arena = new LateArena(openBacking(geometry, false, undefined).arena, 0);
  return { arena, mapper: new Mapper(arena, geometry, false) };
}

describe('Mapper', () => {
  it('never takes a release for finished before a commit that went ahead of it', () => {
    const { arena, mapper } = open();
    mapper.commitAhead([{ slot: 0, groups: 9 }]);
    mapper.shrink(0, 1);
    // The worst moment: everything finishes between the first question about progress and the second.
    let questions = 0;
    const completed = arena.completed.bind(arena);
    arena.completed = (work) => {
      if (++questions === 1) return 0;
      for (const each of [COMMIT, RELEASE]) arena.wait(each, 1);
      return completed(work);
    };
    while (mapper.releasing[0]! > 0) mapper.settle();
    expect(mapper.commitNow([{ slot: 0, groups: 3 }])).toBe(true);
    mapper.settle();
    expect(mapper.ready[0]).toBe(3);
    expect(mapper.held[0]).toBe(3);
    expect(arena.resident()).toBe(3 * geometry.groupRowBytes);
    arena.close();
  });

  it('counts what is coming and what is going until it is there or gone', () => {
    const { arena, mapper } = open();
    mapper.commitAhead([
      { slot: 1, groups: 4 },
      { slot: 2, groups: 2 },
    ]);
    expect([mapper.countedGroups, mapper.ready[1]]).toEqual([6, 0]);
    mapper.waitFor(1);
    expect([mapper.countedGroups, mapper.ready[1], mapper.busy]).toEqual([6, 4, false]);
    expect(mapper.shrink(1, 1)).toBe(3);
    expect(mapper.shrink(1, 1)).toBe(0);
    expect([mapper.heldGroups, mapper.countedGroups]).toEqual([3, 6]);
    mapper.waitForReleases();
    expect([mapper.heldGroups, mapper.countedGroups]).toEqual([3, 3]);
    expect(arena.resident()).toBe(3 * geometry.groupRowBytes);
    arena.close();
  });

  it('keeps counting what the system did not take back', () => {
    const { arena, mapper } = open();
    mapper.commitNow([{ slot: 0, groups: 4 }]);
    arena.release = () => 1;
    mapper.shrink(0, 0);
    mapper.flush();
    expect([mapper.heldGroups, mapper.lostGroups, mapper.countedGroups]).toEqual([0, 4, 4]);
    arena.close();
  });
});
