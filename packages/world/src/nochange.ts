import type { Random } from './random.js';
import { holds, plainReferences, refer } from './refer.js';
import { type Colour, colours, type Scene, shapes } from './scene.js';
import { type EditKind, instructions, type Wording } from './wording.js';

/** An instruction asking for what already is, so that nothing should change. Adding and a viewpoint have none. */
export function noChangePrompt(
  scene: Scene,
  kind: EditKind,
  wording: Wording,
  r: Random,
  exclude: ReadonlySet<string> = new Set(),
): string | undefined {
  const a = r.pick(scene.objects);
  const A = refer(scene, a, r)?.text;
  const say = (k: EditKind, x = '', y = ''): string => r.pick(instructions(k, wording, x, y));
  if (kind === 'floor') return say('floor', '', scene.floor);
  if (kind === 'light') return say('light', '', scene.light.side);
  if (kind === 'night') return say('night', '', scene.light.time);
  const names = r.shuffle(Object.keys(colours) as Colour[]);
  if (kind === 'remove-all') {
    const absent = names.find((colour) => !scene.objects.some((o) => o.colour === colour));
    return absent && say('remove-all', `all ${absent} objects`);
  }
  if (kind === 'remove') {
    const absent = names
      .flatMap((colour) => r.shuffle(shapes).map((shape) => ({ colour, shape })))
      .find(
        ({ colour, shape }) =>
          !exclude.has(`${colour} ${shape}`) &&
          !scene.objects.some((o) => o.colour === colour && o.shape === shape),
      );
    return absent && say('remove', `the ${absent.colour} ${absent.shape}`);
  }
  if (A === undefined || kind === 'add' || kind === 'add-count' || kind === 'viewpoint') return undefined;
  if (kind === 'resize') return say('resize', A, a.size);
  if (kind === 'reshape') return say('reshape', A, `a ${a.shape}`);
  const side = scene.objects.find((b) => holds(a, 'left of', b));
  const B = side && plainReferences(scene, side)[0];
  if (B && kind !== 'recolour' && kind !== 'rematerial') return say('relate', A, `to the left of ${B.text}`);
  return say('recolour', A, a.colour);
}
