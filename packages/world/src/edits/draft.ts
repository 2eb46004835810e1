import type { Random } from '../random.js';
import { type Reference, refer, resolve } from '../refer.js';
import { type Scene, type WorldObject, withObject } from '../scene.js';
import { type EditKind, instructions, type Wording } from '../wording.js';

/** A proposed change: the scene after it, who it is about, and the instruction. */
export interface Edit {
  readonly kind: EditKind;
  readonly before: Scene;
  readonly after: Scene;
  /** Ids of the objects that may change. */
  readonly targets: readonly number[];
  readonly references: readonly Reference[];
  readonly instruction: string;
  /** The instruction that leads back, where there is one, and whom it names in the scene after. */
  readonly inverse?: string;
  readonly inverseReferences?: readonly Reference[];
  /** States from first to last for physics, else before and after. */
  readonly frames: readonly Scene[];
}

/** Ids of all objects an edit changes or names, the anchors of names by place included. */
export function namedIds(edit: Edit): Set<number> {
  const ids = new Set(edit.targets);
  for (const reference of edit.references)
    for (let part: Reference | undefined = reference; part; ) {
      for (const { id } of resolve(edit.before, part)) ids.add(id);
      part = typeof part.place === 'object' ? part.place.of : undefined;
    }
  return ids;
}

/** What one draft of an edit has at hand: a scene, one object that has a name, perhaps a second one. */
export class Draft {
  readonly before: Scene;
  readonly kind: EditKind;
  readonly r: Random;
  readonly wording: Wording;
  readonly a: WorldObject;
  readonly A: Reference;
  readonly b: WorldObject | undefined;
  readonly B: Reference | undefined;
  readonly signal: AbortSignal | undefined;

  constructor(options: {
    scene: Scene;
    kind: EditKind;
    r: Random;
    wording: Wording;
    a: WorldObject;
    A: Reference;
    b: WorldObject | undefined;
    signal: AbortSignal | undefined;
  }) {
    this.before = options.scene;
    this.kind = options.kind;
    this.r = options.r;
    this.wording = options.wording;
    this.a = options.a;
    this.A = options.A;
    this.b = options.b;
    this.B = options.b && refer(options.scene, options.b, options.r);
    this.signal = options.signal;
  }

  /** One wording of this kind, or of another. */
  say(a: string, b = '', kind: EditKind = this.kind): string {
    return this.r.pick(instructions(kind, this.wording, a, b));
  }

  /** One of the items, but not this one. */
  other<T>(items: readonly T[], not: T): T {
    return this.r.pick(items.filter((item) => item !== not));
  }

  /** The scene with fields of `a` changed. */
  change(fields: Partial<Omit<WorldObject, 'id'>>): Scene {
    return withObject(this.before, this.a.id, fields);
  }

  /** Names an object anew in the scene after: its old name may no longer fit. */
  nameIn(after: Scene, id: number = this.a.id): Reference | undefined {
    const object = after.objects.find((o) => o.id === id);
    return object && refer(after, object, this.r);
  }

  /** The edit; about `a` alone and without a clip unless `more` says so. */
  done(
    after: Scene,
    instruction: string,
    more: Partial<Pick<Edit, 'before' | 'targets' | 'references' | 'frames'>> & {
      inverse?: string | undefined;
      inverseReferences?: readonly (Reference | undefined)[];
    } = {},
  ): Edit {
    const inverseReferences = more.inverseReferences?.filter((reference) => reference !== undefined) ?? [];
    const { inverse, before = this.before, targets = [this.a.id], references = [this.A] } = more;
    return {
      kind: this.kind,
      before,
      after,
      targets,
      references,
      instruction,
      frames: more.frames ?? [before, after],
      ...(inverse === undefined ? {} : { inverse, inverseReferences }),
    };
  }
}

/** Makes one kind of edit from a draft; undefined when this draft finds none (no room, no name). */
export type Maker = (draft: Draft) => Edit | undefined | Promise<Edit | undefined>;
