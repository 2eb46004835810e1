import { add, concat, mul, type Random, sigmoid, split, sub, type Tensor } from '@triptych/graph';
import {
  type ClipTextConfig,
  type ConfigJson,
  clipTextModel,
  initialWeights,
  parseClipTextConfig,
  parseSchedulerConfig,
  parseUnetConfig,
  type SchedulerConfig,
  type UnetConfig,
  unet,
} from '@triptych/nets';
import { MASK_CHANNELS, OUTPUT_CHANNELS, PIXEL_CHANNELS } from './pixels.js';

/** Configurations of the embedded model's parts, as its folder holds them: public keys throughout. */
export interface EditModelJson {
  readonly unet: ConfigJson;
  readonly textEncoder: ConfigJson;
  readonly scheduler: ConfigJson;
}

/** The same, checked. */
export interface EditModelConfig {
  readonly unet: UnetConfig;
  readonly textEncoder: ClipTextConfig;
  readonly scheduler: SchedulerConfig;
}

/** @throws NetworkError `invalid_config` naming the key */
export function parseEditModel(json: EditModelJson): EditModelConfig {
  return {
    unet: parseUnetConfig(json.unet),
    textEncoder: parseClipTextConfig(json.textEncoder),
    scheduler: parseSchedulerConfig(json.scheduler),
  };
}

/** What the network is given. Pictures are [batch, 48, height / 4, width / 4] in -1..1. */
export interface EditInputs {
  /** Times {@link noisyScale}. */
  readonly noisy: Tensor;
  /** Zeros where the picture is dropped. */
  readonly source: Tensor;
  /** float32 [batch], 0..999 */
  readonly timestep: Tensor;
  /** Hidden states of the instruction: [batch, tokens, width] */
  readonly text: Tensor;
}

/**
 * Factor on the noisy picture before the network sees it: sqrt(alphaBar), the share of signal in it. Pure noise tells
 * nothing, so it is not shown at all; else a network of few steps of training passes it on into what should stay.
 * @param alphas cumulative products of the schedule
 * @param timestep whole or not: in between it is interpolated
 */
export function noisyScale(alphas: Float32Array, timestep: number): number {
  const low = Math.max(0, Math.min(alphas.length - 1, Math.floor(timestep)));
  const high = Math.min(alphas.length - 1, low + 1);
  const [from = 0, to = 0] = [alphas[low], alphas[high]];
  return Math.sqrt(from + (to - from) * (timestep - low));
}

/** A graph and its parameters under their public names. */
export interface EditNetwork {
  /** The clean picture as predicted: [batch, 48, height / 4, width / 4]. */
  readonly clean: Tensor;
  /** How sure it is that a pixel changes, 0..1: [batch, 16, height / 4, width / 4]. */
  readonly mask: Tensor;
  readonly parameters: ReadonlyMap<string, Tensor>;
}

/**
 * The U-Net beside its source: clean = source + mask * (paint - cover * source), all three from (noisy, source, time,
 * text). With its last convolution at zero it copies the source exactly, so that all of training goes into the edit. The
 * mask is what training can tell directly where to edit, and it keeps what should stay. Where cover is one, paint is all
 * that is seen: to remove an object, its picture need not be known to the last pixel.
 */
export function editNetwork(config: UnetConfig, { noisy, source, timestep, text }: EditInputs): EditNetwork {
  const { output, parameters } = unet(config, {
    sample: concat([noisy, source], 1),
    timestep,
    encoderHiddenStates: text,
  });
  const parts = [PIXEL_CHANNELS, MASK_CHANNELS, MASK_CHANNELS];
  const [paint, logits, cover] = split(output, 1, parts) as [Tensor, Tensor, Tensor];
  const mask = sigmoid(logits);
  const change = sub(paint, mul(ofAllColours(cover), source));
  return { clean: add(source, mul(ofAllColours(mask), change)), mask, parameters };
}

/** A plane [batch, 16, ...] for each of the three colours: [batch, 48, ...]. */
export function ofAllColours(plane: Tensor): Tensor {
  return concat([plane, plane, plane], 1);
}

/** Text encoder and U-Net as one graph from token ids int32 [batch, tokens]: what training sees. */
export function wholeNetwork(
  config: EditModelConfig,
  { ids, ...inputs }: Omit<EditInputs, 'text'> & { readonly ids: Tensor },
): EditNetwork {
  const encoder = clipTextModel(config.textEncoder, ids);
  const { parameters, ...outputs } = editNetwork(config.unet, { ...inputs, text: encoder.lastHidden });
  // The names cannot meet: all of the encoder's start with "text_model.".
  return { ...outputs, parameters: new Map([...encoder.parameters, ...parameters]) };
}

/** Weights to start training from: random, except for the last convolution, which is zero. */
export function copyStart(
  parameters: ReadonlyMap<string, Tensor>,
  random: Random,
): Record<string, Float32Array> {
  const weights = initialWeights(parameters, random);
  weights['conv_out.weight']?.fill(0);
  weights['conv_out.bias']?.fill(0);
  return weights;
}

/** Whether a configuration is one that {@link editNetwork} can run. */
export function isPixelUnet({ in_channels: input, out_channels: output }: UnetConfig): boolean {
  return input === 2 * PIXEL_CHANNELS && output === OUTPUT_CHANNELS;
}
