export { fuzzCase, runCase } from './gguf-fuzz.js';
