/** The four skills that the overall score weighs alike. */
export const skills = ['object', 'action', 'reasoning', 'global'] as const;
export type Skill = (typeof skills)[number];

/** Tasks of AURORA-Bench and of the toy world's benchmark, by skill. */
export const skillOfTask: Readonly<Record<string, Skill>> = {
  magicbrush: 'object',
  ag: 'action',
  something: 'action',
  epic: 'action',
  whatsup: 'reasoning',
  kubric: 'reasoning',
  clevr: 'reasoning',
  emu: 'global',
  attribute: 'object',
  'action-move': 'action',
  physics: 'action',
  'physics-ood': 'action',
  relative: 'reasoning',
  'count-rotate': 'reasoning',
  referring: 'reasoning',
  global: 'global',
};
