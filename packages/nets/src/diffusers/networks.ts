import { type GraphRuntime, input, type Session, type Tensor } from '@triptych/graph';
import { clipTextModel } from '../clip/text.js';
import { unet } from '../unet/unet.js';
import { vaeDecoder, vaeEncoder } from '../vae/autoencoder.js';
import { type Aliases, bindWeights, clipAliases, vaeAliases } from '../weights/bind.js';
import type { WeightFiles } from '../weights/weight-files.js';
import type { DiffusersFolder } from './folder.js';
import { loadNetwork } from './load-network.js';

interface Prepared {
  readonly key: string;
  readonly session: Session;
}

/** A graph with its parameters. */
interface Built {
  readonly outputs: Readonly<Record<string, Tensor>>;
  readonly parameters: ReadonlyMap<string, Tensor>;
}

/**
 * The networks of a model folder, ready to run at any size. Graphs have fixed shapes, so each network keeps the session
 * of the shape it ran last and builds another when the shape changes. All arrays are row-major.
 */
export class DiffusersNetworks {
  private readonly model: DiffusersFolder;
  private readonly runtime: GraphRuntime;
  private readonly prepared = new Map<string, Prepared>();
  private tail: Promise<unknown> = Promise.resolve();

  constructor(runtime: GraphRuntime, model: DiffusersFolder) {
    this.runtime = runtime;
    this.model = model;
  }

  /** Hidden states of texts: int32 ids [batch, tokens] -> [batch, tokens, hidden_size]. */
  async encodeText(ids: Int32Array, batch: number): Promise<Float32Array> {
    const { config, files } = this.model.textEncoder;
    const shape = [batch, ids.length / batch];
    const build = (): Built => {
      const { lastHidden, parameters } = clipTextModel(config, input('ids', shape, 'int32'));
      return { outputs: { lastHidden }, parameters };
    };
    return await this.run('text_encoder', shape, { build, files, aliases: clipAliases }, { ids });
  }

  /** Mode of the posterior of one image, unscaled: [1, in_channels, height, width] in -1..1 -> latent. */
  async encodeImage(image: Float32Array, height: number, width: number): Promise<Float32Array> {
    const { config, files } = this.model.vae;
    const shape = [1, config.in_channels, height, width];
    const build = (): Built => {
      const { mean, parameters } = vaeEncoder(config, input('image', shape));
      return { outputs: { mean }, parameters };
    };
    return await this.run('vae encoder', shape, { build, files, aliases: vaeAliases }, { image });
  }

  /** Image of a latent that is already divided by scaling_factor: [1, latent_channels, h, w] -> [1, out_channels, ...]. */
  async decodeLatent(latent: Float32Array, height: number, width: number): Promise<Float32Array> {
    const { config, files } = this.model.vae;
    const shape = [1, config.latent_channels, height, width];
    const build = (): Built => {
      const { image, parameters } = vaeDecoder(config, input('latent', shape));
      return { outputs: { image }, parameters };
    };
    return await this.run('vae decoder', shape, { build, files, aliases: vaeAliases }, { latent });
  }

  /**
   * One evaluation of the U-Net.
   * @param sample [batch, in_channels, height, width]
   * @param text [batch, tokens, cross_attention_dim]
   */
  async predict(
    {
      sample,
      timestep,
      text,
    }: { readonly sample: Float32Array; readonly timestep: number; readonly text: Float32Array },
    { batch, height, width }: { readonly batch: number; readonly height: number; readonly width: number },
  ): Promise<Float32Array> {
    const { config, files } = this.model.unet;
    const textWidth = config.cross_attention_dim[0] ?? 1;
    const tokens = text.length / (batch * textWidth);
    const build = (): Built => {
      const { output, parameters } = unet(config, {
        sample: input('sample', [batch, config.in_channels, height, width]),
        timestep: input('timestep', [batch]),
        encoderHiddenStates: input('text', [batch, tokens, textWidth]),
      });
      return { outputs: { output }, parameters };
    };
    const feeds = { sample, timestep: new Float32Array(batch).fill(timestep), text };
    return await this.run('unet', [batch, tokens, height, width], { build, files, aliases: () => [] }, feeds);
  }

  /** Frees all sessions. The runtime stays the caller's. */
  async release(): Promise<void> {
    await this.tail;
    const sessions = [...this.prepared.values()];
    this.prepared.clear();
    for (const { session } of sessions) await session.release();
  }

  private run(
    name: string,
    shape: readonly number[],
    network: { readonly build: () => Built; readonly files: WeightFiles; readonly aliases: Aliases },
    feeds: Readonly<Record<string, Float32Array | Int32Array>>,
  ): Promise<Float32Array> {
    // One after the other: two loads of a network at once would leave one of them behind.
    const result = this.tail.then(() => this.runAlone(name, shape, network, feeds));
    this.tail = result.catch(() => undefined);
    return result;
  }

  private async runAlone(
    name: string,
    shape: readonly number[],
    network: { readonly build: () => Built; readonly files: WeightFiles; readonly aliases: Aliases },
    feeds: Readonly<Record<string, Float32Array | Int32Array>>,
  ): Promise<Float32Array> {
    const key = shape.join();
    let prepared = this.prepared.get(name);
    if (prepared?.key !== key) {
      this.prepared.delete(name);
      await prepared?.session.release();
      const { outputs, parameters } = network.build();
      const weights = bindWeights(parameters, network.files, name, network.aliases);
      const session = await loadNetwork(this.runtime, outputs, weights, network.files.folder);
      prepared = { key, session };
      this.prepared.set(name, prepared);
    }
    const [result] = Object.values(await prepared.session.run(feeds));
    return result ?? new Float32Array();
  }
}
