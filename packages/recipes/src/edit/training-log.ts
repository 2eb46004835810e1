import { type EditLogLine, LOG_FILE } from '@triptych/aurora';
import { readLog } from '@triptych/graph';
import { writeFileAtomically } from '@triptych/media';

/** Steps that a line of a kept log stands for. */
const STEPS_PER_LINE = 10;

/** Writes a training's log for keeping beside its model: every tenth line, with the mean loss of the ten steps up to it. */
export async function keepLog(log: readonly EditLogLine[], path: string): Promise<void> {
  const lines = log.flatMap((line, index) => {
    if ((index + 1) % STEPS_PER_LINE !== 0) return [];
    const recent = log.slice(index + 1 - STEPS_PER_LINE, index + 1);
    const loss = recent.reduce((sum, one) => sum + one.loss, 0) / STEPS_PER_LINE;
    const { step, gradientNorm, learningRate, examples, seconds } = line;
    const short = { loss, gradientNorm, learningRate, seconds };
    const rounded = Object.entries(short).map(([name, value]) => [name, Number(value.toPrecision(5))]);
    return [JSON.stringify({ step, examples, ...Object.fromEntries(rounded) })];
  });
  await writeFileAtomically(path, `${lines.join('\n')}\n`);
}

/** The log that a training left in its folder. */
export const logOf = (folder: string): Promise<EditLogLine[]> =>
  readLog<EditLogLine>(`${folder}/${LOG_FILE}`);
