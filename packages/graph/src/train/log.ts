import { open, readFile } from 'node:fs/promises';

/**
 * Appends one line of JSON to a training log. If a killed run left half a line at the end, the new one starts on a line
 * of its own.
 */
export async function appendLog(path: string, line: object): Promise<void> {
  const file = await open(path, 'a+');
  try {
    const { size } = await file.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await file.read(last, 0, 1, size - 1);
    const separator = size === 0 || last.toString() === '\n' ? '' : '\n';
    await file.appendFile(`${separator}${JSON.stringify(line)}\n`);
  } finally {
    await file.close();
  }
}

/**
 * Reads a training log. A run that was killed and resumed from its last checkpoint has logged some steps twice; only the
 * later line of each step is part of the run that went on, so only that one is returned. Half a line, which a run leaves
 * behind that is killed while it writes, is passed over.
 */
export async function readLog<Line extends { readonly step: number }>(path: string): Promise<Line[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((text) => text !== '');
  const byStep = new Map<number, Line>();
  for (const text of lines) {
    const line = parseLine<Line>(text);
    if (line !== undefined) byStep.set(line.step, line);
  }
  return [...byStep.values()].sort((a, b) => a.step - b.step);
}

function parseLine<Line extends { readonly step: number }>(text: string): Line | undefined {
  try {
    const line = JSON.parse(text) as Line | null;
    return Number.isFinite(line?.step) ? (line as Line) : undefined;
  } catch {
    return undefined;
  }
}
