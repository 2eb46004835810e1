import { NetworkError } from '../errors.js';

/** What is taken away from one training example, so that the network learns the branches of guidance. */
export interface DroppedConditioning {
  /** The text embedding becomes that of the empty text. */
  readonly text: boolean;
  /** The image latent becomes zeros: a zero latent, not the latent of a black or grey picture. */
  readonly image: boolean;
}

/**
 * Conditioning dropout of InstructPix2Pix from one uniform number: text only, both, and image only with probability
 * `rate` each.
 * @param uniform in [0, 1), one per example
 * @param rate probability of each of the three cases; 0.05 in InstructPix2Pix, MagicBrush and AURORA
 */
export function conditioningDropout(uniform: number, rate = 0.05): DroppedConditioning {
  if (!(rate >= 0 && rate <= 1 / 3)) {
    throw new NetworkError(
      'invalid_argument',
      `the rate of conditioning dropout must be in 0..1/3, got ${rate}`,
    );
  }
  return { text: uniform < 2 * rate, image: uniform >= rate && uniform < 3 * rate };
}

/**
 * Joins noisy latents and image latents along channels: what a U-Net of 8 input channels is fed. The image latents are
 * the mode of the encoder's distribution and are NOT multiplied by scaling_factor (the noisy ones are, and only they are
 * divided by the scheduler's `scaleInput`).
 * @param noisy [batch, channels, positions]
 * @param image [batch, channels, positions]
 * @returns [batch, 2 * channels, positions]
 */
export function joinLatents(noisy: Float32Array, image: Float32Array, batch: number): Float32Array {
  const block = noisy.length / batch;
  if (noisy.length !== image.length || !Number.isInteger(block)) {
    throw new NetworkError(
      'invalid_argument',
      `${noisy.length} noisy and ${image.length} image values do not join in a batch of ${batch}`,
    );
  }
  const joined = new Float32Array(2 * noisy.length);
  for (let row = 0; row < batch; row++) {
    joined.set(noisy.subarray(row * block, (row + 1) * block), 2 * row * block);
    joined.set(image.subarray(row * block, (row + 1) * block), (2 * row + 1) * block);
  }
  return joined;
}
