import { access, readdir, readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { openSafetensors, type SafetensorsEntry } from '@triptych/checkpoints';
import { NetworkError } from '../errors.js';

/** A tensor and the file it lies in. */
export interface WeightEntry extends SafetensorsEntry {
  /** File name inside {@link WeightFiles.folder}. */
  readonly file: string;
}

/** The safetensors files of one network. Only their headers have been read. */
export interface WeightFiles {
  /** Folder of the files themselves, with links resolved: what `GraphRuntime.load` is given. */
  readonly folder: string;
  readonly tensors: ReadonlyMap<string, WeightEntry>;
}

export interface WeightFilesOptions {
  /** Files to prefer, such as `fp16` for `model.fp16.safetensors`. Default: the plain file, or else the fp16 one. */
  readonly variant?: string | undefined;
}

const STEMS = ['diffusion_pytorch_model', 'model', 'pytorch_model'] as const;
const PICKLES = /\.(bin|ckpt|pt|pth|pkl)$/;

/**
 * Finds the weights of one part of a model: `diffusion_pytorch_model.safetensors`, `model.safetensors`, their variants,
 * or a `...safetensors.index.json` that lists several files.
 * @param path the part's folder, or one safetensors file
 * @throws NetworkError `unsupported_file` for pickles (`.bin`, `.ckpt`) and folders without weights; CheckpointError
 *   `IO` or `SAFETENSORS` for files that cannot be read
 */
export async function openWeightFiles(
  path: string,
  { variant }: WeightFilesOptions = {},
): Promise<WeightFiles> {
  if (PICKLES.test(path)) throw pickleRefusal(path);
  if (path.endsWith('.safetensors')) return await openAll(dirname(path), [basename(path)]);
  const suffixes = variant === undefined ? ['', '.fp16'] : [`.${variant}`];
  for (const suffix of suffixes) {
    for (const stem of STEMS) {
      const file = `${stem}${suffix}.safetensors`;
      if (await exists(join(path, file))) return await openAll(path, [file]);
      for (const index of [`${stem}.safetensors.index${suffix}.json`, `${file}.index.json`]) {
        if (await exists(join(path, index))) return await openAll(path, await shardsOf(join(path, index)));
      }
    }
  }
  const files = await readdir(path).catch((): string[] => []);
  const pickle = files.find((file) => PICKLES.test(file));
  if (pickle !== undefined) throw pickleRefusal(join(path, pickle));
  const wanted = suffixes.map((suffix) => `${STEMS[0]}${suffix}.safetensors`).join(' or ');
  throw new NetworkError('unsupported_file', `"${path}" holds no weights: expected ${wanted} (or model...)`);
}

function pickleRefusal(path: string): NetworkError {
  return new NetworkError(
    'unsupported_file',
    `"${path}" is a Python pickle, which can run code when it is read, and is never loaded. Convert it where you trust ` +
      'it: safetensors.torch.save_file(torch.load(path, weights_only=True), "model.safetensors"), or for a whole ' +
      'pipeline diffusers: pipeline.save_pretrained(folder, safe_serialization=True)',
  );
}

async function openAll(folder: string, files: readonly string[]): Promise<WeightFiles> {
  const tensors = new Map<string, WeightEntry>();
  let realFolder: string | undefined;
  for (const file of files) {
    // Model caches link to files elsewhere; ONNX Runtime wants the file itself, in one folder.
    const real = await realpath(join(folder, file)).catch(() => join(folder, file));
    realFolder ??= dirname(real);
    if (dirname(real) !== realFolder) {
      throw new NetworkError(
        'unsupported_file',
        `"${real}" and "${realFolder}" must be one folder: copy the files there`,
      );
    }
    const header = await openSafetensors(real);
    for (const entry of header.tensors.values()) {
      if (tensors.has(entry.name)) {
        throw new NetworkError('invalid_weights', `tensor "${entry.name}" is in two files of "${folder}"`);
      }
      tensors.set(entry.name, { ...entry, file: basename(real) });
    }
  }
  return { folder: realFolder ?? folder, tensors };
}

async function shardsOf(indexPath: string): Promise<readonly string[]> {
  const refusal = (problem: string): NetworkError =>
    new NetworkError('unsupported_file', `"${indexPath}" ${problem}`);
  let index: unknown;
  try {
    index = JSON.parse(await readFile(indexPath, 'utf8'));
  } catch (cause) {
    throw refusal(`is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  const map = (index as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== 'object' || map === null) throw refusal('has no "weight_map"');
  const files = [...new Set(Object.values(map as Record<string, unknown>))];
  return files.map((file) => {
    if (typeof file !== 'string' || basename(file) !== file || !file.endsWith('.safetensors')) {
      throw refusal(`names ${JSON.stringify(file)}, which is not a safetensors file beside it`);
    }
    return file;
  });
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
