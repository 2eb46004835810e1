export { type LlamaConfig, NetworkError, parseLlamaConfig } from './llama/config.js';
export { type LlamaDecoder, llamaDecoder, llamaParameterShapes } from './llama/decoder.js';
export { initialLlamaWeights } from './llama/initial.js';
