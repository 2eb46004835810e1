import type { Scene, WorldObject } from './scene.js';

/** (colour, shape) pairs that training never shows nor names; the relative task requires them. */
export const heldOutPairs: ReadonlySet<string> = new Set([
  'red cube',
  'green sphere',
  'blue cone',
  'yellow cylinder',
  'purple brick',
  'cyan cube',
  'orange sphere',
  'grey cone',
]);

/** How a (colour, shape) pair is written in `heldOutPairs`. */
export const lookOf = ({ colour, shape }: Pick<WorldObject, 'colour' | 'shape'>): string =>
  `${colour} ${shape}`;

/** True when a scene shows one of these pairs. */
export const showsAny = (scene: Scene, pairs: ReadonlySet<string>): boolean =>
  scene.objects.some((object) => pairs.has(lookOf(object)));
