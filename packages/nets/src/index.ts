export {
  type ClipTextConfig,
  type ClipVisionConfig,
  parseClipTextConfig,
  parseClipVisionConfig,
} from './clip/config.js';
export { type ClipTextModel, clipEndRows, clipTextModel } from './clip/text.js';
export { type ClipVisionModel, clipVisionModel } from './clip/vision.js';
export type { ConfigJson } from './config-reader.js';
export {
  type DiffusersFolder,
  type ModelPart,
  type OpenDiffusersOptions,
  openDiffusersFolder,
} from './diffusers/folder.js';
export { loadNetwork } from './diffusers/load-network.js';
export { readModelJson } from './diffusers/model-json.js';
export { DiffusersNetworks } from './diffusers/networks.js';
export { openSingleFile, type SingleFileOptions } from './diffusers/single-file.js';
export { conditioningDropout, type DroppedConditioning, joinLatents } from './diffusion/conditioning.js';
export {
  type GuidanceBranch,
  type GuidanceScales,
  guidanceBranches,
  guide,
  type WeightedBranch,
} from './diffusion/guidance.js';
export {
  type EditRequest,
  type EditResult,
  InstructPix2Pix,
  type NoiseSource,
  type StepState,
  seededNoise,
  type Text,
} from './diffusion/instruct-pix2pix.js';
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
export { initialWeights, widenInputChannels } from './module/initial.js';
export { ParameterScope, shapesOf } from './module/scope.js';
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
export { parseUnetConfig, type UnetConfig } from './unet/config.js';
export { type Unet, type UnetInputs, unet } from './unet/unet.js';
export { type VaeDecoder, type VaeEncoder, vaeDecoder, vaeEncoder } from './vae/autoencoder.js';
export { parseVaeConfig, type VaeConfig, vaeFactor } from './vae/config.js';
export { type Aliases, bindWeights, clipAliases, vaeAliases } from './weights/bind.js';
export {
  openWeightFiles,
  type WeightEntry,
  type WeightFiles,
  type WeightFilesOptions,
} from './weights/weight-files.js';
