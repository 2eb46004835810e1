import { appendFile, readFile } from 'node:fs/promises';

/** Appends one line of JSON to a training log. */
export async function appendLog(path: string, line: object): Promise<void> {
  await appendFile(path, `${JSON.stringify(line)}\n`);
}

/**
 * Reads a training log. A run that was killed and resumed from its last checkpoint has logged some steps twice; only the
 * later line of each step is part of the run that went on, so only that one is returned.
 */
export async function readLog<Line extends { readonly step: number }>(path: string): Promise<Line[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((text) => text !== '');
  const byStep = new Map<number, Line>();
  for (const text of lines) {
    const line = JSON.parse(text) as Line;
    byStep.set(line.step, line);
  }
  return [...byStep.values()].sort((a, b) => a.step - b.step);
}
