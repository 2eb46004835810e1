import { float, int } from '../onnx/emitter.js';
import { elementCount, extentOf } from '../shape.js';
import { apply, at, type OpRecord, requireDtype, type Tensor } from '../tensor.js';
import { add, erf, erfValue, exp, mul, scale, sigmoid, sub } from './elementwise.js';
import { scalar } from './leaf.js';
import { concat, split } from './shape.js';

// Records rather than compositions: on a CPU these are bound by memory, and ONNX Runtime has each in one pass.

const swishRecord: OpRecord<{ readonly slope: number }> = {
  name: 'swish',
  infer: (inputs) => {
    requireDtype(at(inputs, 0), 'float32', 'silu');
    return { shape: at(inputs, 0).shape, dtype: 'float32' };
  },
  // y = x s with s = sigmoid(a x): dy/dx = s + a y (1 - s) = s (1 + a (x - y)).
  gradient: ({ inputs, output, attributes: { slope } }, g) => {
    const x = at(inputs, 0);
    const rest = sub(x, output);
    const bracket = add(slope === 1 ? rest : scale(rest, slope), scalar(1));
    return [mul(g, mul(sigmoid(slope === 1 ? x : scale(x, slope)), bracket))];
  },
  lower: ({ attributes }, inputs, onnx) =>
    onnx.node('com.microsoft.QuickGelu', inputs, { alpha: float(attributes.slope) }),
  evaluate: ({ attributes: { slope } }, inputs) =>
    at(inputs, 0).data.map((x) => x / (1 + Math.exp(-slope * x))),
};

/** x * sigmoid(x). */
export function silu(x: Tensor): Tensor {
  return apply(swishRecord, [x], { slope: 1 });
}

/** x * sigmoid(1.702 x), the approximation of {@link gelu} that CLIP uses (Hendrycks and Gimpel 2016). */
export function quickGelu(x: Tensor): Tensor {
  return apply(swishRecord, [x], { slope: 1.702 });
}

const geluRecord: OpRecord<null> = {
  name: 'gelu',
  infer: (inputs) => {
    requireDtype(at(inputs, 0), 'float32', 'gelu');
    return { shape: at(inputs, 0).shape, dtype: 'float32' };
  },
  gradient: ({ inputs }, g) => [mul(g, geluSlope(at(inputs, 0)))],
  lower: (_call, inputs, onnx) => onnx.node('com.microsoft.Gelu', inputs),
  evaluate: (_call, inputs) => at(inputs, 0).data.map(geluValue),
};

/** x * Phi(x) with the exact error function (Hendrycks and Gimpel 2016). */
export function gelu(x: Tensor): Tensor {
  return apply(geluRecord, [x], null);
}

/** Phi(x) + x phi(x) = 0.5 (1 + erf(u)) + u exp(-u^2) / sqrt(pi) with u = x / sqrt(2). */
function geluSlope(x: Tensor): Tensor {
  const u = scale(x, Math.SQRT1_2);
  const density = mul(scale(u, 1 / Math.sqrt(Math.PI)), exp(mul(u, scale(u, -1))));
  return add(scale(add(erf(u), scalar(1)), 0.5), density);
}

const gegluRecord: OpRecord<null> = {
  name: 'geglu',
  infer: (inputs) => {
    const x = at(inputs, 0);
    requireDtype(x, 'float32', 'geglu');
    return { shape: at(split(x, -1, 2), 0).shape, dtype: 'float32' };
  },
  // Joined by hand: two slices' gradients would be two padded copies and a sum.
  gradient: ({ inputs }, g) => {
    const [values, gates] = split(at(inputs, 0), -1, 2) as [Tensor, Tensor];
    return [concat([mul(g, gelu(gates)), mul(mul(g, values), geluSlope(gates))], -1)];
  },
  lower: (_call, inputs, onnx) => {
    const halves = onnx.nodes('Split', inputs, 2, { axis: int(-1), num_outputs: int(2) });
    return onnx.node('Mul', [at(halves, 0), onnx.node('com.microsoft.Gelu', [at(halves, 1)])]);
  },
  evaluate: ({ output }, inputs) => {
    const { data } = at(inputs, 0);
    const width = extentOf(output.shape, -1);
    return Float64Array.from({ length: elementCount(output.shape) }, (_, k) => {
      const value = k + Math.floor(k / width) * width;
      return (data[value] ?? Number.NaN) * geluValue(data[value + width] ?? Number.NaN);
    });
  },
};

/**
 * The gated half of a feed-forward layer (Shazeer 2020) in the order of diffusers: the last axis holds values, then
 * gates; values * gelu(gates). [..., 2 width] -> [..., width].
 * @throws GraphError `invalid_attribute` if the last axis is odd.
 */
export function geglu(x: Tensor): Tensor {
  return apply(gegluRecord, [x], null);
}

function geluValue(x: number): number {
  return 0.5 * x * (1 + erfValue(x * Math.SQRT1_2));
}
