/**
 * @module
 * The `triptych` command as a function, for programs that embed it.
 */
export { type ExitCode, exitCodes, InterruptedError, UsageError } from './exit.js';
export {
  embeddedEditModelFolder,
  embeddedModelFolder,
  findEditModel,
  findWebRoot,
  resolveEditModel,
  resolveModel,
} from './places.js';
export { run } from './run.js';
export { type LoadEngine, type OpenAurora, processRuntime, type Runtime } from './runtime.js';
