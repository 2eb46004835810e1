import { GraphError } from '../errors.js';
import { int, string } from '../onnx/emitter.js';
import { elementCount, extentOf } from '../shape.js';
import { apply, at, type OpRecord, requireDtype, type Tensor } from '../tensor.js';
import { reshape } from './shape.js';

// Rows by index, and its gradient: rows added at indices.

const gatherRowsRecord: OpRecord<null> = {
  name: 'gatherRows',
  infer: (inputs) => {
    const [table, indices] = [at(inputs, 0), at(inputs, 1)];
    requireDtype(table, 'float32', 'gatherRows');
    requireDtype(indices, 'int32', 'gatherRows');
    if (table.shape.length !== 2) {
      throw new GraphError('shape_mismatch', `gatherRows needs a table [rows, width], got [${table.shape}]`);
    }
    return { shape: [...indices.shape, extentOf(table.shape, 1)], dtype: 'float32' };
  },
  gradient: ({ inputs }, g) => {
    const [table, indices] = [at(inputs, 0), at(inputs, 1)];
    const [rows, width] = [extentOf(table.shape, 0), extentOf(table.shape, 1)];
    const count = elementCount(indices.shape);
    return [scatterAddRows(reshape(g, [count, width]), reshape(indices, [count]), rows), undefined];
  },
  lower: (_call, inputs, onnx) => onnx.node('Gather', inputs, { axis: int(0) }),
  evaluate: ({ output }, inputs) => {
    const [table, indices] = [at(inputs, 0), at(inputs, 1)];
    const width = extentOf(table.shape, 1);
    const result = new Float64Array(elementCount(output.shape));
    indices.data.forEach((row, k) => {
      result.set(table.data.subarray(row * width, (row + 1) * width), k * width);
    });
    return result;
  },
};

/** Rows of a table [rows, width] at int32 indices of any shape: [...indices, width]. An embedding lookup. */
export function gatherRows(table: Tensor, indices: Tensor): Tensor {
  return apply(gatherRowsRecord, [table, indices], null);
}

const scatterAddRowsRecord: OpRecord<{ readonly rows: number }> = {
  name: 'scatterAddRows',
  infer: (inputs, { rows }) => {
    const [updates, indices] = [at(inputs, 0), at(inputs, 1)];
    requireDtype(updates, 'float32', 'scatterAddRows');
    requireDtype(indices, 'int32', 'scatterAddRows');
    if (updates.shape.length !== 2 || indices.shape.length !== 1 || updates.shape[0] !== indices.shape[0]) {
      throw new GraphError(
        'shape_mismatch',
        `scatterAddRows needs updates [n, width] and indices [n], got [${updates.shape}] and [${indices.shape}]`,
      );
    }
    return { shape: [rows, extentOf(updates.shape, 1)], dtype: 'float32' };
  },
  gradient: ({ inputs }, g) => [gatherRows(g, at(inputs, 1)), undefined],
  // ScatterElements rather than ScatterND: ONNX Runtime adds duplicates one after the other, in order.
  lower: ({ inputs: [updates], output }, inputs, onnx) => {
    const [count, width] = [extentOf(updates?.shape ?? [], 0), extentOf(output.shape, 1)];
    const column = onnx.node('Reshape', [at(inputs, 1), onnx.int64s([count, 1])]);
    const indices = onnx.node('Expand', [column, onnx.int64s([count, width])]);
    const zeros = onnx.node('Expand', [onnx.float(0), onnx.int64s(output.shape)]);
    return onnx.node('ScatterElements', [zeros, indices, at(inputs, 0)], {
      axis: int(0),
      reduction: string('add'),
    });
  },
  evaluate: ({ output }, inputs) => {
    const [updates, indices] = [at(inputs, 0), at(inputs, 1)];
    const width = extentOf(output.shape, 1);
    const result = new Float64Array(elementCount(output.shape));
    indices.data.forEach((row, k) => {
      for (let column = 0; column < width; column++) {
        const cell = row * width + column;
        result[cell] = (result[cell] ?? 0) + (updates.data[k * width + column] ?? 0);
      }
    });
    return result;
  },
};

/** A zero table [rows, width] to which row k of `updates` [n, width] is added at row `indices[k]`. */
export function scatterAddRows(updates: Tensor, indices: Tensor, rows: number): Tensor {
  return apply(scatterAddRowsRecord, [updates, indices], { rows });
}
