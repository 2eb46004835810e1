/**
 * A small editing U-Net for the training benchmark: the layers of UNet2DConditionModel on space-to-depth pixels. It
 * takes a noisy and a source picture (64 x 64, values -1..1), times and text features, and returns a picture.
 */
import {
  add,
  attention,
  concat,
  conv2d,
  elementCount,
  geglu,
  groupNorm,
  input,
  layerNorm,
  linear,
  mul,
  parameter,
  pixelShuffle,
  pixelUnshuffle,
  Random,
  reshape,
  scale,
  silu,
  sub,
  sumAll,
  timestepEmbedding,
  transpose,
  upsampleNearest,
} from '@triptych/graph';

export const settings = {
  batch: 16,
  side: 64,
  patch: 2,
  channels: [64, 128, 192],
  blocksPerLevel: 1,
  /** Levels whose pixels attend to each other and to the text. */
  attentionLevels: [1, 2],
  headWidth: 32,
  groups: 8,
  text: { tokens: 24, width: 128 },
};

/** The loss of one batch, the trainable tensors by name and values to start from. */
export function unet() {
  const { batch, side, patch, channels, text } = settings;
  const trainable = new Map();
  const weight = (name, shape) => {
    const tensor = parameter(name, shape);
    trainable.set(name, tensor);
    return tensor;
  };
  const affine = (name, width) => [weight(`${name}.weight`, [width]), weight(`${name}.bias`, [width])];
  const conv = (x, name, out, kernel, stride = 1) =>
    conv2d(x, weight(`${name}.weight`, [out, x.shape[1], kernel, kernel]), {
      bias: weight(`${name}.bias`, [out]),
      padding: (kernel - 1) / 2,
      stride,
    });
  const dense = (x, name, out) =>
    linear(x, weight(`${name}.weight`, [out, x.shape.at(-1)]), weight(`${name}.bias`, [out]));
  const norm = (x, name) => groupNorm(x, ...affine(name, x.shape[1]), settings.groups, 1e-5);

  const resBlock = (x, name, out, time) => {
    let y = conv(silu(norm(x, `${name}.norm1`)), `${name}.conv1`, out, 3);
    const shift = dense(silu(time), `${name}.time_emb_proj`, out);
    y = add(y, reshape(shift, [batch, out, 1, 1]));
    y = conv(silu(norm(y, `${name}.norm2`)), `${name}.conv2`, out, 3);
    return add(x.shape[1] === out ? x : conv(x, `${name}.conv_shortcut`, out, 1), y);
  };
  const attend = (x, context, name) => {
    const width = x.shape.at(-1);
    const project = (from, part) =>
      linear(from, weight(`${name}.${part}.weight`, [width, from.shape.at(-1)]));
    const heads = width / settings.headWidth;
    const y = attention(project(x, 'to_q'), project(context, 'to_k'), project(context, 'to_v'), { heads });
    return dense(y, `${name}.to_out`, width);
  };
  const transformer = (image, context, name) => {
    const [, width, height, columns] = image.shape;
    const flat = reshape(conv(norm(image, `${name}.norm`), `${name}.proj_in`, width, 1), [
      batch,
      width,
      height * columns,
    ]);
    let x = transpose(flat, [0, 2, 1]);
    const layer = (part) => layerNorm(x, ...affine(`${name}.${part}`, width), 1e-5);
    const first = layer('norm1');
    x = add(x, attend(first, first, `${name}.attn1`));
    x = add(x, attend(layer('norm2'), context, `${name}.attn2`));
    x = add(x, dense(geglu(dense(layer('norm3'), `${name}.ff.0`, 8 * width)), `${name}.ff.2`, width));
    const back = reshape(transpose(x, [0, 2, 1]), image.shape);
    return add(image, conv(back, `${name}.proj_out`, width, 1));
  };

  const picture = (name) => input(name, [batch, 3, side, side]);
  const context = input('text', [batch, text.tokens, text.width]);
  const embedded = timestepEmbedding(input('time', [batch]), channels[0], {
    flipSinToCos: true,
    frequencyShift: 0,
  });
  const time = dense(
    silu(dense(embedded, 'time.linear_1', 4 * channels[0])),
    'time.linear_2',
    4 * channels[0],
  );
  const pixels = concat(
    [pixelUnshuffle(picture('noisy'), patch), pixelUnshuffle(picture('source'), patch)],
    1,
  );

  const stage = (x, name, level, out) => {
    const y = resBlock(x, `${name}.resnet`, out, time);
    return settings.attentionLevels.includes(level) ? transformer(y, context, `${name}.attention`) : y;
  };
  let x = conv(pixels, 'conv_in', channels[0], 3);
  const skips = [x];
  channels.forEach((out, level) => {
    for (let block = 0; block < settings.blocksPerLevel; block++) {
      x = stage(x, `down.${level}.${block}`, level, out);
      skips.push(x);
    }
    if (level < channels.length - 1) {
      x = conv(x, `down.${level}.downsample`, out, 3, 2);
      skips.push(x);
    }
  });
  x = stage(x, 'mid', channels.length - 1, channels.at(-1));
  for (let level = channels.length - 1; level >= 0; level--) {
    for (let block = 0; block <= settings.blocksPerLevel; block++) {
      x = stage(concat([x, skips.pop()], 1), `up.${level}.${block}`, level, channels[level]);
    }
    if (level > 0) x = conv(upsampleNearest(x, 2), `up.${level}.upsample`, channels[level], 3);
  }
  const change = pixelShuffle(conv(silu(norm(x, 'norm_out')), 'conv_out', 3 * patch ** 2, 3), patch);
  const error = sub(change, picture('target'));
  const loss = scale(sumAll(mul(error, error)), 1 / elementCount(error.shape));
  return { loss, trainable, initial: initialValues(trainable) };
}

/** Norm weights are 1, biases 0, the others normal with variance 1 / fan-in. */
function initialValues(trainable) {
  const random = new Random(1);
  const values = {};
  for (const [name, { shape }] of trainable) {
    const length = elementCount(shape);
    const deviation = Math.sqrt(1 / elementCount(shape.slice(1)));
    if (name.endsWith('.bias')) values[name] = new Float32Array(length);
    else if (shape.length === 1) values[name] = new Float32Array(length).fill(1);
    else values[name] = Float32Array.from({ length }, () => deviation * random.normal());
  }
  return values;
}

/** Random pictures, times and text: speed does not depend on what they show. */
export function randomBatch() {
  const random = new Random(2);
  const { batch, side, text } = settings;
  const normals = (length) => Float32Array.from({ length }, () => random.normal());
  const picture = () => normals(batch * 3 * side * side);
  return {
    noisy: picture(),
    source: picture(),
    target: picture(),
    time: Float32Array.from({ length: batch }, () => random.below(1000)),
    text: normals(batch * text.tokens * text.width),
  };
}
