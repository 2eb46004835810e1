import { describe, expect, it } from 'vitest';
import { ApiError } from '../api/http.js';
import { DeskController, type DeskOptions } from './desk.js';

interface Position {
  readonly done: number;
}

/** A server in memory: one counter, names and tokens. */
function setUp(options: Partial<DeskOptions<string, Position>['api']> = {}) {
  const kept = new Map<string, string>();
  const names = new Set<string>();
  let done = 0;
  const known = (token: string): Position => {
    if (!names.has(token)) throw new ApiError('unknown', 404, 'unknown_person');
    return { done };
  };
  const api: DeskOptions<string, Position>['api'] = {
    info: async () => 'what to do',
    join: async (name, resume) => {
      if (names.has(name) && !resume) throw new ApiError('taken', 409, 'name_taken');
      names.add(name);
      return { token: name, done };
    },
    position: async (token) => known(token),
    undo: async (token) => {
      if (done === 0) throw new ApiError('nothing yet', 409, 'nothing_to_undo');
      done--;
      return known(token);
    },
    ...options,
  };
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
  const make = () => new DeskController({ api, storage, key: 'k' });
  const work = async (token: string) => {
    done++;
    return known(token);
  };
  return { make, work, kept, names };
}

describe('DeskController', () => {
  it('joins, works, undoes, and goes on in a new page', async () => {
    const { make, work, kept } = setUp();
    const desk = make();
    await desk.open();
    expect(desk.store.get()).toMatchObject({ phase: 'joining', info: 'what to do', busy: false });
    await desk.join('Ada');
    expect(desk.store.get()).toMatchObject({ phase: 'working', position: { done: 0 } });
    expect(kept.get('k')).toBe('Ada');
    expect(await desk.act(work)).toBe(true);
    expect(await desk.act(work)).toBe(true);
    await desk.undo();
    const again = make();
    await again.open();
    expect(again.store.get()).toMatchObject({ phase: 'working', position: { done: 1 } });
  });

  it('asks back when a name is taken', async () => {
    const { make, names } = setUp();
    names.add('Ada');
    const desk = make();
    await desk.open();
    await desk.join('Ada');
    expect(desk.store.get()).toMatchObject({ phase: 'joining', taken: 'Ada', error: undefined });
    await desk.join('Ada', true);
    expect(desk.store.get()).toMatchObject({ phase: 'working', taken: undefined });
  });

  it('does one thing at a time', async () => {
    const { make, work } = setUp();
    const desk = make();
    await desk.open();
    await desk.join('Ada');
    const first = desk.act(work);
    expect(desk.store.get().busy).toBe(true);
    expect(await desk.act(work)).toBe(false);
    expect(await first).toBe(true);
    expect(desk.store.get()).toMatchObject({ busy: false, position: { done: 1 } });
  });

  it('keeps the position when a call fails, and says why', async () => {
    const { make } = setUp();
    const desk = make();
    await desk.open();
    await desk.join('Ada');
    expect(await desk.undo()).toBe(false);
    expect(desk.store.get()).toMatchObject({ position: { done: 0 }, error: { code: 'nothing_to_undo' } });
  });

  it('begins anew when the server does not know the person any more', async () => {
    const { make, kept } = setUp();
    kept.set('k', 'somebody of another study');
    const desk = make();
    await desk.open();
    expect(desk.store.get()).toMatchObject({ phase: 'joining', error: { code: 'unknown_person' } });
    expect(desk.store.get().info).toBe('what to do');
    expect(kept.size).toBe(0);
    await desk.join('Ada');
    expect(desk.store.get()).toMatchObject({ phase: 'working', error: undefined });
    desk.leave();
    expect(desk.store.get()).toMatchObject({ phase: 'joining', position: undefined });
    expect(await desk.act(async () => ({ done: 9 }))).toBe(false);
  });

  it('stays open for another try when the server does not answer', async () => {
    let fails = true;
    const { make } = setUp({
      info: async () => {
        if (fails) throw new ApiError('offline', 0, 'offline');
        return 'now';
      },
    });
    const desk = make();
    await desk.open();
    expect(desk.store.get()).toMatchObject({ phase: 'opening', error: { code: 'offline' } });
    fails = false;
    await desk.open();
    expect(desk.store.get()).toMatchObject({ phase: 'joining', info: 'now', error: undefined });
  });
});
