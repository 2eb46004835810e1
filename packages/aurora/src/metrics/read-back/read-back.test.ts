import type { Raster } from '@triptych/media';
import {
  type EditKind,
  editKinds,
  makePair,
  type Pair,
  random,
  render,
  type Scene,
  withObject,
} from '@triptych/world';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { isGlobal } from './candidates.js';
import { ReadBackJudge } from './read-back.js';

vi.setConfig({ testTimeout: 900_000, hookTimeout: 900_000 });

interface Case {
  readonly kind: EditKind;
  readonly pair: Pair;
  readonly judge: ReadBackJudge;
}

let cases: Case[];
beforeAll(async () => {
  cases = [];
  for (const kind of editKinds)
    for (let seed = 1_060_000_000; ; seed++) {
      const pair = await makePair(seed, { kinds: [kind] });
      if (!pair) continue;
      const { edit, first, last } = pair;
      const judge = new ReadBackJudge({
        source: first,
        target: last,
        before: edit.before,
        after: edit.after,
        kind,
      });
      cases.push({ kind, pair, judge });
      break;
    }
});

/** Grades by kind of what `output` makes of each pair; kinds for which it gives nothing are left out. */
function grades(output: (one: Case) => Raster | undefined): Record<string, string> {
  return Object.fromEntries(
    cases.flatMap((one) => {
      const picture = output(one);
      if (!picture) return [];
      const { width, height, data } = picture;
      const { score, reason } = one.judge.judge({ width, height, channels: 3, data });
      return [[one.kind, `${score} ${reason}`]];
    }),
  );
}
const allOf = (found: Record<string, string>, pattern: RegExp) =>
  expect(Object.entries(found).filter(([, grade]) => !pattern.test(grade))).toEqual([]);

/** Gaussian noise of a standard deviation in levels. */
function noisy(raster: Raster, levels: number): Raster {
  const r = random(5);
  const gauss = () => Math.sqrt(-2 * Math.log(1 - r.next())) * Math.cos(2 * Math.PI * r.next());
  return { ...raster, data: raster.data.map((v) => Math.min(255, Math.max(0, v + levels * gauss()))) };
}

/** Each pixel mixed with its four neighbours: about a Gaussian of 0.8 pixels. */
function blurred(raster: Raster): Raster {
  const { width, height, data } = raster;
  const out = data.slice();
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) {
        const at = (i: number, j: number): number =>
          data[3 * (Math.min(height - 1, Math.max(0, j)) * width + Math.min(width - 1, Math.max(0, i))) + c]!;
        const around = at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1);
        out[3 * (y * width + x) + c] = Math.round((2 * at(x, y) + around) / 6);
      }
  return { ...raster, data: out };
}

const draw = (scene: Scene): Raster => render(scene, { width: 64 });
const mixed = ({ pair: { first, last } }: Case, share: number): Raster => ({
  ...first,
  data: first.data.map((v, i) => Math.round(v + share * (last.data[i]! - v))),
});
const isWhole = ({ pair: { edit } }: Case): boolean => isGlobal(edit.before, edit.after);

describe('the read-back', () => {
  it('grades every target 100', () => {
    allOf(
      grades(({ pair }) => pair.last),
      /^100 done/,
    );
  });

  it('grades noisy and soft targets 100, or at least most of them', () => {
    const soft = grades(({ pair }) => noisy(blurred(pair.last), 6));
    expect(Object.values(soft).filter((grade) => grade === '100 done').length).toBeGreaterThanOrEqual(
      0.95 * cases.length,
    );
    allOf(soft, /^(100|50)/);
  });

  it('grades every source 0, also when it is soft or noisy', () => {
    for (const change of [(r: Raster) => r, (r: Raster) => noisy(r, 10), blurred])
      allOf(
        grades(({ pair }) => change(pair.first)),
        /^0 unchanged/,
      );
  });

  it('gives no 100 to half-faded mixes', () => {
    allOf(
      grades((one) => mixed(one, 0.5)),
      /^(50|0)/,
    );
    allOf(
      grades((one) => blurred(mixed(one, 0.5))),
      /^(50|0)/,
    );
  });

  it('grades random edits and noise 0', () => {
    const r = random(11);
    const patch = ({ pair: { first, edit } }: Case): Raster | undefined => {
      // Beside the objects of the edit: on them it may look like half of it.
      const isTarget = (i: number): boolean =>
        [...first.mask].some(
          (m, at) =>
            m > 0 && edit.targets.includes(edit.before.objects[m - 1]!.id) && Math.abs((at % 64) - i) < 16,
        );
      const left = [0, 8, 16, 24, 32, 40, 48].find((x) => !isTarget(x + 8));
      if (left === undefined || edit.targets.length > 1) return undefined;
      const data = first.data.slice();
      const colour = [r.index(256), r.index(256), r.index(256)];
      for (let y = 20; y < 44; y++) for (let x = left; x < left + 16; x++) data.set(colour, 3 * (64 * y + x));
      return { ...first, data };
    };
    for (const [kind, grade] of Object.entries(grades(patch)))
      expect([kind, grade]).toEqual([kind, expect.not.stringMatching(/^100/)]);
    const grey = ({ pair: { first } }: Case): Raster =>
      noisy({ ...first, data: first.data.map(() => 128) }, 60);
    allOf(grades(grey), /^0/);
  });

  it('grades changes of another object 0', () => {
    const wrong = (change: (scene: Scene, id: number) => Scene) => (one: Case) => {
      const { edit } = one.pair;
      const seen = edit.before.objects.filter(
        (o, i) => !edit.targets.includes(o.id) && one.pair.first.visible[i]! > 0.6,
      );
      return seen[0] && !isWhole(one) ? draw(change(edit.before, seen[0].id)) : undefined;
    };
    const recoloured = wrong((scene, id) => {
      const { colour } = scene.objects.find((o) => o.id === id)!;
      return withObject(scene, id, { colour: colour === 'yellow' ? 'blue' : 'yellow' });
    });
    const removed = wrong((scene, id) => ({ ...scene, objects: scene.objects.filter((o) => o.id !== id) }));
    allOf(grades(recoloured), /^0/);
    allOf(grades(removed), /^0/);
  });

  it('grades the right object with another colour 50', () => {
    const found = grades(({ pair: { edit } }) => {
      const asked = edit.after.objects.find((o) => o.id === edit.targets[0]);
      const was = edit.before.objects.find((o) => o.id === edit.targets[0]);
      if (!asked || edit.kind === 'add-count') return undefined;
      const other = (['yellow', 'blue', 'red'] as const).find(
        (c) => c !== asked.colour && c !== was?.colour,
      )!;
      return draw(withObject(edit.after, asked.id, { colour: other }));
    });
    expect(found.recolour).toBe('50 wrong-result');
    allOf(found, /^50/);
  });

  it('grades an object that is at its new place and at its old one 50', () => {
    const found = grades(({ kind, pair: { edit } }) => {
      const was = edit.before.objects.find((o) => o.id === edit.targets[0]);
      if (!was || !['move', 'relate', 'roll', 'fall', 'undermine'].includes(kind)) return undefined;
      return draw({ ...edit.after, objects: [...edit.after.objects, { ...was, id: 99 }] });
    });
    expect(Object.keys(found)).toHaveLength(5);
    allOf(found, /^50 left-behind/);
  });

  it('takes new objects at any free place, and moved ones a little off', () => {
    const add = cases.find(({ kind }) => kind === 'add')!;
    const { before, after, targets } = add.pair.edit;
    const free = [-1.6, -0.8, 0, 0.8, 1.6]
      .flatMap((x) => [-0.8, 0.4, 1.2].map((z) => [x, z] as const))
      .find(([x, z]) => before.objects.every((o) => Math.hypot(o.position[0] - x, o.position[2] - z) > 1.3))!;
    const object = after.objects.find((o) => o.id === targets[0])!;
    const elsewhere = withObject(after, object.id, { position: [free[0], object.position[1], free[1]] });
    expect(add.judge.judge(noisy(draw(elsewhere), 4))).toEqual({ score: 100, reason: 'done' });
    const move = cases.find(({ kind }) => kind === 'move')!;
    const moved = move.pair.edit.after.objects.find((o) => o.id === move.pair.edit.targets[0])!;
    const [x, y, z] = moved.position;
    const off = (by: number) =>
      draw(withObject(move.pair.edit.after, moved.id, { position: [x + by, y, z] }));
    expect(move.judge.judge(off(0.12)).score).toBe(100);
    expect(move.judge.judge(off(0.9)).score).toBe(50);
  });

  it('judges larger pictures and refuses others', () => {
    const { edit } = cases.find(({ kind }) => kind === 'recolour')!.pair;
    const [source, target] = [edit.before, edit.after].map((scene) => {
      const { width, height, data } = render(scene, { width: 128 });
      return { width, height, channels: 3 as const, data };
    }) as [Raster, Raster];
    const judge = new ReadBackJudge({
      source,
      target,
      before: edit.before,
      after: edit.after,
      kind: 'recolour',
    });
    expect(judge.judge(target).score).toBe(100);
    expect(judge.judge(source).score).toBe(0);
    expect(() => judge.judge(draw(edit.after))).toThrow(/output is 64 x 64, source 128 x 128/);
  });
});
