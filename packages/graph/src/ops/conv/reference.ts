import type { ConvExtents, ConvGeometry } from './geometry.js';

/**
 * Visits every product of a convolution once: y[yIndex] += x[xIndex] * w[wIndex], all indices flat and row-major. The
 * convolution and both of its gradients are sums over these triples, so one loop is the oracle of all three.
 */
export function forEachProduct(
  extents: ConvExtents,
  { stride, pads, dilation, groups }: ConvGeometry,
  visit: (yIndex: number, xIndex: number, wIndex: number) => void,
): void {
  const { batch, inChannels, outChannels } = extents;
  const [height, width] = extents.in;
  const [kernelHeight, kernelWidth] = extents.kernel;
  const [outHeight, outWidth] = extents.out;
  const [groupIn, groupOut] = [inChannels / groups, outChannels / groups];
  for (let n = 0; n < batch; n++) {
    for (let o = 0; o < outChannels; o++) {
      const firstChannel = Math.floor(o / groupOut) * groupIn;
      for (let c = 0; c < groupIn; c++) {
        for (let tap = 0; tap < kernelHeight * kernelWidth; tap++) {
          const wIndex = (o * groupIn + c) * kernelHeight * kernelWidth + tap;
          const shiftY = Math.floor(tap / kernelWidth) * dilation[0] - pads[0];
          const shiftX = (tap % kernelWidth) * dilation[1] - pads[1];
          for (let outY = 0; outY < outHeight; outY++) {
            const y = outY * stride[0] + shiftY;
            if (y < 0 || y >= height) continue;
            for (let outX = 0; outX < outWidth; outX++) {
              const x = outX * stride[1] + shiftX;
              if (x < 0 || x >= width) continue;
              visit(
                ((n * outChannels + o) * outHeight + outY) * outWidth + outX,
                ((n * inChannels + firstChannel + c) * height + y) * width + x,
                wIndex,
              );
            }
          }
        }
      }
    }
  }
}
