/** The families of edits; the names are also the tasks in rows. */
export const editKinds = [
  'recolour',
  'resize',
  'rematerial',
  'reshape',
  'add',
  'remove',
  'move',
  'relate',
  'swap',
  'closer',
  'apart',
  'turn',
  'knock',
  'drop',
  'push',
  'fall',
  'roll',
  'floor',
  'light',
  'night',
] as const;
export type EditKind = (typeof editKinds)[number];

/** How an edit is worded: `test` uses paraphrases that training never sees. */
export type Wording = 'training' | 'test';

const templates: Record<EditKind, { training: readonly string[]; test: readonly string[] }> = {
  recolour: {
    training: ['make A B', 'change the color of A to B', 'A is now B'],
    test: ['paint A B', 'A has turned B'],
  },
  resize: {
    training: ['make A B', 'A becomes B', 'change A to be B'],
    test: ['A should be B', 'let A be B'],
  },
  rematerial: {
    training: ['make A out of B', 'change the material of A to B', 'A is made of B'],
    test: ['A should be of B', 'A has become B'],
  },
  reshape: {
    training: ['turn A into B', 'change A into B', 'A becomes B'],
    test: ['replace A by B', 'A has been replaced with B'],
  },
  add: {
    training: ['add A', 'put A into the scene', 'A appears'],
    test: ['place A in the picture', 'there is now A'],
  },
  remove: { training: ['remove A', 'take A away', 'A is gone'], test: ['get rid of A', 'A has disappeared'] },
  move: {
    training: ['move A B', 'shift A B', 'A has moved B'],
    test: ['slide A B', 'A now stands further B'],
  },
  relate: { training: ['put A B', 'move A B', 'A is now B'], test: ['place A B', 'A has been set B'] },
  swap: {
    training: ['swap A and B', 'exchange the positions of A and B', 'A and B have traded places'],
    test: ['let A and B change places', 'A now stands where B was and the other way round'],
  },
  closer: {
    training: ['bring A and B closer together', 'move A and B towards each other', 'A and B are closer'],
    test: ['reduce the gap between A and B', 'A and B have come nearer'],
  },
  apart: {
    training: ['move A and B apart', 'bring A and B further from each other', 'A and B are further apart'],
    test: ['widen the gap between A and B', 'A and B have drawn apart'],
  },
  turn: {
    training: ['turn A by 90 degrees', 'rotate A 90 degrees', 'A has been turned by 90 degrees'],
    test: ['give A a quarter turn', 'A faces sideways now'],
  },
  knock: {
    training: ['knock A over', 'topple A', 'A has fallen over'],
    test: ['tip A over', 'A now lies on its side'],
  },
  drop: {
    training: ['drop A', 'let A fall', 'A has dropped to the floor'],
    test: ['release A', 'A has landed'],
  },
  push: {
    training: ['push A into B', 'make A hit B', 'A has been pushed into B'],
    test: ['shove A against B', 'A has run into B'],
  },
  fall: {
    training: ['push A off the platform', 'make A fall off the platform', 'A has fallen off the platform'],
    test: ['knock A from its platform', 'A no longer stands on the platform'],
  },
  roll: {
    training: ['roll A down the ramp', 'let A roll down', 'A has rolled down the ramp'],
    test: ['release A on the slope', 'A is at the bottom of the ramp'],
  },
  floor: {
    training: ['make the floor B', 'change the floor to B', 'the floor is B'],
    test: ['paint the ground B', 'the ground has turned B'],
  },
  light: {
    training: ['light the scene from the B', 'move the light to the B', 'the light comes from the B'],
    test: ['let the lamp shine from the B', 'the lamp is on the B now'],
  },
  night: {
    training: ['make it night', 'turn day into night', 'it is night'],
    test: ['let it get dark', 'night has fallen'],
  },
};

/** All wordings of an edit, A and B filled in. */
export function instructions(kind: EditKind, wording: Wording, a = '', b = ''): string[] {
  return templates[kind][wording].map((t) => t.replace(/\b[AB]\b/g, (letter) => (letter === 'A' ? a : b)));
}
