import type { ExternalTensor, Shape, Tensor } from '@triptych/graph';
import { NetworkError } from '../errors.js';
import type { WeightEntry, WeightFiles } from './weight-files.js';

const DTYPES = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const;

/** Other names under which files have kept a tensor; the first that exists is taken. */
export type Aliases = (name: string) => readonly string[];

/**
 * Finds the bytes of every parameter, for `exportOnnx`. Tensors that the network does not use are ignored.
 * @param what names the network in messages, such as `unet`
 * @throws NetworkError `invalid_weights` naming the tensor, with the expected and the found shape or type
 */
export function bindWeights(
  parameters: ReadonlyMap<string, Tensor>,
  files: WeightFiles,
  what: string,
  aliases: Aliases = () => [],
): Map<string, ExternalTensor> {
  const bound = new Map<string, ExternalTensor>();
  const missing: string[] = [];
  for (const [name, { shape }] of parameters) {
    const found = [name, ...aliases(name)]
      .map((key) => files.tensors.get(key))
      .find((entry) => entry !== undefined);
    if (found === undefined) missing.push(name);
    else bound.set(name, externalOf(found, shape, what));
  }
  if (missing.length > 0) {
    const some = missing.slice(0, 3).map((name) => `"${name}" [${parameters.get(name)?.shape}]`);
    const more = missing.length > some.length ? ` and ${missing.length - some.length} more` : '';
    throw new NetworkError(
      'invalid_weights',
      `${what}: the weights lack ${some.join(', ')}${more}; do they belong to this configuration?`,
    );
  }
  return bound;
}

function externalOf(entry: WeightEntry, shape: Shape, what: string): ExternalTensor {
  if (!Object.hasOwn(DTYPES, entry.dtype)) {
    throw new NetworkError(
      'invalid_weights',
      `${what}: tensor "${entry.name}" is ${entry.dtype}, expected F32, F16 or BF16`,
    );
  }
  if (!isSameWeight(entry.shape, shape)) {
    throw new NetworkError(
      'invalid_weights',
      `${what}: tensor "${entry.name}" should have the shape [${shape}], found [${entry.shape}]`,
    );
  }
  const { file, offset, sizeBytes, dtype } = entry;
  return { file, offset, sizeBytes, dtype: DTYPES[dtype as keyof typeof DTYPES] };
}

/** Equal, or a linear layer that was kept as a 1x1 convolution (old autoencoders), or the reverse. */
function isSameWeight(found: readonly number[], wanted: Shape): boolean {
  const withoutKernel = (shape: readonly number[]): string =>
    (shape.length === 4 && shape[2] === 1 && shape[3] === 1 ? shape.slice(0, 2) : shape).join();
  return withoutKernel(found) === withoutKernel(wanted);
}

/** transformers 5 leaves the name of the only module away. */
export const clipAliases: Aliases = (name) => [name.replace(/^(text|vision)_model\./, '')];

const OLD_ATTENTION: Readonly<Record<string, string>> = {
  to_q: 'query',
  to_k: 'key',
  to_v: 'value',
  'to_out.0': 'proj_attn',
};

/** Autoencoders written before diffusers 0.18 call the projections of their attention otherwise. */
export const vaeAliases: Aliases = (name) => {
  const match = /^(.*attentions\.\d+\.)(to_q|to_k|to_v|to_out\.0)\.(weight|bias)$/.exec(name);
  return match === null ? [] : [`${match[1]}${OLD_ATTENTION[match[2] ?? '']}.${match[3]}`];
};
