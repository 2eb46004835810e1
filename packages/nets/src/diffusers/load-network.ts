import {
  canRunPlans,
  type ExternalTensor,
  exportOnnx,
  type GraphRuntime,
  planNetwork,
  type Session,
  type Tensor,
} from '@triptych/graph';

/**
 * Makes a network ready whose weights stay in their files: on our own kernels where they have everything the graph needs
 * (the U-Net and the autoencoder), else on ONNX Runtime (the text encoder).
 * @param weights from `bindWeights`
 * @param folder of the weight files
 * @throws GraphError `session_failed` if the files cannot be mapped
 */
export async function loadNetwork(
  runtime: GraphRuntime,
  outputs: Readonly<Record<string, Tensor>>,
  weights: ReadonlyMap<string, ExternalTensor>,
  folder: string,
): Promise<Session> {
  const plan = canRunPlans() ? planNetwork(outputs, weights) : undefined;
  if (plan !== undefined) return await runtime.loadPlan(plan, folder);
  return await runtime.load(exportOnnx(outputs, { external: weights }), { weightsFolder: folder });
}
