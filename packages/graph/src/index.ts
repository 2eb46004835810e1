export { BatchLoader, type LoadedBatch, type LoaderOptions } from './data/loader.js';
export type { BatchMaker, LoaderModule } from './data/loader-protocol.js';
export { type Draw, Mixture, type MixturePosition, type MixtureSet } from './data/mixture.js';
export { GraphError, type GraphErrorCode } from './errors.js';
export { countFlops } from './flops.js';
export { grad } from './grad.js';
export {
  type ExportOptions,
  type ExternalTensor,
  exportOnnx,
  type ModelSignature,
  type OnnxModel,
  OPSET,
} from './onnx/export.js';
export { geglu, gelu, quickGelu, silu } from './ops/activation.js';
export { type AttentionOptions, attention, causalMask } from './ops/attention.js';
export { clamp } from './ops/clamp.js';
export {
  type Conv1dOptions,
  type ConvTranspose1dOptions,
  conv1d,
  convTranspose1d,
} from './ops/conv/conv1d.js';
export { conv2d } from './ops/conv/conv2d.js';
export type { Conv2dOptions, Padding2d } from './ops/conv/geometry.js';
export { type ConvTranspose2dOptions, convTranspose2d } from './ops/conv/transpose2d.js';
export {
  add,
  cos,
  div,
  erf,
  exp,
  log,
  mul,
  neg,
  reciprocal,
  scale,
  sigmoid,
  sin,
  sqrt,
  sub,
  tanh,
} from './ops/elementwise.js';
export { gatherRows, scatterAddRows } from './ops/gather.js';
export { constant, input, isParameter, leafName, parameter, scalar } from './ops/leaf.js';
export { linear, type MatmulOptions, matmul } from './ops/matmul.js';
export { groupNorm, layerNorm, meanLast, rmsNorm, standardize } from './ops/norm.js';
export { broadcastTo, reduceSum, sumAll, sumTo } from './ops/reduce.js';
export { averagePool, pixelShuffle, pixelUnshuffle, upsampleNearest } from './ops/resample.js';
export { type RopeTables, rope, ropeTables } from './ops/rope.js';
export { concat, padZeros, reshape, slice, split, transpose } from './ops/shape.js';
export { crossEntropy, softmax, tokenCrossEntropy } from './ops/softmax.js';
export { type TimestepOptions, timestepEmbedding } from './ops/timestep.js';
export { canRunPlans, type NetworkPlan, planNetwork } from './plan/plan-network.js';
export { Random } from './random.js';
export { evaluateReference } from './reference.js';
export type { Moments, StepResult, TensorData, TensorRecord } from './runtime/protocol.js';
export {
  GraphRuntime,
  type ModelFiles,
  type Parameters,
  type RuntimeOptions,
  type Session,
  type TrainingOptions,
  type TrainingSession,
} from './runtime/runtime.js';
export { elementCount, type Shape } from './shape.js';
export {
  apply,
  type DType,
  type OpCall,
  type OpRecord,
  type ReferenceValue,
  type Tensor,
  type TensorType,
} from './tensor.js';
export { type AdamWOptions, DEFAULT_ADAMW } from './train/adamw.js';
export { loadCheckpoint, saveCheckpoint, type TrainingCheckpoint } from './train/checkpoint.js';
export { type AverageOptions, DEFAULT_AVERAGE } from './train/ema.js';
export { appendLog, readLog } from './train/log.js';
export {
  type LogChart,
  type LogLine,
  type LogPageOptions,
  logPage,
  type SampleGrid,
  writeLogPage,
} from './train/log-page.js';
export { type Curve, lossCurveSvg } from './train/loss-curve.js';
export { DEFAULT_MUON, type MuonOptions, orthogonalize } from './train/muon.js';
export {
  type CosineSchedule,
  learningRateAt,
  type Schedule,
  type TrapezoidSchedule,
} from './train/schedule.js';
