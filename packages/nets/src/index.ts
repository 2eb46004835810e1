export { conditioningDropout, type DroppedConditioning, joinLatents } from './diffusion/conditioning.js';
export {
  type GuidanceBranch,
  type GuidanceScales,
  guidanceBranches,
  guide,
  type WeightedBranch,
} from './diffusion/guidance.js';
export { NetworkError, type NetworkErrorCode } from './errors.js';
export { type LlamaConfig, parseLlamaConfig } from './llama/config.js';
export { type LlamaDecoder, llamaDecoder, llamaParameterShapes } from './llama/decoder.js';
export {
  ggufTensorName,
  type LlamaGgufOptions,
  llamaConfigOfGguf,
  llamaGgufMetadata,
  llamaGgufTensors,
  readLlamaGguf,
} from './llama/gguf.js';
export { initialLlamaWeights } from './llama/initial.js';
export {
  type PredictionType,
  parseSchedulerConfig,
  SCHEDULER_CLASSES,
  type SchedulerClass,
  type SchedulerConfig,
  type TimestepSpacing,
} from './schedulers/config.js';
export { alphasCumprod } from './schedulers/noise-schedule.js';
export type { Sampler, SamplerStep } from './schedulers/sampler.js';
export { addNoise, createSampler, type SamplerOptions } from './schedulers/scheduler.js';
