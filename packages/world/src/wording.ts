import { templates } from './templates.js';

/** The kinds of edits; the names also stand in rows. New ones go to the end: sets count kinds by their place. */
export const editKinds = [
  'recolour',
  'resize',
  'rematerial',
  'reshape',
  'add',
  'add-count',
  'remove',
  'remove-all',
  'move',
  'relate',
  'swap',
  'closer',
  'apart',
  'turn',
  'flip',
  'knock',
  'drop',
  'push',
  'fall',
  'roll',
  'floor',
  'light',
  'night',
  'undermine',
  'viewpoint',
] as const;
export type EditKind = (typeof editKinds)[number];

/** Kinds that are measured, never trained on: an edit as AURORA means it leaves the camera where it is. */
export const diagnosticKinds = ['viewpoint'] as const satisfies readonly EditKind[];

/** All kinds that a training set may hold. */
export const trainingKinds: readonly EditKind[] = editKinds.filter(
  (kind) => !diagnosticKinds.some((one) => one === kind),
);

/**
 * How an edit is worded: `test` uses sentences training never sees, made of words it does see (a text encoder
 * trained from nothing cannot know a word it never met).
 */
export type Wording = 'training' | 'test';

/** All wordings of an edit, A and B filled in. */
export function instructions(kind: EditKind, wording: Wording, a = '', b = ''): string[] {
  return templates[kind][wording].map((t) => t.replace(/\b[AB]\b/g, (letter) => (letter === 'A' ? a : b)));
}
