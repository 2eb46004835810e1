import { type Floor, floors, type Scene } from '../scene.js';
import type { Draft, Edit, Maker } from './draft.js';

/** A change of the whole scene: nobody is named. */
export function whole(draft: Draft, before: Scene, after: Scene, word: string, old: string): Edit {
  return draft.done(after, draft.say('', word), {
    before,
    targets: [],
    references: [],
    inverse: draft.say('', old),
  });
}

/** Edits of floor and light. */
export const globalEdits = {
  floor(draft) {
    const { before } = draft;
    const floor = draft.other(Object.keys(floors) as Floor[], before.floor);
    return whole(draft, before, { ...before, floor }, floor, before.floor);
  },
  light(draft) {
    const { before } = draft;
    const side = before.light.side === 'left' ? 'right' : 'left';
    return whole(draft, before, { ...before, light: { ...before.light, side } }, side, before.light.side);
  },
  night(draft) {
    const day: Scene = { ...draft.before, light: { ...draft.before.light, time: 'day' } };
    const night: Scene = { ...day, light: { ...day.light, time: 'night' } };
    return draft.r.next() < 0.65
      ? whole(draft, day, night, 'night', 'day')
      : whole(draft, night, day, 'day', 'night');
  },
} satisfies Record<string, Maker>;
