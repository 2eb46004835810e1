import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type GgufInputValue, type WritableType, writeGguf } from '@triptych/checkpoints';
import { loadCheckpoint } from '@triptych/graph';
import { llamaGgufMetadata, llamaGgufTensors } from '@triptych/nets';
import { MODEL_NAME, NETWORK } from './settings.js';
import { tokenizerMetadata } from './tokens.js';
import { CHECKPOINT_FILE } from './train.js';

/**
 * Weight type of the embedded model. Half precision: with 8-bit weights engines also round activations to 8 bits, each in
 * its own way, and greedy continuations part at near ties.
 */
export const EXPORT_TYPE: WritableType = 'F16';

/** Writes the checkpoint in the work folder as a GGUF file and returns its path. */
export async function exportModel(workFolder: string, modelFolder: string): Promise<string> {
  const { parameters } = await loadCheckpoint(join(workFolder, CHECKPOINT_FILE));
  const metadata = new Map<string, GgufInputValue>([
    ...llamaGgufMetadata(NETWORK, MODEL_NAME, EXPORT_TYPE),
    ['general.license', 'apache-2.0'],
    ['general.description', 'A small demonstration model that continues English prose.'],
    ['general.languages', ['en']],
    ...(await tokenizerMetadata(workFolder)),
  ]);
  const tensors = llamaGgufTensors({ config: NETWORK, weights: parameters, type: EXPORT_TYPE });
  await mkdir(modelFolder, { recursive: true });
  const path = modelPath(modelFolder);
  await writeGguf(path, { metadata, tensors });
  return path;
}

/** Where the exported model lies in its folder. */
export function modelPath(modelFolder: string): string {
  return join(modelFolder, `${MODEL_NAME}.gguf`);
}
