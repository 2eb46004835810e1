export { GraphError, type GraphErrorCode } from './errors.js';
export { grad } from './grad.js';
export {
  type ExportOptions,
  type ExternalTensor,
  exportOnnx,
  type ModelSignature,
  type OnnxModel,
  OPSET,
} from './onnx/export.js';
export { gelu, silu } from './ops/activation.js';
export {
  add,
  div,
  erf,
  exp,
  log,
  mul,
  neg,
  reciprocal,
  scale,
  sigmoid,
  sqrt,
  sub,
  tanh,
} from './ops/elementwise.js';
export { gatherRows, scatterAddRows } from './ops/gather.js';
export { constant, input, isParameter, leafName, parameter, scalar } from './ops/leaf.js';
export { linear, type MatmulOptions, matmul } from './ops/matmul.js';
export { layerNorm, meanLast, rmsNorm } from './ops/norm.js';
export { broadcastTo, reduceSum, sumAll, sumTo } from './ops/reduce.js';
export { type RopeTables, rope, ropeTables } from './ops/rope.js';
export { concat, padZeros, reshape, slice, transpose } from './ops/shape.js';
export { crossEntropy, softmax, tokenCrossEntropy } from './ops/softmax.js';
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
export { appendLog, readLog } from './train/log.js';
export { type Curve, lossCurveSvg } from './train/loss-curve.js';
export { DEFAULT_MUON, type MuonOptions, orthogonalize } from './train/muon.js';
export {
  type CosineSchedule,
  learningRateAt,
  type Schedule,
  type TrapezoidSchedule,
} from './train/schedule.js';
