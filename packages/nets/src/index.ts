export { type LlamaConfig, NetworkError, parseLlamaConfig } from './llama/config.js';
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
