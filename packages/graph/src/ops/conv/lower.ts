import { int, ints, type OnnxAttribute } from '../../onnx/emitter.js';
import type { ConvGeometry } from './geometry.js';

/** The attributes that ONNX's Conv reads. */
export function convAttributes(geometry: ConvGeometry): Record<string, OnnxAttribute> {
  return {
    strides: ints(geometry.stride),
    pads: ints(geometry.pads),
    dilations: ints(geometry.dilation),
    group: int(geometry.groups),
  };
}
