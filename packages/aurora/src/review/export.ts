import { join } from 'node:path';
import { writeFileAtomically } from '@triptych/media';
import type { Candidate, CuratedRow } from '../curation/candidate.js';
import { PeopleError } from '../people/errors.js';
import { readPicture } from '../people/picture.js';
import { type KeptDecision, type Review, reviewReasons } from './review.js';

/** What to write. */
export interface ReviewExportOptions {
  /** Data folder; the set goes to `<folder>/<name>/`. */
  readonly folder: string;
  /** Name of the set, a folder name; default 'curated'. */
  readonly name?: string;
  /** Annotators that must have accepted a pair, default 1. */
  readonly agree?: number;
  readonly signal?: AbortSignal;
}

/**
 * Writes the accepted pairs as an AURORA data set: `train.json` with the pictures and masks beside, and
 * `datasheet.md`. A pair is in when at least `agree` annotators accepted it; of several wordings the one that most
 * gave is taken, among equals the last.
 *
 * @returns the rows; none are an error, since a set without rows trains nothing
 * @throws PeopleError `bad-items`, `bad-image`; MediaError `IO`; the signal's reason
 */
export async function exportReview(
  review: Review,
  options: ReviewExportOptions,
): Promise<readonly CuratedRow[]> {
  const { folder, name = 'curated', agree = 1, signal } = options;
  if (!/^[\w-]{1,100}$/.test(name))
    throw new PeopleError('bad-items', 'name must be letters, digits, - and _', { field: 'name' });
  if (!Number.isInteger(agree) || agree < 1)
    throw new PeopleError('bad-items', `agree must be a whole number from 1, not ${agree}`, {
      field: 'agree',
    });
  const decisions = review.decisions();
  const rows: CuratedRow[] = [];
  for (const candidate of review.candidates) {
    const instruction = acceptedInstruction(candidate, decisions, agree);
    if (instruction === undefined) continue;
    const copy = async (which: 'input' | 'output' | 'mask', suffix: string): Promise<string> => {
      const to = `${name}/images/${candidate.id}_${suffix}.png`;
      const bytes = await readPicture(join(review.folder, candidate[which]), signal);
      await writeFileAtomically(join(folder, to), bytes, signal);
      return to;
    };
    rows.push({
      instruction,
      input: await copy('input', '0'),
      output: await copy('output', '1'),
      mask: await copy('mask', 'mask'),
      clip: candidate.clip,
    });
  }
  if (rows.length === 0)
    throw new PeopleError(
      'bad-items',
      `no pair was accepted by ${agree === 1 ? 'anybody' : `${agree} annotators`} yet: review first`,
    );
  const sheet = datasheet(name, agree, review, decisions, rows);
  await writeFileAtomically(join(folder, name, 'datasheet.md'), sheet, signal);
  // Last, so that a set with rows is a whole one.
  await writeFileAtomically(join(folder, name, 'train.json'), `${JSON.stringify(rows, null, 1)}\n`, signal);
  return rows;
}

function acceptedInstruction(
  candidate: Candidate,
  decisions: readonly KeptDecision[],
  agree: number,
): string | undefined {
  const accepted = decisions.flatMap((one) =>
    one.candidate === candidate.id && one.verdict === 'accept' ? [one.instruction] : [],
  );
  if (accepted.length < agree) return undefined;
  const count = (text: string): number => accepted.filter((other) => other === text).length;
  return accepted.reduce((best, text) => (count(text) >= count(best) ? text : best));
}

function datasheet(
  name: string,
  agree: number,
  review: Review,
  decisions: readonly KeptDecision[],
  rows: readonly CuratedRow[],
): string {
  const accepts = decisions.filter(({ verdict }) => verdict === 'accept').length;
  const reviewed = new Set(decisions.map(({ candidate }) => candidate)).size;
  const annotators = [...new Set(decisions.map(({ annotator }) => annotator))].sort();
  const words = rows.reduce((sum, { instruction }) => sum + instruction.split(/\s+/).length, 0);
  const list = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n');
  const by = (annotator: string): string => {
    const own = decisions.filter((one) => one.annotator === annotator);
    return `${annotator}: ${own.length} decided, ${own.filter(({ verdict }) => verdict === 'accept').length} accepted`;
  };
  return `# ${name}

Pairs of video frames with an edit instruction, found by \`triptych aurora curate\` and accepted by people in
\`triptych aurora review\`. The row format is AURORA's; the data is not. Rights in the frames are those of the videos.

## Counts
${list([
  `rows: ${rows.length}, of ${new Set(rows.map(({ clip }) => clip)).size} clips; mean instruction ${(words / rows.length).toFixed(1)} words`,
  `candidates: ${review.candidates.length}, reviewed ${reviewed}`,
  `decisions: ${decisions.length}, accepted ${accepts}, rejected ${decisions.length - accepts}`,
  `a row needs ${agree} accepting ${agree === 1 ? 'annotator' : 'annotators'}`,
])}

## Annotators
${list(annotators.map(by))}

## Rejections, by reason
${list(
  reviewReasons.map(
    ({ id, label }) =>
      `${label}: ${decisions.filter((one) => one.verdict === 'reject' && one.reason === id).length}`,
  ),
)}
`;
}
