import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CheckpointError } from '@triptych/checkpoints';
import { GraphRuntime, type RuntimeOptions } from '@triptych/graph';
import { NetworkError, openDiffusersFolder, openSingleFile, readModelJson } from '@triptych/nets';
import type { Editor } from '../editor.js';
import { AuroraError } from '../errors.js';
import { openEmbeddedEditor } from '../model/embedded-editor.js';
import { PIPELINE_CLASS } from '../model/folder.js';
import { DiffusersEditor } from './diffusers-editor.js';

/** Where the networks run: on a runtime that is shared, or on one of their own. */
export interface OpenEditorOptions {
  /** Stays the caller's. */
  readonly runtime?: GraphRuntime;
  /** Threads of the editor's own runtime; default 1: cores are the caller's to give. */
  readonly threads?: number;
  /** Asked for cores before each run of the editor's own runtime. */
  readonly lease?: RuntimeOptions['lease'];
}

/** Opens a folder whose model_index.json names a class. The runtime stays the caller's. */
type EditorOpener = (folder: string, runtime: GraphRuntime) => Promise<Editor>;

/** By `_class_name` of model_index.json. */
const openers: Readonly<Record<string, EditorOpener>> = {
  [PIPELINE_CLASS]: (folder, runtime) => openEmbeddedEditor(folder, { runtime }),
  StableDiffusionInstructPix2PixPipeline: openDiffusers,
  StableDiffusionPipeline: openDiffusers,
};

/** Latent side of Stable Diffusion 1.5, whose sizes a single file has. */
const singleFileLatentSide = 64;

/**
 * Opens a model that edits pictures: the embedded one, a diffusers folder of the InstructPix2Pix kind, or one
 * `.safetensors` file with latent diffusion's names (its tokenizer, vocab.json and merges.txt, beside it or in
 * `tokenizer/`). Weights stay in their files; nothing is written.
 *
 * @throws AuroraError `MODEL` naming the file and what is wrong with it
 */
export async function openEditor(path: string, options: OpenEditorOptions = {}): Promise<Editor> {
  try {
    const open = await openerOf(path);
    if (options.runtime !== undefined) return await open(path, options.runtime);
    const runtime = await GraphRuntime.start({
      threads: options.threads ?? 1,
      ...(options.lease && { lease: options.lease }),
    });
    try {
      return closingToo(await open(path, runtime), runtime);
    } catch (error) {
      await runtime.close();
      throw error;
    }
  } catch (cause) {
    if (cause instanceof NetworkError || CheckpointError.isInstance(cause))
      throw new AuroraError('MODEL', `${path}: ${cause.message}`, { cause });
    throw cause;
  }
}

async function openerOf(path: string): Promise<EditorOpener> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) throw new AuroraError('MODEL', `there is no model at ${JSON.stringify(path)}`);
  if (info.isFile()) return openFile;
  const { _class_name: name } = await readModelJson(path, 'model_index.json');
  const opener = typeof name === 'string' && Object.hasOwn(openers, name) ? openers[name] : undefined;
  if (opener !== undefined) return opener;
  throw new AuroraError(
    'MODEL',
    `${path}: model_index.json: _class_name ${JSON.stringify(name)} is not supported; supported: ${Object.keys(openers).join(', ')}`,
  );
}

async function openDiffusers(folder: string, runtime: GraphRuntime): Promise<Editor> {
  const model = await openDiffusersFolder(folder);
  const { sample_size: side } = await readModelJson(join(folder, 'unet'), 'config.json');
  const latentSide: unknown = Array.isArray(side) ? Math.max(...(side as number[])) : side;
  if (!Number.isInteger(latentSide) || (latentSide as number) < 1)
    throw new AuroraError('MODEL', `${folder}: unet/config.json: sample_size must be a whole number`);
  return DiffusersEditor.create(folder, model, latentSide as number, runtime);
}

async function openFile(path: string, runtime: GraphRuntime): Promise<Editor> {
  const beside = dirname(path);
  const folders = [join(beside, 'tokenizer'), beside];
  const found = await Promise.all(
    folders.map((folder) =>
      stat(join(folder, 'vocab.json')).then(
        () => folder,
        () => undefined,
      ),
    ),
  );
  const tokenizerFolder = found.find((folder) => folder !== undefined);
  const model = await openSingleFile(path, tokenizerFolder === undefined ? {} : { tokenizerFolder });
  return DiffusersEditor.create(path, model, singleFileLatentSide, runtime);
}

/** The same editor, with the runtime it was given alone. */
function closingToo(editor: Editor, runtime: GraphRuntime): Editor {
  return {
    name: editor.name,
    note: editor.note,
    hash: editor.hash,
    sideMultiple: editor.sideMultiple,
    nativeSide: editor.nativeSide,
    defaults: editor.defaults,
    run: (request, options) => editor.run(request, options),
    encode: (image, options) => editor.encode(image, options),
    [Symbol.asyncDispose]: async () => {
      await editor[Symbol.asyncDispose]();
      await runtime.close();
    },
  };
}
