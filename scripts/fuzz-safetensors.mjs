/**
 * The safetensors target of `npm run fuzz`: seeded damage to a small file and its JSON header, read in this process.
 * Needs a build. A failing case is printed with its number.
 */
import { runSafetensorsCase, safetensorsFuzzCase } from '../packages/checkpoints/dist/testing/index.js';

export const name = 'safetensors';

/** Runs cases 0..`cases` of the series `seed`; returns the problems found, at most 20. */
export async function fuzz({ seed, cases, onProgress = () => undefined }) {
  const problems = [];
  for (let index = 0; index < cases && problems.length < 20; index++) {
    const bytes = safetensorsFuzzCase(seed, index);
    try {
      runSafetensorsCase(bytes);
    } catch (error) {
      const base64 = Buffer.from(bytes).toString('base64');
      problems.push(`safetensors case ${index} of seed ${seed}: ${error.stack ?? error}\n  bytes: ${base64}`);
    }
    if (index % 1000 === 0) await onProgress(index);
  }
  return problems;
}
