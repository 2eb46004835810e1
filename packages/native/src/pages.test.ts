import { constants } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type ArenaHandle,
  type Backing,
  COMMIT,
  openArena,
  pageBytes,
  RELEASE,
  systemErrorName,
} from './pages.js';

const page = pageBytes();
const backings: Backing[] = process.platform === 'linux' ? ['memfd', 'anonymous'] : ['anonymous'];
const open: ArenaHandle[] = [];

function arenaOf(backing: Backing, sizeBytes = 64 * page): ArenaHandle {
  const arena = openArena({ sizeBytes, backing, guard: false });
  if (typeof arena === 'number') throw new Error(systemErrorName(arena));
  open.push(arena);
  return arena;
}

afterEach(() => {
  for (const arena of open.splice(0)) arena.close();
});

describe.each(backings)('native arena, %s', (backing) => {
  it('commits, keeps data, releases', async () => {
    const arena = arenaOf(backing);
    const ranges = Float64Array.of(2 * page, page, 8 * page, 3);
    expect(arena.commit(ranges, 1)).toBe(0);
    expect(arena.resident()).toBe(3 * page);
    expect(arena.write(10 * page + 5, Uint8Array.of(1, 2, 3))).toBe(0);
    const back = new Uint8Array(4);
    expect(arena.read(10 * page + 5, back)).toBe(0);
    expect([...back]).toEqual([1, 2, 3, 0]);
    const ticket = arena.submit(ranges, 1, RELEASE);
    await arena.waitAsync(RELEASE, ticket);
    expect(arena.completed(RELEASE)).toBe(ticket);
    expect(arena.takeError(RELEASE, ticket)).toBe(0);
    expect(arena.resident()).toBe(0);
  });

  it('answers wrong arguments with a number, never a crash', () => {
    const arena = arenaOf(backing);
    const invalid = constants.errno.EINVAL;
    const loose = arena as unknown as Record<string, (...values: unknown[]) => unknown>;
    for (const values of [
      [],
      [null, 1],
      [[0, page, 0, 1], 1],
      [new Float32Array(4), 1],
      [new Float64Array(4), 2],
    ]) {
      expect(loose.commit?.(...values)).toBe(invalid);
      expect(loose.release?.(...values)).toBe(invalid);
      expect(loose.submit?.(...values, COMMIT)).toBe(0);
    }
    for (const bad of [-page, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60, 64 * page]) {
      expect(arena.commit(Float64Array.of(bad, page, 0, 1), 1)).toBe(invalid);
      expect(arena.commit(Float64Array.of(0, page, page, bad), 1)).toBe(invalid);
      expect(arena.write(bad, Uint8Array.of(1))).toBe(invalid);
    }
    expect(loose.read?.(0, new Uint16Array(2))).toBe(invalid);
    expect(loose.wait?.('x', {})).toBeUndefined();
    expect(openArena({ sizeBytes: 1, backing, guard: false })).toBe(invalid);
    expect(openArena({ sizeBytes: 2 ** 70, backing, guard: false })).toBe(invalid);
    expect(arena.resident()).toBe(0);
  });

  it('reports a job that failed in the background by its ticket', () => {
    const arena = arenaOf(backing);
    const ticket = arena.submit(Float64Array.of(63 * page, 2 * page, 0, 1), 1, COMMIT);
    arena.wait(COMMIT, ticket);
    expect(systemErrorName(arena.takeError(COMMIT, ticket))).toBe('EINVAL');
    expect(arena.takeError(COMMIT, ticket)).toBe(0);
  });

  it('answers EBADF after close, also when closed twice', async () => {
    const arena = arenaOf(backing);
    arena.submit(Float64Array.of(0, page, 0, 1), 1, COMMIT);
    arena.close();
    arena.close();
    expect(arena.commit(Float64Array.of(0, page, 0, 1), 1)).toBe(constants.errno.EBADF);
    expect(arena.resident()).toBe(-constants.errno.EBADF);
    expect(arena.completed(COMMIT)).toBe(0);
    await arena.waitAsync(COMMIT, 1);
  });
});
