import type { Raster } from '@triptych/media';

/** Keeps the fit solvable where a picture is one flat colour. */
const ridge = 1e-3;

/**
 * A linear map from latent channels to RGB, fitted by least squares to one picture and its latent. Good enough to watch
 * an edit take shape, needs no decoder run, and fits any autoencoder.
 * @param latent [channels, height, width]
 * @param picture RGB, of the latent's width and height
 * @returns the map: a latent of the same shape to a picture of its size
 */
export function fitLatentPreview(latent: Float32Array, picture: Raster): (latent: Float32Array) => Raster {
  const { width, height } = picture;
  const count = width * height;
  const channels = latent.length / count;
  const rows = channels + 1;
  const feature = (from: Float32Array, row: number, i: number): number =>
    row === channels ? 1 : from[row * count + i]!;
  // Normal equations: [rows, rows | 3].
  const system = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: rows + 3 }, (_, column) => {
      let sum = column === row ? ridge * count : 0;
      for (let i = 0; i < count; i++) {
        const other = column < rows ? feature(latent, column, i) : picture.data[3 * i + column - rows]! / 255;
        sum += feature(latent, row, i) * other;
      }
      return sum;
    }),
  );
  const weights = solve(system, rows);
  return (from) => {
    const data = new Uint8Array(3 * count);
    for (let i = 0; i < count; i++)
      for (let c = 0; c < 3; c++) {
        let value = 0;
        for (let row = 0; row < rows; row++) value += weights[row]![c]! * feature(from, row, i);
        data[3 * i + c] = Math.round(255 * Math.min(1, Math.max(0, value)));
      }
    return { width, height, channels: 3, data };
  };
}

/** Gauss-Jordan elimination with row exchange; returns the right-hand sides. Positive definite systems only. */
function solve(system: number[][], size: number): number[][] {
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let row = column + 1; row < size; row++)
      if (Math.abs(system[row]![column]!) > Math.abs(system[pivot]![column]!)) pivot = row;
    [system[column], system[pivot]] = [system[pivot]!, system[column]!];
    const head = system[column]!;
    const scale = head[column]!;
    for (let i = column; i < head.length; i++) head[i]! /= scale;
    for (const [row, values] of system.entries()) {
      const factor = values[column]!;
      if (row === column || factor === 0) continue;
      for (let i = column; i < values.length; i++) values[i]! -= factor * head[i]!;
    }
  }
  return system.map((row) => row.slice(size));
}
