/**
 * What raters are asked (the protocol of AURORA-Bench: absolute edit success on three levels).
 *
 * @module
 */

/** Edit success: none, partial, full. */
export const scores = [0, 50, 100] as const;
export type Score = (typeof scores)[number];

/** Longest comment, characters. */
export const maxCommentCharacters = 1000;

/** True for a score of the protocol. */
export function isScore(value: number): value is Score {
  return (scores as readonly number[]).includes(value);
}

/** One level of the scale, in words. */
export interface Level {
  readonly score: Score;
  readonly label: string;
  readonly meaning: string;
}

/** What raters read before they begin. */
export interface Protocol {
  readonly question: string;
  readonly levels: readonly Level[];
  readonly rules: readonly string[];
}

export const protocol: Protocol = {
  question: 'How well did the edit do what the instruction says, and nothing else?',
  levels: [
    {
      score: 0,
      label: 'Not done',
      meaning:
        'Nothing changed, the wrong thing changed, or so much changed that it is no edit of this picture.',
    },
    {
      score: 50,
      label: 'Partly done',
      meaning:
        'The asked change can be seen, but it is incomplete, a copy of the old stayed behind, or something else changed too.',
    },
    {
      score: 100,
      label: 'Done',
      meaning: 'The change is there as it was asked, and everything else is as it was.',
    },
  ],
  rules: [
    'Judge the meaning of the instruction: what, where, which one, how many.',
    'Judge what was kept: other things, background and viewpoint belong to the picture.',
    'Do not judge beauty. Blur, grain or small flaws do not matter as long as one can see what happened.',
    'There are often several right results; any of them counts as done.',
    'Rate each picture for itself; the same instruction comes back with other results.',
  ],
};
