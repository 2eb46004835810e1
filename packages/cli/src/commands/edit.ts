/**
 * @module
 * `triptych edit`: changes a picture by an instruction, or runs a file of many edits.
 */
import { extname } from 'node:path';
import type { Aurora, EditOptions, EditParameters, EditResult, RowOutcome } from '@triptych/aurora';
import { UsageError } from '../exit.js';
import { loadImageModules } from '../image/modules.js';
import { PreviewFile } from '../image/preview-file.js';
import { resolveEditModel } from '../places.js';
import type { Runtime } from '../runtime.js';
import { type ShareProgress, startShareProgress } from '../terminal/progress.js';

export interface EditFlags {
  readonly output?: string;
  readonly model?: string;
  readonly threads?: number;
  readonly seed?: number;
  readonly steps?: number;
  readonly sampler?: NonNullable<EditOptions['sampler']>;
  readonly textGuidance?: number;
  readonly imageGuidance?: number;
  readonly number?: number;
  readonly negative?: string;
  readonly mask?: string;
  readonly feather?: number;
  readonly size?: { readonly width: number; readonly height: number };
  /** False with `--no-preserve`. */
  readonly preserve: boolean;
  readonly strip?: boolean;
  /** True without a file name. */
  readonly preview?: string | true;
  readonly recall?: string;
  readonly batch?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Edits one picture, or runs `--batch`. */
export async function edit(
  runtime: Runtime,
  image: string | undefined,
  instruction: string | undefined,
  flags: EditFlags,
): Promise<void> {
  if (flags.batch !== undefined) {
    if (image !== undefined || flags.output !== undefined)
      throw new UsageError('With --batch the pictures, instructions and outputs are in the file.');
    await withAurora(runtime, flags, (aurora, signal) =>
      runBatch(runtime, aurora, flags.batch ?? '', flags, signal),
    );
    return;
  }
  if (image === undefined)
    throw new UsageError('Name a picture: triptych edit in.png "make the cube red" -o out.png');
  const { formatOf } = await loadImageModules();
  const output = flags.output ?? `${image.slice(0, image.length - extname(image).length)}-edited.png`;
  try {
    formatOf(output);
  } catch (error) {
    throw new UsageError(error instanceof Error ? `${error.message}.` : String(error));
  }
  await withAurora(runtime, flags, (aurora, signal) =>
    editOne(runtime, aurora, { image, instruction, output }, flags, signal),
  );
}

async function withAurora(
  runtime: Runtime,
  flags: EditFlags,
  work: (aurora: Aurora, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const path = resolveEditModel(flags.model, runtime.editModelFolder);
  const threads = flags.threads ?? (await import('@triptych/native')).cpuQuota();
  await runtime.interrupts.guard(async (signal) => {
    const aurora = await runtime.openAurora(path, { threads });
    const { note } = aurora.editor;
    if (note !== undefined && flags.quiet !== true) runtime.stderr.write(`${aurora.editor.name}: ${note}\n`);
    try {
      await work(aurora, signal);
    } finally {
      await aurora[Symbol.asyncDispose]();
    }
  });
}

interface Order {
  readonly image: string;
  readonly instruction: string | undefined;
  readonly output: string;
}

async function editOne(
  runtime: Runtime,
  aurora: Aurora,
  { image, instruction, output }: Order,
  flags: EditFlags,
  signal: AbortSignal,
): Promise<void> {
  const { recallParameters, writeResult, media } = await loadImageModules();
  const recalled = flags.recall === undefined ? undefined : await recallParameters(flags.recall, signal);
  if (flags.recall !== undefined && recalled === undefined)
    throw new UsageError(`${flags.recall} carries no parameters of an edit.`);
  const text = instruction ?? recalled?.instruction;
  if (text === undefined)
    throw new UsageError('Say what to change: triptych edit in.png "make the cube red" -o out.png');
  const options: EditOptions = {
    ...fromParameters(recalled, flags.mask !== undefined),
    ...fromFlags(flags),
    ...(flags.number === undefined ? {} : { n: flags.number }),
    ...(flags.mask === undefined ? {} : { mask: flags.mask }),
  };
  const preview =
    flags.preview === undefined
      ? undefined
      : new PreviewFile(flags.preview === true ? `${output}.preview.png` : flags.preview, media.writeImage);
  const bar = startShareProgress(runtime.stderr, 'Editing', flags.quiet === true || flags.json === true);
  const written: { readonly output: string; readonly result: EditResult }[] = [];
  try {
    await aurora.edit(image, text, options, {
      signal,
      onProgress: (progress) => {
        showStep(bar, progress);
        preview?.show(progress.preview());
      },
      onResult: async (result) => {
        const path = numbered(output, result.index, options.n ?? 1);
        await writeResult(path, result, { metadata: flags.strip === true ? 'note' : 'full', signal });
        written.push({ output: path, result });
      },
    });
  } finally {
    bar.end();
    await preview?.remove();
  }
  if (flags.json === true) {
    const results = written.map(({ output: path, result: { seed, parameters } }) => ({
      output: path,
      seed,
      parameters,
    }));
    await runtime.stdout.json({ results });
    return;
  }
  for (const { output: path, result } of written)
    await runtime.stdout.line(flags.quiet === true ? path : `${path}  seed ${result.seed}`);
}

async function runBatch(
  runtime: Runtime,
  aurora: Aurora,
  file: string,
  flags: EditFlags,
  signal: AbortSignal,
): Promise<void> {
  const { editBatch } = await loadImageModules();
  const refused = ['mask', 'number', 'recall', 'preview'] as const;
  const wrong = refused.find((name) => flags[name] !== undefined);
  if (wrong !== undefined) throw new UsageError(`--${wrong} does not go with --batch.`);
  const bar = startShareProgress(runtime.stderr, 'Editing', flags.quiet === true || flags.json === true);
  let outcomes: readonly RowOutcome[];
  try {
    outcomes = await editBatch(aurora, file, {
      defaults: fromFlags(flags),
      metadata: flags.strip === true ? 'note' : 'full',
      signal,
      onProgress: ({ row, rows, step, steps }) =>
        bar.update((row + step / steps) / rows, `row ${row + 1}/${rows}`),
      onRow: async (outcome) => {
        if (flags.json === true) return runtime.stdout.json(outcome);
        if (flags.quiet === true && outcome.status !== 'failed') return;
        bar.end();
        const text = outcome.status === 'failed' ? `: ${outcome.error.message}` : '';
        const line = `line ${outcome.line}: ${outcome.status} ${outcome.output ?? ''}${text}`;
        if (outcome.status === 'failed') runtime.stderr.write(`${line}\n`);
        else await runtime.stdout.line(line);
      },
    });
  } finally {
    bar.end();
  }
  const failed = outcomes.filter(({ status }) => status === 'failed').length;
  if (failed > 0)
    throw Object.assign(new Error(`${failed} of ${outcomes.length} rows failed.`), { code: 'rows_failed' });
}

function showStep(
  bar: ShareProgress,
  progress: { index: number; n: number; step: number; steps: number; etaSeconds: number | undefined },
): void {
  const { index, n, step, steps, etaSeconds } = progress;
  const left = etaSeconds === undefined ? '' : `, ${Math.ceil(etaSeconds)} s left`;
  const which = n === 1 ? '' : `picture ${index + 1}/${n}, `;
  bar.update((index + step / steps) / n, `${which}step ${step}/${steps}${left}`);
}

/** `out.png` for one result, `out-1.png`, `out-2.png`, ... for several. */
function numbered(output: string, index: number, n: number): string {
  if (n === 1) return output;
  const ending = extname(output);
  return `${output.slice(0, output.length - ending.length)}-${index + 1}${ending}`;
}

function fromFlags(flags: EditFlags): Omit<EditOptions, 'mask' | 'n'> {
  const { seed, steps, sampler, textGuidance, imageGuidance, negative, feather, size } = flags;
  const given = {
    seed,
    steps,
    sampler,
    textGuidance,
    imageGuidance,
    negative,
    feather,
    size,
    ...(flags.preserve ? {} : { preserve: false }),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/**
 * What an earlier edit was asked for; its mask is not in the file, only its hash. The seam is recalled for an edit that
 * names a mask again: without one it would be refused.
 */
function fromParameters(parameters: EditParameters | undefined, hasMask: boolean): Partial<EditOptions> {
  if (parameters === undefined) return {};
  const { seed, steps, sampler, textGuidance, imageGuidance, negative, preserve, size, mask } = parameters;
  return {
    seed,
    steps,
    sampler,
    textGuidance,
    imageGuidance,
    negative,
    preserve,
    ...(size === undefined ? {} : { size: { width: size[0], height: size[1] } }),
    ...(hasMask && mask !== undefined ? { feather: mask.feather } : {}),
  };
}
