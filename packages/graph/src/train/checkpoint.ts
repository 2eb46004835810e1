import { readSafetensors, writeSafetensors } from '@triptych/checkpoints';
import { GraphError } from '../errors.js';
import type { Moments } from '../runtime/protocol.js';
import type { Shape } from '../shape.js';

/** Everything a training needs to go on as if it had never stopped. Batches follow from the step number. */
export interface TrainingCheckpoint {
  readonly parameters: Readonly<Record<string, Float32Array>>;
  readonly moments: Moments;
  /** Running averages of the parameters, if the training keeps them. */
  readonly averages?: Readonly<Record<string, Float32Array>> | undefined;
  /** Facts of the run (settings, elapsed time) as text. */
  readonly metadata: Readonly<Record<string, string>>;
}

const FIRST = 'optimizer.first.';
const SECOND = 'optimizer.second.';
const AVERAGE = 'average.';
const STEP = 'step';

/**
 * Writes one safetensors file, under its final name only when complete: parameters under their own names, optimizer
 * state and running averages under prefixes, the step in the metadata.
 * @param shapes shape of every parameter.
 * @throws GraphError `checkpoint_mismatch` if a parameter or its state is missing, or if a parameter has one of the prefixes.
 */
export async function saveCheckpoint(
  path: string,
  checkpoint: TrainingCheckpoint,
  shapes: ReadonlyMap<string, Shape>,
): Promise<void> {
  const { parameters, moments, averages, metadata } = checkpoint;
  const tensors = [...shapes].flatMap(([name, shape]) => {
    const prefix = [FIRST, SECOND, AVERAGE].find((reserved) => name.startsWith(reserved));
    if (prefix !== undefined) {
      throw new GraphError(
        'checkpoint_mismatch',
        `a parameter's name must not begin with "${prefix}", as "${name}" does`,
      );
    }
    const second = moments.second[name];
    return [
      entry(name, shape, parameters[name]),
      entry(FIRST + name, shape, moments.first[name]),
      ...(second === undefined ? [] : [entry(SECOND + name, shape, second)]),
      ...(averages === undefined ? [] : [entry(AVERAGE + name, shape, averages[name])]),
    ];
  });
  await writeSafetensors(path, {
    tensors,
    metadata: [...Object.entries(metadata), [STEP, String(moments.step)]],
  });
}

/** Reads what {@link saveCheckpoint} wrote. */
export async function loadCheckpoint(path: string): Promise<TrainingCheckpoint> {
  const { tensors, metadata } = await readSafetensors(path);
  const step = Number(metadata.get(STEP));
  if (!Number.isInteger(step)) {
    throw new GraphError(
      'checkpoint_mismatch',
      `${path} is not a training checkpoint: it has no step number`,
    );
  }
  const parameters: Record<string, Float32Array> = {};
  const first: Record<string, Float32Array> = {};
  const second: Record<string, Float32Array> = {};
  const averages: Record<string, Float32Array> = {};
  for (const [key, { data }] of tensors) {
    if (!(data instanceof Float32Array)) {
      throw new GraphError('checkpoint_mismatch', `tensor "${key}" of ${path} is not float32`);
    }
    if (key.startsWith(FIRST)) first[key.slice(FIRST.length)] = data;
    else if (key.startsWith(SECOND)) second[key.slice(SECOND.length)] = data;
    else if (key.startsWith(AVERAGE)) averages[key.slice(AVERAGE.length)] = data;
    else parameters[key] = data;
  }
  return {
    parameters,
    moments: { step, first, second },
    averages: Object.keys(averages).length > 0 ? averages : undefined,
    metadata: Object.fromEntries(metadata),
  };
}

function entry(key: string, shape: Shape, data: unknown) {
  if (!isFloats(data)) throw new GraphError('checkpoint_mismatch', `there is no float32 tensor "${key}"`);
  return [key, { dtype: 'F32', shape, data }] as const;
}

function isFloats(data: unknown): data is Float32Array<ArrayBuffer> {
  return data instanceof Float32Array && data.buffer instanceof ArrayBuffer;
}
