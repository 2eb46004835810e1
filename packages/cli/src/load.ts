/**
 * @module
 * Loads the engine with a progress bar and gives it back to the system when the command ends.
 */
import { basename } from 'node:path';
import type { LoadProgress, TextEngineLike } from '@triptych/llm';
import { type EngineFlags, nameFlags, toEngineOptions } from './options.js';
import { resolveModel } from './places.js';
import type { Runtime } from './runtime.js';
import { startProgress } from './terminal/progress.js';

/** Loads the model that the flags name. Throws what `TextEngine.load` throws, naming flags, and the signal's reason. */
export async function loadEngine(
  runtime: Runtime,
  flags: EngineFlags,
  signal: AbortSignal,
  onProgress: (progress: LoadProgress) => void = () => undefined,
): Promise<TextEngineLike> {
  const engine = await loadWithProgress(runtime, flags, signal, onProgress);
  const { contextLength, trainedContextLength } = engine.info;
  if (flags.context === undefined && contextLength < trainedContextLength && flags.quiet !== true) {
    runtime.stderr.write(
      `The context is cut from ${trainedContextLength} to ${contextLength} tokens: KV memory holds no more. Raise --kv-memory.\n`,
    );
  }
  return engine;
}

async function loadWithProgress(
  runtime: Runtime,
  flags: EngineFlags,
  signal: AbortSignal,
  onProgress: (progress: LoadProgress) => void,
): Promise<TextEngineLike> {
  const path = resolveModel(flags.model, runtime.modelFolder);
  const progress = startProgress(runtime.stderr, `Loading ${basename(path)}`, flags.quiet === true);
  try {
    return await runtime.loadEngine(path, {
      ...toEngineOptions(flags),
      signal,
      onProgress: (loaded) => {
        progress.update(loaded);
        onProgress(loaded);
      },
    });
  } catch (error) {
    nameFlags(error);
    if (error instanceof Error && error.name === 'CheckpointError' && !error.message.includes(path))
      error.message = `${path}: ${error.message}`;
    throw error;
  } finally {
    progress.end();
  }
}

/** Runs `work` with a loaded engine and closes it afterwards, whatever happened. */
export async function withEngine<Result>(
  runtime: Runtime,
  flags: EngineFlags,
  work: (engine: TextEngineLike) => Promise<Result>,
): Promise<Result> {
  const engine = await runtime.interrupts.guard((signal) => loadEngine(runtime, flags, signal));
  try {
    return await work(engine);
  } finally {
    await engine.close({ deadlineMs: 0 });
  }
}
