/**
 * How a stored frame is turned to stand upright: columns and rows as they go over the stored picture.
 * `swap`: the upright picture's x runs along stored rows. Then each axis may be mirrored.
 */
export interface Turn {
  readonly swap: boolean;
  readonly flipX: boolean;
  readonly flipY: boolean;
}

export const noTurn: Turn = { swap: false, flipX: false, flipY: false };

/**
 * Reads a display matrix: nine 32-bit numbers, of which the first 2x2 block, 16.16 fixed point, sends stored (x, y)
 * to shown (a x + c y, b x + d y). Anything that is no quarter turn or mirroring is taken as the nearest one; a matrix
 * of nothing is no turn.
 */
export function turnOf(matrix: Uint8Array | null): Turn {
  if (matrix === null || matrix.byteLength < 36) return noTurn;
  const view = new DataView(matrix.buffer, matrix.byteOffset, matrix.byteLength);
  const at = (i: number): number => view.getInt32(4 * i, true);
  const [a, b, c, d] = [at(0), at(1), at(3), at(4)];
  if (Math.abs(b) + Math.abs(c) > Math.abs(a) + Math.abs(d))
    return { swap: true, flipX: c < 0, flipY: b < 0 };
  return { swap: false, flipX: a < 0, flipY: d < 0 };
}

/** Degrees clockwise that the picture is turned by for showing; a mirrored one gives the turn of its rows. */
export function degreesOf({ swap, flipX, flipY }: Turn): 0 | 90 | 180 | 270 {
  if (swap) return flipX ? 90 : 270;
  return flipX && flipY ? 180 : 0;
}

/** Turns packed RGB pixels upright. */
export function turned(data: Uint8Array, width: number, height: number, turn: Turn): Uint8Array {
  const { swap, flipX, flipY } = turn;
  if (!swap && !flipX && !flipY) return data;
  const outWidth = swap ? height : width;
  const outHeight = swap ? width : height;
  const out = new Uint8Array(data.length);
  for (let y = 0, to = 0; y < outHeight; y++)
    for (let x = 0; x < outWidth; x++, to += 3) {
      const u = flipX ? outWidth - 1 - x : x;
      const v = flipY ? outHeight - 1 - y : y;
      const from = 3 * (swap ? u * width + v : v * width + u);
      out[to] = data[from]!;
      out[to + 1] = data[from + 1]!;
      out[to + 2] = data[from + 2]!;
    }
  return out;
}
