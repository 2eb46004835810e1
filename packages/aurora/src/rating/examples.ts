import { encodeImage } from '@triptych/media';
import {
  type Frame,
  random,
  render,
  restHeight,
  type Scene,
  upright,
  type WorldObject,
  withObject,
} from '@triptych/world';
import type { Score } from './protocol.js';

/** A rated edit to learn from. */
export interface RatingExample {
  readonly instruction: string;
  readonly score: Score;
  /** Why it gets this score. */
  readonly reason: string;
  readonly source: Scene;
  /** What the edit made; `grain` adds noise to its picture. */
  readonly output: Scene;
  readonly grain?: boolean;
}

const ball = thing(1, 'sphere', 'blue', [-1.1, 0.9]);
const cube = thing(2, 'cube', 'red', [0.55, -0.4]);
const cone = thing(3, 'cone', 'yellow', [-0.5, -1]);

const table: Scene = {
  seed: 0,
  camera: { position: [0.4, 3.8, 5.9], target: [0, 0.25, 0], fieldOfView: 41 },
  light: { side: 'left', time: 'day' },
  floor: 'beige',
  objects: [ball, cube, cone],
  props: [],
};
const instruction = 'Move the blue ball to the right of the red cube.';
const moved = withObject(table, ball.id, { position: [1.75, restHeight(ball), 0.2] });

/** Examples of all levels in a toy world, so that they are about no picture of any study. */
export const ratingExamples: readonly RatingExample[] = [
  {
    instruction,
    score: 100,
    reason:
      'The ball is where it should be, and nothing else has changed. That its shadow went along is right.',
    source: table,
    output: moved,
  },
  {
    instruction,
    score: 50,
    reason: 'A ball is where it should be, but the old one stayed behind: half an edit.',
    source: table,
    output: { ...moved, objects: [...moved.objects, { ...ball, id: 4 }] },
  },
  {
    instruction,
    score: 50,
    reason: 'The ball was moved rightly, but the cube changed its colour and nobody asked for that.',
    source: table,
    output: withObject(moved, cube.id, { colour: 'green' }),
  },
  {
    instruction,
    score: 0,
    reason: 'Another thing was moved and the ball stayed. A picture without any change gets 0 as well.',
    source: table,
    output: withObject(table, cone.id, { position: [1.75, restHeight(cone), 0.2] }),
  },
  {
    instruction,
    score: 100,
    reason: 'Grainy, but the edit is what was asked. Beauty is not judged.',
    source: table,
    output: moved,
    grain: true,
  },
];

/** Pictures of the examples. Several show the same scene: each is rendered once, when it is first asked for. */
export class ExamplePictures {
  readonly #side: number;
  readonly #frames = new Map<Scene, Frame>();

  /** @param side pixels; rendering holds up everything else for a tenth of a second at 192 */
  constructor(side = 192) {
    this.#side = side;
  }

  /** PNG. */
  async picture(example: RatingExample, which: 'source' | 'output'): Promise<Uint8Array> {
    const scene = example[which];
    const frame = this.#frames.get(scene) ?? render(scene, { width: this.#side });
    this.#frames.set(scene, frame);
    const { width, height, channels, data } = frame;
    const r = random(7);
    const grain = which === 'output' && example.grain === true ? 34 : 0;
    const noisy = grain === 0 ? data : data.map((level) => clip(level + r.between(-grain, grain)));
    return encodeImage({ width, height, channels, data: noisy });
  }
}

const clip = (level: number): number => Math.min(255, Math.max(0, Math.round(level)));

function thing(
  id: number,
  shape: WorldObject['shape'],
  colour: WorldObject['colour'],
  [x, z]: readonly [number, number],
): WorldObject {
  const object = { id, shape, colour, material: 'matte', size: 'large', rotation: upright } as const;
  return { ...object, position: [x, restHeight(object), z] };
}
