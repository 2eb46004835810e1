export { fuzzCase, runCase } from './gguf-fuzz.js';
export { runSafetensorsCase, safetensorsFuzzCase } from './safetensors-fuzz.js';
