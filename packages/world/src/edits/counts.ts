import { freePlace } from '../sample-scene.js';
import { type Colour, colours, type Scene, type Size, shapes, sizes, type WorldObject } from '../scene.js';
import type { Draft, Edit, Maker } from './draft.js';

type Look = Pick<WorldObject, 'shape' | 'colour' | 'material' | 'size'>;

/** A look no object of the scene has. */
function newLook({ before, r }: Draft): Look | undefined {
  const look = {
    shape: r.pick(shapes),
    colour: r.pick(Object.keys(colours) as Colour[]),
    material: 'matte' as const,
    size: r.pick(Object.keys(sizes) as Size[]),
  };
  return before.objects.some((o) => o.shape === look.shape && o.colour === look.colour) ? undefined : look;
}

/** The scene with so many more of one look, or undefined when there is no room. */
function withMore(scene: Scene, look: Look, count: number, draft: Draft): Scene | undefined {
  let after = scene;
  for (let i = 0; i < count; i++) {
    const position = freePlace(after, look, draft.r);
    if (!position) return undefined;
    const id = 1 + Math.max(...after.objects.map((o) => o.id));
    after = { ...after, objects: [...after.objects, { id, ...look, position, rotation: [0, 0, 0, 1] }] };
  }
  return after;
}

const newIds = (before: Scene, after: Scene): number[] =>
  after.objects.filter((o) => !before.objects.some(({ id }) => id === o.id)).map(({ id }) => id);

/** Groups that one noun phrase names: all of a colour or of a shape, two or more, with somebody left over. */
function groups(scene: Scene): { noun: string; members: readonly WorldObject[] }[] {
  const found = new Map<string, WorldObject[]>();
  for (const o of scene.objects)
    for (const noun of [`${o.colour} objects`, `${o.shape}s`, `${o.size} objects`, `${o.size} ${o.shape}s`])
      found.set(noun, [...(found.get(noun) ?? []), o]);
  return [...found]
    .filter(([, { length }]) => length >= 2 && length < scene.objects.length)
    .map(([noun, members]) => ({ noun, members }));
}

/** Edits of how many objects there are. */
export const countEdits = {
  add(draft) {
    const look = newLook(draft);
    const after = look && withMore(draft.before, look, 1, draft);
    if (!after) return undefined;
    return draft.done(after, draft.say(`a ${look.size} ${look.colour} ${look.shape}`), {
      targets: newIds(draft.before, after),
      references: [],
      inverse: draft.say(`the ${look.colour} ${look.shape}`, '', 'remove'),
    });
  },
  'add-count'(draft) {
    const look = newLook(draft);
    const count = draft.r.pick([2, 2, 3]);
    const after = look && withMore(draft.before, look, count, draft);
    if (!after) return undefined;
    return draft.done(after, draft.say(`${count} ${look.size} ${look.colour} ${look.shape}s`), {
      targets: newIds(draft.before, after),
      references: [],
      inverse: draft.say(`all ${look.colour} ${look.shape}s`, '', 'remove-all'),
    });
  },
  remove(draft): Edit | undefined {
    const { a, before } = draft;
    if (before.objects.length < 2) return undefined;
    const after = { ...before, objects: before.objects.filter((o) => o !== a) };
    return draft.done(after, draft.say(draft.A.text), {
      inverse: draft.say(`a ${a.size} ${a.colour} ${a.shape}`, '', 'add'),
    });
  },
  'remove-all'(draft) {
    const { before, r } = draft;
    const possible = groups(before);
    if (possible.length === 0) return undefined;
    const { noun, members } = r.pick(possible);
    const after = { ...before, objects: before.objects.filter((o) => !members.includes(o)) };
    const phrase = r.pick([`all ${noun}`, `all ${noun}`, `the ${members.length} ${noun}`]);
    return draft.done(after, draft.say(phrase), { targets: members.map(({ id }) => id), references: [] });
  },
} satisfies Record<string, Maker>;
