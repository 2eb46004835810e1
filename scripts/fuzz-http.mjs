/**
 * The HTTP target of `npm run fuzz`: seeded hostile bodies against the app in this process. Needs a build.
 * A failing case is printed with its number; add it to packages/server/fixtures/http-corpus.json when mended.
 */
import { checkCase, fuzzCase, fuzzTarget } from '../packages/server/dist/testing/index.js';

export const name = 'http';

/** Runs `cases` cases of the series `seed`; returns the problems found, at most 20. */
export async function fuzz({ seed, cases, onProgress = () => undefined }) {
  const target = fuzzTarget();
  const problems = [];
  for (let index = 0; index < cases && problems.length < 20; index++) {
    const one = fuzzCase(seed, index);
    const problem = await checkCase(target, one).catch((error) => `threw ${error.stack ?? error}`);
    if (problem !== undefined) {
      const body = Buffer.from(one.body.subarray(0, 300)).toString('base64');
      problems.push(`http case ${index} of seed ${seed}: ${problem} (${one.path}, body starts ${body})`);
    }
    if (index % 1000 === 0) onProgress(index);
  }
  return problems;
}
