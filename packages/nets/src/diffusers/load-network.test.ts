import { canRunPlans, GraphRuntime, input, planNetwork, type Tensor } from '@triptych/graph';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixtureConfig, fixtureFolder, goldenValues, relativeError } from '../testing/golden.js';
import { parseUnetConfig } from '../unet/config.js';
import { unet } from '../unet/unet.js';
import { vaeDecoder, vaeEncoder } from '../vae/autoencoder.js';
import { parseVaeConfig } from '../vae/config.js';
import { bindWeights } from '../weights/bind.js';
import { openWeightFiles } from '../weights/weight-files.js';
import { loadNetwork } from './load-network.js';

let runtime: GraphRuntime;
beforeAll(async () => {
  runtime = await GraphRuntime.start({ threads: 2 });
});
afterAll(() => runtime.close());

interface Network {
  readonly result: Tensor;
  readonly parameters: ReadonlyMap<string, Tensor>;
}

/** The network's result for a golden's inputs. It must have a plan wherever there are kernels. */
async function run(
  fixture: string,
  { result, parameters }: Network,
  feeds: Record<string, Float32Array | undefined>,
): Promise<Float32Array | undefined> {
  const files = await openWeightFiles(fixtureFolder(fixture));
  const weights = bindWeights(parameters, files, fixture);
  expect(planNetwork({ result }, weights)).toBeDefined();
  const session = await loadNetwork(runtime, { result }, weights, files.folder);
  const results = await session.run(feeds as Record<string, Float32Array>);
  await session.release();
  return results.result;
}

describe(`networks whose weights stay in files (own kernels: ${canRunPlans()})`, () => {
  it('agree with diffusers within 1e-4: the U-Net', async () => {
    const golden = await goldenValues('unet');
    const { output, parameters } = unet(parseUnetConfig(await fixtureConfig('unet')), {
      sample: input('sample', [3, 8, 16, 16]),
      timestep: input('timestep', [3]),
      encoderHiddenStates: input('text', [3, 20, 32]),
    });
    const { sample, timestep, encoder_hidden_states: text } = golden;
    const out = await run('unet', { result: output, parameters }, { sample, timestep, text });
    expect(relativeError(out, golden.out)).toBeLessThan(1e-4);
  });

  it('agree with diffusers within 1e-4: the autoencoder', async () => {
    const golden = await goldenValues('vae');
    const config = parseVaeConfig(await fixtureConfig('vae'));
    const encoder = vaeEncoder(config, input('image', [2, 3, 32, 32]));
    const mean = await run(
      'vae',
      { result: encoder.mean, parameters: encoder.parameters },
      { image: golden.image },
    );
    expect(relativeError(mean, golden.mean)).toBeLessThan(1e-4);
    const decoder = vaeDecoder(config, input('latent', [2, 4, 8, 8]));
    const image = await run(
      'vae',
      { result: decoder.image, parameters: decoder.parameters },
      { latent: golden.mean },
    );
    expect(relativeError(image, golden.decoded_mode)).toBeLessThan(1e-4);
  });
});
