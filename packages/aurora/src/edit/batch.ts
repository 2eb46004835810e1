/**
 * @module
 * Many edits from a file of JSON lines: `{"input", "instruction", "output", ...overrides}`. A row whose result is there
 * already is skipped, a row that fails does not stop the others.
 */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { type SamplerName, samplerNames } from '../editor.js';
import { AuroraError } from '../errors.js';
import type { Aurora, EditProgress } from './aurora.js';
import { hashImage } from './load-image.js';
import { type EditStep, type MetadataLevel, recallParameters } from './metadata.js';
import type { EditOptions } from './options.js';
import { formatOf, writeResult } from './result.js';

const rowSchema = z.strictObject({
  input: z.string().min(1),
  instruction: z.string(),
  output: z.string().min(1),
  negative: z.string().optional(),
  seed: z.number().optional(),
  steps: z.number().optional(),
  sampler: (z.enum(samplerNames) as z.ZodType<SamplerName>).optional(),
  textGuidance: z.number().optional(),
  imageGuidance: z.number().optional(),
  mask: z.string().min(1).optional(),
  feather: z.number().optional(),
  size: z.tuple([z.number(), z.number()]).optional(),
  preserve: z.boolean().optional(),
});

/** One row of a batch; names and meaning of the options as in `EditOptions`, `mask` a path, `size` as [width, height]. */
export type BatchRow = z.infer<typeof rowSchema>;

/** How a row ended. `line` counts from 1. */
export type RowOutcome = { readonly line: number; readonly output: string | undefined } & (
  | { readonly status: 'done' | 'skipped' }
  | { readonly status: 'failed'; readonly error: { readonly code: string; readonly message: string } }
);

/** How to run a batch. */
export interface EditBatchOptions {
  /** Options that rows may override. The seed is 0 where neither names one: only then can a batch be resumed. */
  readonly defaults?: Omit<EditOptions, 'mask' | 'n'>;
  /** Paths in rows are relative to this folder; default: that of the file. */
  readonly folder?: string;
  /** Default `full`. Without parameters (also in jpeg and webp) a result cannot be recognised and is made again. */
  readonly metadata?: MetadataLevel;
  readonly signal?: AbortSignal;
  readonly onRow?: (outcome: RowOutcome, total: number) => void | Promise<void>;
  readonly onProgress?: (progress: EditProgress & { readonly row: number; readonly rows: number }) => void;
}

interface Line {
  readonly line: number;
  readonly text: string;
}

/**
 * Runs every row of a JSONL file.
 * @throws AuroraError `DATA` when the file cannot be read or is empty; the signal's reason. Rows' errors are in their outcomes
 */
export async function editBatch(
  aurora: Aurora,
  file: string,
  options: EditBatchOptions = {},
): Promise<readonly RowOutcome[]> {
  const { signal, folder = dirname(resolve(file)) } = options;
  const lines = await readLines(file, signal);
  const writers = new Map<string, number>();
  const outcomes: RowOutcome[] = [];
  for (const [index, line] of lines.entries()) {
    signal?.throwIfAborted();
    let output: string | undefined;
    let outcome: RowOutcome;
    try {
      const row = parseRow(line);
      output = row.output;
      const path = resolve(folder, row.output);
      const other = writers.get(path);
      if (other !== undefined)
        throw new AuroraError('DATA', `output: line ${other} writes ${row.output} too`, { field: 'output' });
      writers.set(path, line.line);
      const status = await runRow(aurora, row, { folder, index, rows: lines.length }, options);
      outcome = { line: line.line, output, status };
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      outcome = { line: line.line, output, status: 'failed', error: describe(error) };
    }
    outcomes.push(outcome);
    await options.onRow?.(outcome, lines.length);
  }
  return outcomes;
}

async function runRow(
  aurora: Aurora,
  row: BatchRow,
  { folder, index, rows }: { readonly folder: string; readonly index: number; readonly rows: number },
  { defaults = {}, metadata = 'full', signal, onProgress }: EditBatchOptions,
): Promise<'done' | 'skipped'> {
  const { input, instruction, output, size, mask, ...overrides } = row;
  const [source, target] = [resolve(folder, input), resolve(folder, output)];
  const edit: EditOptions & { readonly seed: number } = {
    ...defaults,
    ...given(overrides),
    seed: row.seed ?? defaults.seed ?? 0,
    ...(size === undefined ? {} : { size: { width: size[0], height: size[1] } }),
    ...(mask === undefined ? {} : { mask: resolve(folder, mask) }),
  };
  if (formatOf(output) === 'png' && metadata === 'full') {
    const hashes = {
      source: await hashImage(source, 'input', signal),
      ...(edit.mask === undefined
        ? {}
        : { mask: { hash: await hashImage(edit.mask, 'mask', signal), feather: -1 } }),
    };
    const wanted = aurora.parametersOf(instruction, edit, hashes);
    const found = await recallParameters(target, signal).catch(() => undefined);
    if (found !== undefined && isSame(found, wanted, edit.feather)) return 'skipped';
  }
  const [result] = await aurora.edit(source, instruction, edit, {
    ...(signal && { signal }),
    ...(onProgress && {
      onProgress: (progress) => onProgress({ ...progress, row: index, rows }),
    }),
  });
  if (result !== undefined) await writeResult(target, result, { metadata, ...(signal && { signal }) });
  return 'done';
}

/** True when a picture was made by exactly this edit. A feather that was not asked for follows from the mask. */
function isSame(found: EditStep, wanted: EditStep, feather: number | undefined): boolean {
  const plain = (step: EditStep): string => {
    const { version: _, ...rest } = step;
    const { history: __, mask, ...fields } = rest as typeof rest & { history?: unknown };
    const seam = mask && { hash: mask.hash, ...(feather === undefined ? {} : { feather: mask.feather }) };
    return JSON.stringify(Object.entries({ ...fields, mask: seam }).sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  const asked = wanted.mask && { ...wanted, mask: { ...wanted.mask, feather: feather ?? -1 } };
  return plain(found) === plain(asked ?? wanted);
}

async function readLines(file: string, signal?: AbortSignal): Promise<readonly Line[]> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file, signal ? { signal } : {}));
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AuroraError('DATA', `cannot read the batch ${JSON.stringify(file)}: ${reason}`, { cause });
  }
  const lines = text
    .split('\n')
    .map((line, index) => ({ line: index + 1, text: line.trim() }))
    .filter(({ text: line }) => line !== '');
  if (lines.length === 0) throw new AuroraError('DATA', `the batch ${JSON.stringify(file)} has no rows`);
  return lines;
}

function parseRow({ text }: Line): BatchRow {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new AuroraError('DATA', 'the line is not JSON', { cause });
  }
  const parsed = rowSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.code === 'unrecognized_keys' ? issue.keys[0] : issue?.path.join('.');
  const where = field === undefined || field === '' ? 'the row' : field;
  throw new AuroraError('DATA', `${where}: ${issue?.message ?? 'is not valid'}`, {
    ...(field === undefined ? {} : { field }),
  });
}

/** Without fields that are undefined, which would hide defaults. */
function given<Fields extends object>(fields: Fields): { [Key in keyof Fields]?: NonNullable<Fields[Key]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Fields]?: NonNullable<Fields[Key]>;
  };
}

function describe(error: unknown): { readonly code: string; readonly message: string } {
  const code =
    typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
      ? error.code
      : 'failure';
  return { code, message: error instanceof Error ? error.message : String(error) };
}
