/**
 * @module
 * The executable over the fake engine, for tests that spawn it. `FAKE` holds its options as JSON.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FakeEngine, type FakeEngineOptions } from '@triptych/server/testing';
import { run } from '../run.js';
import { type LoadEngine, type OpenAurora, processRuntime } from '../runtime.js';

export interface FakeMainOptions extends FakeEngineOptions {
  readonly loadMs?: number;
  readonly loadError?: string;
  /** Leaves the folder of the default model empty. */
  readonly noModel?: boolean;
  /** Time per step of the fake edit model; given, there is a default edit model. */
  readonly editStepMs?: number;
}

const options = JSON.parse(process.env.FAKE ?? '{}') as FakeMainOptions;

const loadFake: LoadEngine = async (_path, { onProgress, signal }) => {
  onProgress?.({ loadedBytes: 0, totalBytes: 100 });
  if (options.loadMs !== undefined) {
    // Tells a test that the handlers are in place.
    process.stderr.write('loading\n');
    await sleep(options.loadMs, undefined, signal === undefined ? {} : { signal }).catch(() =>
      signal?.throwIfAborted(),
    );
  }
  if (options.loadError !== undefined) throw new Error(options.loadError);
  onProgress?.({ loadedBytes: 100, totalBytes: 100 });
  return new FakeEngine(options);
};

const openFake: OpenAurora = async () => {
  const { Aurora } = await import('@triptych/aurora');
  const { FakeEditor } = await import('@triptych/aurora/testing');
  return new Aurora(new FakeEditor({ stepMs: options.editStepMs ?? 0 }));
};

const modelFolder = mkdtempSync(join(tmpdir(), 'triptych-models-'));
process.once('exit', () => rmSync(modelFolder, { recursive: true, force: true }));
if (options.noModel !== true) writeFileSync(join(modelFolder, 'fake.gguf'), '');
const editModelFolder = join(modelFolder, 'edit');
if (options.editStepMs !== undefined) {
  mkdirSync(editModelFolder);
  writeFileSync(join(editModelFolder, 'model_index.json'), '{}');
}
const runtime = processRuntime({ modelFolder, editModelFolder, webRoot: undefined });
process.exitCode = await run(process.argv.slice(2), {
  ...runtime,
  loadEngine: loadFake,
  openAurora: openFake,
});
