import { isFree } from '../sample-scene.js';
import {
  type Colour,
  colours,
  type Material,
  materials,
  restHeight,
  type Shape,
  shapes,
  type WorldObject,
} from '../scene.js';
import type { Draft, Maker } from './draft.js';

/** The object with a change, standing on the floor again. */
function stand(object: WorldObject, change: Partial<WorldObject>): Partial<WorldObject> {
  const next = { ...object, ...change };
  return { ...change, position: [next.position[0], restHeight(next), next.position[2]] };
}

/** Changes fields of `a`; `word` names the new value, `old` the former. */
function alter(draft: Draft, fields: Partial<WorldObject>, word: string, old: string) {
  const after = draft.change(fields);
  const name = draft.nameIn(after);
  return draft.done(after, draft.say(draft.A.text, word), {
    inverse: name && draft.say(name.text, old),
    inverseReferences: [name],
  });
}

const materialWord = (material: Material): string => (material === 'matte' ? 'matte plastic' : material);

/** Edits of one object's look. */
export const attributeEdits = {
  recolour(draft) {
    const colour = draft.other(Object.keys(colours) as Colour[], draft.a.colour);
    return alter(draft, { colour }, colour, draft.a.colour);
  },
  resize(draft) {
    const { a, before } = draft;
    const size = a.size === 'small' ? 'large' : 'small';
    if (!isFree(before, { ...a, size }, a.position, a.id)) return undefined;
    return alter(draft, stand(a, { size }), size, a.size);
  },
  rematerial(draft) {
    const material = draft.other(materials, draft.a.material);
    return alter(draft, { material }, materialWord(material), materialWord(draft.a.material));
  },
  reshape(draft) {
    const { a, before } = draft;
    const shape: Shape = draft.other(shapes, a.shape);
    if (!isFree(before, { ...a, shape }, a.position, a.id)) return undefined;
    return alter(draft, stand(a, { shape }), `a ${shape}`, `a ${a.shape}`);
  },
} satisfies Record<string, Maker>;
