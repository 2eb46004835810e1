import { loadAddon, type NetworkOp, type NetworkTensor } from '@triptych/native';
import { GraphError } from '../errors.js';
import type { ExternalTensor, ModelSignature } from '../onnx/export.js';
import { leafName } from '../ops/leaf.js';
import { type Tensor, topologicalOrder } from '../tensor.js';
import { newView } from './matrix.js';
import { placeSteps } from './place.js';
import { NotPlannable, Planner } from './planner.js';
import { RULES } from './rules.js';

/** A graph lowered to operations of `@triptych/native`, for inference with weights that stay in their files. */
export interface NetworkPlan extends ModelSignature {
  /** Names of the weight files, without folder. */
  readonly files: readonly string[];
  readonly tensors: readonly NetworkTensor[];
  readonly constants: readonly { readonly values: Float32Array }[];
  readonly ops: readonly NetworkOp[];
  /** Memory of all matrices. */
  readonly arenaFloats: number;
}

/** Whether this processor has kernels that are worth planning for. */
export function canRunPlans(): boolean {
  try {
    return loadAddon().isa !== 'portable';
  } catch {
    return false;
  }
}

/**
 * Lowers what the outputs depend on for `GraphRuntime.loadPlan`: networks of convolutions, linear layers, norms and
 * attention, as the U-Net and the autoencoder of latent diffusion are. Compared with ONNX Runtime the network runs several
 * times as fast where the processor has AMX, weights are used in place whatever their type, and nothing is prepared when
 * it is loaded. f32 throughout, but for AMX products, which see 16 to 17 bits of each factor.
 * @param external where every parameter lies
 * @returns `undefined` if the graph holds something that has no kernel: export it to ONNX then
 * @throws GraphError `shape_mismatch` if a parameter's bytes do not fill it
 */
export function planNetwork(
  outputs: Readonly<Record<string, Tensor>>,
  external: ReadonlyMap<string, ExternalTensor>,
): NetworkPlan | undefined {
  const order = topologicalOrder(Object.values(outputs));
  const planner = new Planner(external, usesOf(order, Object.values(outputs)));
  const inputs: ModelSignature['inputs'][number][] = [];
  try {
    for (const tensor of order) {
      const { name: op } = tensor.op;
      if (op === 'parameter' || op === 'constant') continue;
      if (op === 'input') {
        const name = leafName(tensor) ?? '';
        if (tensor.dtype !== 'float32') return undefined;
        planner.input(tensor, newView(tensor.shape), inputs.length);
        inputs.push({ name, shape: tensor.shape, dtype: tensor.dtype });
        continue;
      }
      const rule = RULES[op];
      if (rule === undefined) return undefined;
      rule(tensor, planner);
    }
    const results = Object.entries(outputs).map(([name, tensor], index) => {
      planner.output(tensor, index);
      return { name, shape: tensor.shape, dtype: tensor.dtype };
    });
    const { files, tensors, constants, steps } = planner;
    return { inputs, outputs: results, files, tensors, constants, ...placeSteps(steps) };
  } catch (error) {
    if (error instanceof NotPlannable) return undefined;
    throw error instanceof GraphError ? error : new GraphError('session_failed', String(error));
  }
}

/** How often each tensor is read; outputs count once more. */
function usesOf(order: readonly Tensor[], outputs: readonly Tensor[]): Map<Tensor, number> {
  const uses = new Map<Tensor, number>();
  for (const read of [...order.flatMap(({ inputs }) => inputs), ...outputs]) {
    uses.set(read, (uses.get(read) ?? 0) + 1);
  }
  return uses;
}
