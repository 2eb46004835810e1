#!/usr/bin/env node
/**
 * @module
 * The `triptych` executable.
 */
import { embeddedEditModelFolder, embeddedModelFolder, findWebRoot } from './places.js';
import { run } from './run.js';
import { processRuntime } from './runtime.js';

const runtime = processRuntime({
  modelFolder: embeddedModelFolder(),
  editModelFolder: embeddedEditModelFolder(),
  webRoot: findWebRoot(),
});
process.exitCode = await run(process.argv.slice(2), runtime);
