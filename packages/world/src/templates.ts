import type { EditKind } from './wording.js';

/**
 * Sentences by kind; A and B are filled in. Imperative and declarative. Every word of a `test` sentence occurs in
 * some `training` sentence, and no `test` sentence is a `training` sentence of any kind: wording.test.ts asserts both.
 */
export const templates: Record<EditKind, { training: readonly string[]; test: readonly string[] }> = {
  recolour: {
    training: ['make A B', 'change the color of A to B', 'A is now B', 'paint A B', 'A has turned B'],
    test: ['turn A B', 'the color of A is now B', 'let A become B'],
  },
  resize: {
    training: ['make A B', 'A becomes B', 'change A to be B', 'change the size of A to B', 'A is now B'],
    test: ['let A be B', 'the size of A has become B', 'A has been made B'],
  },
  rematerial: {
    training: [
      'make A out of B',
      'change the material of A to B',
      'A is made of B',
      'A has become B',
      'let A be made of B',
    ],
    test: ['change A to be made out of B', 'the material of A is now B', 'A is now made of B'],
  },
  reshape: {
    training: [
      'turn A into B',
      'change A into B',
      'A becomes B',
      'replace A with B',
      'A has been replaced with B',
    ],
    test: ['make A into B', 'A has turned into B', 'let B replace A', 'A has become B now'],
  },
  add: {
    training: [
      'add A',
      'put A into the scene',
      'A appears',
      'place A in the scene',
      'there is now A',
      'A has been added to the scene',
    ],
    test: ['add A to the scene', 'A is now in the scene', 'place A on the floor'],
  },
  'add-count': {
    training: ['add A', 'put A into the scene', 'there are now A', 'A have been placed in the scene'],
    test: ['A have been added to the scene', 'A are now in the scene', 'let there be A'],
  },
  remove: {
    training: [
      'remove A',
      'take A away',
      'A is gone',
      'get rid of A',
      'A has been taken away',
      'A has disappeared from the scene',
    ],
    test: ['take A out of the scene', 'A has been removed from the scene', 'let A be gone'],
  },
  'remove-all': {
    training: ['remove A', 'take A away', 'A are gone', 'A have been removed from the scene'],
    test: ['get A out of the scene', 'A have disappeared', 'A have been taken away'],
  },
  move: {
    training: [
      'move A B',
      'shift A B',
      'A has moved B',
      'slide A B',
      'A now stands B',
      'A has been shifted B',
    ],
    test: ['let A slide B', 'let A move B', 'A has been moved B'],
  },
  relate: {
    training: ['put A B', 'move A B', 'A is now B', 'place A B', 'A has been put B', 'A now stands B'],
    test: ['shift A to be B', 'let A be put B', 'A has been placed B'],
  },
  swap: {
    training: [
      'swap A and B',
      'exchange the positions of A and B',
      'A and B have traded places',
      'let A and B change places',
      'A is now where B was and B is where A was',
    ],
    test: ['swap the places of A and B', 'let A and B exchange positions', 'A and B have traded positions'],
  },
  closer: {
    training: [
      'bring A and B closer together',
      'move A and B towards each other',
      'A and B are closer',
      'make the gap between A and B smaller',
    ],
    test: [
      'let A and B be closer to each other',
      'A and B have moved together',
      'the gap between A and B is smaller',
    ],
  },
  apart: {
    training: [
      'move A and B apart',
      'bring A and B further from each other',
      'A and B are further apart',
      'make the gap between A and B larger',
    ],
    test: [
      'bring A and B apart',
      'A and B have moved away from each other',
      'the gap between A and B is larger',
    ],
  },
  turn: {
    training: [
      'turn A by B',
      'rotate A B',
      'A has been turned by B',
      'make A turn B',
      'A is now rotated by B',
    ],
    test: ['rotate A by B', 'let A turn by B', 'A has been rotated B'],
  },
  flip: {
    training: ['flip A upside down', 'turn A upside down', 'A is now upside down', 'A has been flipped over'],
    test: ['flip A over', 'put A upside down', 'A has been turned upside down'],
  },
  knock: {
    training: [
      'knock A over',
      'topple A',
      'A has fallen over',
      'A has been tipped over',
      'A now lies on its side',
      'make A fall on its side',
    ],
    test: ['make A topple over', 'let A fall over', 'A is now on its side'],
  },
  drop: {
    training: [
      'drop A',
      'let A fall',
      'A has dropped to the floor',
      'let go of A',
      'A falls to the floor',
      'A has landed on the floor',
    ],
    test: ['let A drop to the floor', 'make A land on the floor', 'A has fallen on the floor'],
  },
  push: {
    training: [
      'push A into B',
      'make A hit B',
      'A has been pushed into B',
      'make A slide into B',
      'shove A against B',
      'A has hit B',
    ],
    test: ['push A against B', 'let A hit B', 'shove A into B'],
  },
  fall: {
    training: [
      'push A off the platform',
      'make A fall off the platform',
      'A has fallen off the platform',
      'knock A from the platform',
      'make A land beside the platform',
    ],
    test: ['knock A off the platform', 'let A fall from the platform', 'A has been pushed from the platform'],
  },
  roll: {
    training: [
      'roll A down the ramp',
      'let A roll down',
      'A has rolled down the ramp',
      'let go of A on the ramp',
      'A is now at the bottom of the ramp',
    ],
    test: ['make A roll down the ramp', 'let A roll off the ramp', 'A has rolled to the bottom of the ramp'],
  },
  floor: {
    training: [
      'make the floor B',
      'change the floor to B',
      'the floor is B',
      'paint the floor B',
      'the floor has turned B',
    ],
    test: ['change the color of the floor to B', 'turn the floor B', 'the floor is now B'],
  },
  light: {
    training: [
      'light the scene from the B',
      'move the light to the B',
      'the light comes from the B',
      'let the light shine from the B',
      'the light is now on the B',
    ],
    test: ['put the light on the B', 'make the light shine from the B side', 'the light has moved to the B'],
  },
  night: {
    training: [
      'make it B',
      'it is B',
      'let it become B',
      'change the time to B',
      'the time is now B',
      'it has become B in the scene',
    ],
    test: ['let it be B in the scene', 'it is now B', 'turn the time to B', 'make the scene B'],
  },
  undermine: {
    training: [
      'take the platform away and let A fall',
      'remove the platform under A',
      'the platform is gone and A has fallen to the floor',
      'take away the platform from under A',
      'A falls to the floor where the platform was',
    ],
    test: [
      'get rid of the platform and let A drop to the floor',
      'take the platform under A away',
      'the platform has disappeared and A has landed on the floor',
    ],
  },
  viewpoint: {
    training: [
      'look from further B',
      'look at the scene from further B',
      'move the camera further B',
      'the camera has moved further B',
      'the scene is seen from further B',
    ],
    test: [
      'shift the camera further B',
      'let the camera move further B',
      'the scene is now seen from further B',
    ],
  },
};
