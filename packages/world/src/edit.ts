import { actionEdits, propFor } from './edits/actions.js';
import { attributeEdits } from './edits/attributes.js';
import { countEdits } from './edits/counts.js';
import { Draft, type Edit, type Maker } from './edits/draft.js';
import { globalEdits } from './edits/globals.js';
import { placeEdits } from './edits/places.js';
import { turnEdits } from './edits/turns.js';
import { viewpointEdits } from './edits/viewpoint.js';
import type { Random } from './random.js';
import { refer, resolve } from './refer.js';
import type { Scene, Shape } from './scene.js';
import type { EditKind, Wording } from './wording.js';

export type { Edit } from './edits/draft.js';

const makers: Record<EditKind, Maker> = {
  ...attributeEdits,
  ...countEdits,
  ...placeEdits,
  ...turnEdits,
  ...actionEdits,
  ...globalEdits,
  ...viewpointEdits,
};

const inverseKinds: Partial<Record<EditKind, EditKind>> = {
  add: 'remove',
  remove: 'add',
  'add-count': 'remove-all',
  closer: 'apart',
  apart: 'closer',
};

/** Shapes on which a kind can be seen; all where nothing stands here. */
const shapesFor: Partial<Record<EditKind, readonly Shape[]>> = {
  turn: ['brick', 'wedge'],
  flip: ['cone', 'wedge'],
  knock: ['cylinder', 'cone'],
};

/** How one edit is drawn. */
export interface EditOptions {
  readonly wording?: Wording;
  /** Name the target by its place ("the leftmost cube"); no edit when it has no such name. */
  readonly relational?: boolean;
  /** Index of an object that must be the target, or the second one of kinds that have two. */
  readonly about?: number;
  readonly signal?: AbortSignal;
}

/**
 * Proposes one edit of a kind for a scene, or undefined when this draw finds none (no room, no name). Everything
 * but the physics kinds is decided by state alone; those run Rapier to rest. The minimality checks come after.
 *
 * @throws WorldError `PHYSICS`; the signal's reason when aborted
 */
export async function proposeEdit(
  scene: Scene,
  kind: EditKind,
  r: Random,
  options: EditOptions = {},
): Promise<Edit | undefined> {
  const { wording = 'training', relational = false, about, signal } = options;
  const { objects } = scene;
  const fits = objects.filter((o) => shapesFor[kind]?.includes(o.shape) ?? true);
  const isFirst = scene.props.length > 0 && propFor[kind] !== undefined;
  const hasTwo = ['relate', 'swap', 'closer', 'apart', 'push'].includes(kind);
  const subject = about === undefined ? undefined : objects[about];
  const isSecond = hasTwo && subject !== undefined && r.next() < 0.5;
  const candidates = isSecond ? fits.filter((o) => o !== subject) : subject ? [subject] : fits;
  const a = isFirst ? objects[0] : candidates.length > 0 ? r.pick(candidates) : undefined;
  if (!a) return undefined;
  const others = objects.filter((o) => o !== a);
  const b = isSecond ? subject : others.length > 0 ? r.pick(others) : undefined;
  const A = refer(scene, a, r, relational);
  if (!A) return undefined;
  return makers[kind](new Draft({ scene, kind, r, wording, a, A, b, signal }));
}

/**
 * The edit that leads back: before and after change places, and so do the instruction and its inverse. Twice gives the
 * edit again. Undefined where there is no inverse.
 */
export function invert(edit: Edit): Edit | undefined {
  const { before, after, inverse, inverseReferences = [], instruction, references } = edit;
  if (inverse === undefined) return undefined;
  const kind = inverseKinds[edit.kind] ?? edit.kind;
  return {
    kind,
    before: after,
    after: before,
    targets: edit.targets,
    references: inverseReferences,
    instruction: inverse,
    inverse: instruction,
    inverseReferences: references,
    frames: [...edit.frames].reverse(),
  };
}

/** True when every reference of an edit means one object in the scene before. */
export function isUnambiguous(edit: Edit): boolean {
  return edit.references.every((reference) => resolve(edit.before, reference).length === 1);
}
