import { GraphRuntime } from '@triptych/graph';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GraphError } from '../errors.js';
import { grad } from '../grad.js';
import { conv2d } from '../ops/conv/conv2d.js';
import { add } from '../ops/elementwise.js';
import { input, parameter } from '../ops/leaf.js';
import { sumAll } from '../ops/reduce.js';
import { evaluateReference } from '../reference.js';
import type { Tensor } from '../tensor.js';
import { opCases } from '../testing/op-cases.js';
import { exportOnnx } from './export.js';
import { ProtoWriter } from './proto.js';

describe('ONNX lowering on ONNX Runtime against the float64 reference', () => {
  let runtime: GraphRuntime;
  beforeAll(async () => {
    runtime = await GraphRuntime.start({ threads: 1 });
  });
  afterAll(() => runtime.close());

  for (const { name, loss, parameters, feeds } of opCases()) {
    it(`${name}: value and gradients`, async () => {
      const outputs: Record<string, Tensor> = { loss };
      grad(loss, [...parameters.values()]).forEach((gradient, k) => {
        outputs[`gradient${k}`] = gradient;
      });
      const session = await runtime.load(exportOnnx(outputs));
      const actual = await session.run(feeds);
      const expected = evaluateReference(Object.values(outputs), feeds);
      Object.keys(outputs).forEach((key, index) => {
        const want = expected[index] ?? new Float64Array();
        const scale = Math.max(1, ...want.map(Math.abs));
        expect(actual[key]).toHaveLength(want.length);
        actual[key]?.forEach((value, k) => {
          expect(Math.abs(value - (want[k] ?? Number.NaN)) / scale).toBeLessThan(2e-5);
        });
      });
      await session.release();
    });
  }
});

describe('exportOnnx', () => {
  it('refuses two leaves of one name', () => {
    const clash = add(input('x', [2]), input('x', [2]));
    expect(() => exportOnnx({ clash })).toThrow(GraphError);
  });

  it('takes weights into the model', async () => {
    const [x, w] = [input('x', [1, 2, 3, 3]), parameter('w', [2, 2, 3, 3])];
    const y = sumAll(conv2d(x, w, { padding: 1 }));
    const weights = { w: new Float32Array(36).fill(0.5), other: new Float32Array(1) };
    const model = exportOnnx({ y }, { weights });
    expect(model.inputs.map(({ name }) => name)).toEqual(['x']);
    const runtime = await GraphRuntime.start({ threads: 1 });
    const result = await (await runtime.load(model)).run({ x: new Float32Array(18).fill(1) });
    expect(result.y?.[0]).toBeCloseTo(2 * 2 * 0.5 * 49, 4);
    await runtime.close();
    expect(() => exportOnnx({ y }, { weights: { w: new Float32Array(3) } })).toThrow('36 values');
  });

  it('lists inputs and outputs with their types', () => {
    const model = exportOnnx({ sum: add(input('a', [2, 3]), input('b', [3])) });
    expect(model.inputs).toEqual([
      { name: 'a', shape: [2, 3], dtype: 'float32' },
      { name: 'b', shape: [3], dtype: 'float32' },
    ]);
    expect(model.outputs).toEqual([{ name: 'sum', shape: [2, 3], dtype: 'float32' }]);
  });
});

describe('ProtoWriter', () => {
  it('writes the wire format', () => {
    const inner = new ProtoWriter().int(1, 150);
    const bytes = new ProtoWriter().message(3, inner).string(2, 'hi').float(4, 1).int(5, -1).finish();
    const minusOne = [...new Array<number>(9).fill(0xff), 0x01];
    expect([...bytes]).toEqual([
      ...[0x1a, 3, 0x08, 0x96, 0x01],
      ...[0x12, 2, 0x68, 0x69],
      ...[0x25, 0, 0, 0x80, 0x3f],
      ...[0x28, ...minusOne],
    ]);
  });
});
