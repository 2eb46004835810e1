import { elementCount, extentOf, type Shape } from '../shape.js';

/** Memory of one matrix: a row per channel, a column per pixel or token of all images. Its place is decided at the end. */
export interface Storage {
  readonly rows: number;
  readonly columns: number;
  readonly stride: number;
}

/** Some rows of a storage. */
export interface Matrix {
  readonly storage: Storage;
  readonly firstRow: number;
  readonly rows: number;
}

/**
 * How a tensor is read from a matrix: `channels` is [batch, rows, ...pixels], `tokens` is [..., rows]. Turning an image
 * into tokens and back is then no work at all.
 */
export interface View {
  readonly matrix: Matrix;
  readonly layout: 'channels' | 'tokens';
  readonly shape: Shape;
  /** The tensor is this many times as high and wide as the matrix; only convolutions can read it. */
  readonly enlarge: number;
}

/** Floats between rows: room for whole vectors, and no multiple of 1 KiB, whose rows would share cache sets. */
function strideOf(columns: number): number {
  const stride = Math.ceil(columns / 16) * 16;
  return stride % 256 === 0 ? stride + 16 : stride;
}

export function newMatrix(rows: number, columns: number): Matrix {
  return { storage: { rows, columns, stride: strideOf(columns) }, firstRow: 0, rows };
}

/** The natural view of a fresh matrix for a tensor: images by channel, everything else by token. */
export function newView(shape: Shape): View {
  const layout = shape.length >= 4 ? 'channels' : 'tokens';
  return viewOf(shape, layout);
}

/** A fresh matrix for a tensor in the given layout. */
export function viewOf(shape: Shape, layout: View['layout']): View {
  const rows = rowsOf(shape, layout);
  return { matrix: newMatrix(rows, elementCount(shape) / rows), layout, shape, enlarge: 1 };
}

/** Channels of a tensor; a vector is one channel of several images. */
function rowsOf(shape: Shape, layout: View['layout']): number {
  if (layout === 'channels') return extentOf(shape, 1);
  return shape.length < 2 ? 1 : extentOf(shape, -1);
}

/** Images of a batch, as far as the layout knows them. */
export function batchOf({ shape }: View): number {
  return extentOf(shape, 0);
}

/** The same matrix under another shape, or `undefined` where elements would have to move. */
export function reshapeView(view: View, shape: Shape): View | undefined {
  if (view.enlarge !== 1) return undefined;
  const { rows } = view.matrix;
  const { columns } = view.matrix.storage;
  if (view.layout === 'channels') {
    const isKept = shape.length >= 3 && shape[0] === view.shape[0] && shape[1] === rows;
    return isKept ? { ...view, shape } : undefined;
  }
  if (shape.length >= 4 && shape[0] === columns && shape[1] === rows) {
    return { ...view, layout: 'channels', shape };
  }
  return shape.length >= 2 && shape.at(-1) === rows ? { ...view, shape } : undefined;
}

/** [batch, a, b] with its last two axes swapped; `undefined` for other permutations. */
export function transposeView(view: View, permutation: readonly number[]): View | undefined {
  if (permutation.join() !== '0,2,1' || view.enlarge !== 1) return undefined;
  const shape = permutation.map((axis) => extentOf(view.shape, axis));
  return { ...view, layout: view.layout === 'channels' ? 'tokens' : 'channels', shape };
}
