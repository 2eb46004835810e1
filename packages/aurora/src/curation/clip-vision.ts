import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { exportOnnx, GraphRuntime, input, type Session } from '@triptych/graph';
import { type Raster, resizeImage, toRgb } from '@triptych/media';
import {
  bindWeights,
  type ClipVisionConfig,
  clipAliases,
  clipVisionModel,
  openWeightFiles,
  parseClipVisionConfig,
  readModelJson,
  type WeightFiles,
} from '@triptych/nets';
import type { ImageEmbedder } from './descriptor.js';

/** CLIP's own statistics of sRGB in 0..1. */
const mean = [0.48145466, 0.4578275, 0.40821073] as const;
const deviation = [0.26862954, 0.26130258, 0.27577711] as const;

/**
 * CLIP's vision tower from a folder of the user's: `config.json` and `model.safetensors` as transformers writes them,
 * of a whole CLIP or of its vision half. Embeddings are in the space shared with texts where the folder has the
 * projection. Close it when done.
 */
export class ClipVision implements ImageEmbedder, AsyncDisposable {
  readonly name = 'clip';
  readonly version: string;
  /** The band of AURORA's Action-Genome pairs: below nothing changed, above the camera moved (appendix E). */
  readonly band = [0.1, 0.4] as const;
  readonly isCheap = false;
  readonly #runtime: GraphRuntime;
  readonly #session: Session;
  readonly #size: number;

  private constructor(parts: { runtime: GraphRuntime; session: Session; size: number; version: string }) {
    this.#runtime = parts.runtime;
    this.#session = parts.session;
    this.#size = parts.size;
    this.version = parts.version;
  }

  /**
   * Opens a folder.
   * @throws NetworkError naming file, key or tensor; CheckpointError for damaged files; the signal's reason
   */
  static async open(
    folder: string,
    options: { readonly threads?: number; readonly signal?: AbortSignal } = {},
  ): Promise<ClipVision> {
    const { threads = 1, signal } = options;
    signal?.throwIfAborted();
    const config = parseClipVisionConfig(await readModelJson(folder, 'config.json'));
    const files = await openWeightFiles(folder);
    const version = await versionOf(config, files, signal);
    const runtime = await GraphRuntime.start({ threads });
    try {
      const size = config.image_size;
      const model = clipVisionModel(config, input('pixels', [1, config.num_channels, size, size]));
      const weights = bindWeights(model.parameters, files, 'CLIP vision tower', clipAliases);
      const onnx = exportOnnx({ embedding: model.imageEmbeds ?? model.pooled }, { external: weights });
      const session = await runtime.load(onnx, { weightsFolder: files.folder });
      return new ClipVision({ runtime, session, size, version });
    } catch (error) {
      await runtime.close();
      throw error;
    }
  }

  /** The picture's middle square, as CLIP takes it. */
  async embed(picture: Raster, signal?: AbortSignal): Promise<Float32Array> {
    signal?.throwIfAborted();
    const side = this.#size;
    const { data } = await resizeImage(toRgb(picture), {
      width: side,
      height: side,
      fit: 'cover',
      kernel: 'cubic',
    });
    const plane = side * side;
    const pixels = new Float32Array(3 * plane);
    for (let c = 0; c < 3; c++)
      for (let i = 0; i < plane; i++)
        pixels[c * plane + i] = (data[3 * i + c]! / 255 - mean[c]!) / deviation[c]!;
    const { embedding } = await this.#session.run({ pixels }, undefined, signal);
    return embedding ?? new Float32Array();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.release();
    await this.#runtime.close();
  }
}

/** Hash of configuration and weights: distances of another model are other distances. */
async function versionOf(
  config: ClipVisionConfig,
  files: WeightFiles,
  signal?: AbortSignal,
): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(config));
  for (const file of [...new Set([...files.tensors.values()].map((entry) => entry.file))].sort())
    for await (const chunk of createReadStream(path.join(files.folder, file))) {
      signal?.throwIfAborted();
      hash.update(chunk as Buffer);
    }
  return hash.digest('hex');
}
