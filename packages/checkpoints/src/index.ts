export { CheckpointError, type CheckpointErrorCode } from './errors.js';
export {
  type GgmlType,
  type GgmlTypeInfo,
  ggmlSizeBytes,
  ggmlType,
  ggmlTypeById,
} from './gguf/ggml-types.js';
export { type GgufHeader, type GgufKeyType, type GgufParseOptions, parseGguf } from './gguf/parse.js';
export { type GgufFile, type OpenGgufOptions, openGguf, readTensorBytes } from './gguf/read.js';
export { inputMetadata } from './gguf/rewrite.js';
export type { GgufTensor } from './gguf/tensors.js';
export {
  type AnyMetadata,
  f32,
  type GgufInputMetadata,
  type GgufInputValue,
  type GgufMetadata,
  type GgufNumber,
  type GgufNumberArray,
  type GgufNumberType,
  type GgufValue,
  type GgufValueType,
  i32,
  metadataValue,
  u8,
  u32,
  u64,
} from './gguf/values.js';
export { type GgufTensorData, type GgufTensorInput, type WriteGgufOptions, writeGguf } from './gguf/write.js';
export { type LlamaConfig, llamaConfig, type RopeScaling } from './llama-config.js';
export { fromHalfBits, toHalfBits } from './quant/half.js';
export { dequantize, quantize, type WritableType } from './quant/quantize.js';
export type { SafetensorsArray, SafetensorsDtype } from './safetensors/dtypes.js';
export type { SafetensorsEntry, SafetensorsHeader } from './safetensors/header.js';
export {
  openSafetensors,
  type ReadSafetensorsOptions,
  readSafetensors,
  type SafetensorsTensor,
} from './safetensors/read.js';
export { type WriteSafetensorsOptions, writeSafetensors } from './safetensors/write.js';
export { type ChatTemplate, chatTemplate, type RenderChatOptions } from './template/chat-template.js';
export { type ClipTokenizer, type ClipVocabulary, createClipTokenizer } from './tokenizer/clip.js';
export { readClipTokenizer } from './tokenizer/clip-files.js';
export {
  createTokenizer,
  type DecodeOptions,
  type EncodeOptions,
  type StreamDecoder,
  type Tokenizer,
} from './tokenizer/tokenizer.js';
export {
  type TrainBpeOptions,
  type TrainBpeProgress,
  type TrainedBpe,
  trainByteLevelBpe,
} from './tokenizer/train-bpe.js';
