import type { Raster } from '@triptych/media';
import { halfExtents, type Scene, type Vec3 } from '@triptych/world';
import { checkSameSize } from '../pixels.js';
import {
  alternatives,
  type Change,
  changesOf,
  globalMisses,
  isGlobal,
  isMoved,
  type NearMiss,
  nearMisses,
} from './candidates.js';
import { type Comparison, compare, limits } from './compare.js';
import { locate, refine } from './locate.js';
import { type View, Views } from './view.js';
import {
  distance,
  distancesWhereDifferent,
  softer,
  toWorkImage,
  type WorkImage,
  workFactor,
} from './work-image.js';

/** What is known of an edit. */
export interface EditTruth {
  readonly source: Raster;
  readonly target: Raster;
  readonly before: Scene;
  readonly after: Scene;
  /** Kind of the edit; `knock` and `fall` may go to either side. */
  readonly kind: string;
}

/** Why an output got its score. */
export type ReadBackReason =
  /** 100: the state asked for is there and nothing else changed. */
  | 'done'
  /** 50: the right object changed, but only in part, or something of the old state is still seen. */
  | 'partial'
  /** 50: it is where it should be, and where it was. */
  | 'left-behind'
  /** 50: it is gone from where it was, and not where it should be. */
  | 'missing'
  /** 50: it went to another place than asked. */
  | 'wrong-place'
  /** 50: another colour, shape, material, size, floor or light than asked. */
  | 'wrong-result'
  /** 50: done, but something else changed as well. */
  | 'also-changed'
  /** 0: nothing that was asked for happened. */
  | 'unchanged'
  /** 0: something else changed instead. */
  | 'wrong-object'
  /** 0: large parts of the picture look different. */
  | 'destroyed';

/** The grade of human raters, 0 / 50 / 100, read from the picture. */
export interface ReadBack {
  readonly score: 0 | 50 | 100;
  readonly reason: ReadBackReason;
}

const scores: Record<ReadBackReason, ReadBack['score']> = {
  done: 100,
  partial: 50,
  'left-behind': 50,
  missing: 50,
  'wrong-place': 50,
  'wrong-result': 50,
  'also-changed': 50,
  unchanged: 0,
  'wrong-object': 0,
  destroyed: 0,
};

const destroyedShare = 0.15;
const maxSoftness = 4;

/**
 * Reads object states from outputs of one edit, by synthesis: the renderer is known, so the output is compared with
 * pictures of what may be there. No learned judge, the same answer always.
 *
 * Each object of the edit must be seen as asked where it should be and no longer be seen where it was; elsewhere
 * nothing may look different. Places may be off by 0.3 of the way moved (0.15 to 0.6 m); a new object may stand
 * anywhere, since no instruction says where. Pictures are judged at about 64 pixels a side.
 */
export class ReadBackJudge {
  readonly #truth: EditTruth;
  readonly #views: Views;
  readonly #before: View;
  readonly #asked: View;
  readonly #changes: readonly Change[];
  readonly #isGlobal: boolean;
  #softness = 0;

  /** @throws AuroraError `ARGUMENT` for pictures of different sizes or not RGB */
  constructor(truth: EditTruth) {
    checkSameSize({ source: truth.source, target: truth.target });
    this.#truth = truth;
    const factor = workFactor(truth.source);
    this.#views = new Views({
      width: Math.floor(truth.source.width / factor),
      height: Math.floor(truth.source.height / factor),
    });
    this.#before = { ...this.#views.of(truth.before), image: toWorkImage(truth.source) };
    this.#asked = { ...this.#views.of(truth.after), image: toWorkImage(truth.target) };
    this.#isGlobal = isGlobal(truth.before, truth.after);
    this.#changes = this.#isGlobal ? [] : changesOf(truth.before, truth.after);
  }

  /** @throws AuroraError `ARGUMENT` for an output of another size than the source */
  judge(output: Raster): ReadBack {
    checkSameSize({ source: this.#truth.source, output });
    const reason = this.#reason(toWorkImage(output));
    return { score: scores[reason], reason };
  }

  /** An output softer than the source is compared with pictures as soft as it is. */
  #soften(view: View): View {
    let { image } = view;
    for (let i = 0; i < this.#softness; i++) image = softer(image);
    return { ...view, image };
  }

  #softnessOf(output: WorkImage): number {
    let best = 0;
    let bestDistance = Number.POSITIVE_INFINITY;
    // Where nothing was to change; else half a change would look like softness. Light and floor change nearly all.
    const { data: was } = this.#before.image;
    const { data: asked } = this.#asked.image;
    const isRest = (i: number): boolean =>
      Math.hypot(asked[i]! - was[i]!, asked[i + 1]! - was[i + 1]!, asked[i + 2]! - was[i + 2]!) < 1;
    for (const { image } of this.#isGlobal ? [this.#before, this.#asked] : [this.#before])
      for (let level = 0, soft = image; level <= maxSoftness; level++, soft = softer(soft)) {
        let d = 0;
        for (let i = 0; i < output.data.length; i += 3) {
          if (!this.#isGlobal && !isRest(i)) continue;
          for (let c = i; c < i + 3; c++) d += (output.data[c]! - soft.data[c]!) ** 2;
        }
        if (d >= bestDistance) continue;
        bestDistance = d;
        best = level;
      }
    return best;
  }

  #compare(output: WorkImage, asked: View, changes = this.#changes): Comparison {
    return compare(this.#soften(this.#before), this.#soften(asked), output, changes);
  }

  #reason(output: WorkImage): ReadBackReason {
    this.#softness = this.#softnessOf(output);
    const asked = this.#nearestAcceptable(output);
    const comparison = this.#compare(output, asked);
    if (comparison.isDone && comparison.restIsKept)
      return this.#isNearMiss(output, asked) ? 'wrong-result' : 'done';
    if (this.#isGlobal) return this.#globalReason(output, comparison);
    if (comparison.restShare > destroyedShare) return 'destroyed';
    if (!comparison.regions.some(({ isTouched }) => isTouched))
      return comparison.restIsKept ? 'unchanged' : 'wrong-object';
    if (!comparison.restIsKept) {
      if (comparison.isDone && !this.#isNearMiss(output, asked)) return 'also-changed';
      return this.#isElsewhere(output, comparison) ? 'wrong-place' : 'wrong-object';
    }
    const done = (role: 'old' | 'new'): boolean =>
      comparison.regions.filter((region) => region.role === role).every(({ isDone }) => isDone);
    const isMove = this.#changes.some(isMoved);
    if (isMove && done('new') && !done('old')) return 'left-behind';
    if (isMove && done('old') && !done('new')) return 'missing';
    return 'partial';
  }

  /** The acceptable scene the output looks most like: target, its alternatives, and these with places adjusted. */
  #nearestAcceptable(output: WorkImage): View {
    const { kind, before, after } = this.#truth;
    let best = this.#asked;
    let bestDistance = distance(output, best.image);
    const consider = (view: View): void => {
      const d = distance(output, view.image);
      if (d >= bestDistance) return;
      bestDistance = d;
      best = view;
    };
    if (this.#changes.some((change) => change.before === undefined)) {
      const comparison = this.#compare(output, best);
      if (!comparison.isDone || !comparison.restIsKept) consider(this.#withNewObjects(output));
      return best;
    }
    for (const scene of alternatives(kind, before, after)) consider(this.#views.of(scene));
    const moved = this.#changes.filter(isMoved);
    if (moved.length === 0) return best;
    const comparison = this.#compare(output, best);
    if (comparison.isDone && comparison.restIsKept) return best;
    // Only worth the search when the object is there at least in part.
    if (!comparison.regions.some(({ role, share }) => role === 'new' && share > 0.3)) return best;
    let scene = best.scene;
    for (const { id, before: from } of moved) {
      const to = scene.objects.find((o) => o.id === id)!.position;
      const way = Math.hypot(...to.map((x, i) => x - from!.position[i]!));
      const tolerance = Math.min(0.6, Math.max(0.15, 0.3 * way));
      const isAllowed = (place: Vec3): boolean =>
        Math.hypot(place[0] - to[0], place[2] - to[2]) <= tolerance * 1.001;
      scene = refine(this.#views, output, scene, id, [tolerance / 2, tolerance / 4], isAllowed);
    }
    if (scene !== best.scene) consider(this.#views.once(scene));
    return best;
  }

  /** The scene before with the new objects where the output seems to have them. */
  #withNewObjects(output: WorkImage): View {
    const added = this.#changes.flatMap(({ before, after }) => (before || !after ? [] : [after]));
    let scene: Scene = this.#truth.before;
    for (const object of added) {
      const place: Vec3 = [0, halfExtents(object)[1], 0];
      const looks = [
        object,
        ...nearMisses({ ...scene, objects: [object] }, [object.id]).flatMap(
          ({ scene: { objects } }) => objects,
        ),
      ];
      const found = locate(this.#views, output, scene, { ...object, position: place }, limits.visible, looks);
      // Those that are nowhere stay where the target has them: they count as not done.
      scene = found ?? { ...scene, objects: [...scene.objects, object] };
    }
    return this.#views.once(scene);
  }

  /** Whether a scene that is nearly what was asked for explains the output better. */
  #isNearMiss(output: WorkImage, asked: View): boolean {
    const misses: NearMiss[] = this.#isGlobal
      ? globalMisses(asked.scene)
      : nearMisses(
          asked.scene,
          this.#changes.map(({ id }) => id),
        );
    if (misses.length === 0) return false;
    // All from the same renderer: the target's file may come from another version of it. Softened as the output is.
    const wanted = this.#soften(this.#views.of(asked.scene)).image;
    const isBetter = (image: WorkImage): boolean => {
      const { toA, toB } = distancesWhereDifferent(output, wanted, image);
      return toB < 0.85 * toA;
    };
    return misses.some(({ scene }) => isBetter(this.#soften(this.#views.of(scene)).image));
  }

  /** Whether an object of the edit was taken to another place than asked. */
  #isElsewhere(output: WorkImage, { regions }: Comparison): boolean {
    for (const { id, before } of this.#changes.filter(isMoved)) {
      const isVacated = regions.some((r) => r.id === id && r.role === 'old' && r.share > 0.5);
      if (!before || !isVacated) continue;
      const base: Scene = {
        ...this.#truth.before,
        objects: this.#truth.before.objects.filter((o) => o.id !== id),
      };
      const place: Vec3 = [before.position[0], halfExtents(before)[1], before.position[2]];
      const found = locate(this.#views, output, base, { ...before, position: place }, limits.visible);
      if (!found) continue;
      const view = this.#views.once(found);
      const comparison = this.#compare(output, view, [{ id, before, after: found.objects.at(-1)! }]);
      if (comparison.isDone && comparison.restIsKept) return true;
    }
    return false;
  }

  #globalReason(output: WorkImage, { regions, isDone, restShare }: Comparison): ReadBackReason {
    if (isDone) return restShare > destroyedShare ? 'destroyed' : 'also-changed';
    const isFloor = this.#truth.before.floor !== this.#truth.after.floor;
    const others = globalMisses(this.#truth.after).filter(
      ({ scene, what }) => (what === 'floor') === isFloor && isGlobal(scene, this.#truth.before),
    );
    for (const { scene } of others) {
      const other = this.#compare(output, this.#views.of(scene));
      if (other.isDone && other.restIsKept) return 'wrong-result';
    }
    const share = regions[0]?.share ?? 0;
    if (share < 0.3) return this.#compare(output, this.#before, []).restIsKept ? 'unchanged' : 'destroyed';
    // A mix of before and after keeps everything in its place.
    const mix = {
      ...this.#asked,
      image: {
        ...this.#asked.image,
        data: this.#asked.image.data.map((v, i) => {
          const was = this.#before.image.data[i]!;
          return was + share * (v - was);
        }),
      },
    };
    return this.#compare(output, mix, []).restShare < 0.05 ? 'partial' : 'destroyed';
  }
}
