import type { NetworkTensor } from '@triptych/native';
import { GraphError } from '../errors.js';
import type { ExternalTensor } from '../onnx/export.js';
import { isParameter, leafName } from '../ops/leaf.js';
import { elementCount, extentOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { batchOf, type View } from './matrix.js';
import type { Step } from './steps.js';

/** Thrown by rules that have no kernel for what they find. Never leaves `planNetwork`. */
export class NotPlannable extends Error {}

/** What is known of a tensor while planning. */
export interface Planned {
  readonly view: View;
  /** The step that writes it. */
  readonly step: Step | undefined;
  /** Nothing but the one reader of this tensor sees the matrix: the step may still be changed. */
  readonly isExclusive: boolean;
}

const GGML_TYPE = { float32: 0, float16: 1, bfloat16: 30 } as const;

/** Collects steps, weights and constants while the rules go through a graph. */
export class Planner {
  readonly steps: Step[] = [];
  readonly files: string[] = [];
  readonly tensors: NetworkTensor[] = [];
  readonly constants: { readonly values: Float32Array }[] = [];
  private readonly planned = new Map<Tensor, Planned>();
  private readonly weights = new Map<string, number>();
  private readonly external: ReadonlyMap<string, ExternalTensor>;
  private readonly uses: ReadonlyMap<Tensor, number>;

  constructor(external: ReadonlyMap<string, ExternalTensor>, uses: ReadonlyMap<Tensor, number>) {
    this.external = external;
    this.uses = uses;
  }

  input(tensor: Tensor, view: View, index: number): void {
    const byTokens = view.layout === 'tokens';
    this.emit(tensor, view, {
      op: 'input',
      index,
      out: view.matrix,
      batch: byTokens ? 1 : batchOf(view),
      byTokens,
    });
  }

  output(tensor: Tensor, index: number): void {
    const { view } = this.find(tensor);
    if (view.enlarge !== 1) throw new NotPlannable();
    const byTokens = view.layout === 'tokens';
    const batch = byTokens ? 1 : batchOf(view);
    this.steps.push({ op: 'output', index, x: view.matrix, batch, byTokens });
  }

  /** What was planned for an operand; rules ask for leaves by {@link weight} instead. */
  find(tensor: Tensor): Planned {
    const planned = this.planned.get(tensor);
    if (planned === undefined) throw new NotPlannable();
    return planned;
  }

  /** An operand that lies in its matrix as it is. */
  view(tensor: Tensor): View {
    const { view } = this.find(tensor);
    if (view.enlarge !== 1) throw new NotPlannable();
    return view;
  }

  /** Adds a step that writes `tensor`. */
  emit(tensor: Tensor, view: View, step: Step): void {
    this.steps.push(step);
    this.planned.set(tensor, { view, step, isExclusive: this.uses.get(tensor) === 1 });
  }

  /** `tensor` is what `source` is, seen otherwise or changed by changing its step. */
  alias(tensor: Tensor, view: View, source: Planned): void {
    const isExclusive = source.isExclusive && this.uses.get(tensor) === 1;
    this.planned.set(tensor, { view, step: source.step, isExclusive });
  }

  /** Lets a step run later, after what it has come to depend on. */
  postpone(step: Step): void {
    this.steps.splice(this.steps.lastIndexOf(step), 1);
    this.steps.push(step);
  }

  /** Index of a parameter as [rows][k]; a vector is one row. */
  weight(tensor: Tensor): number {
    const name = isParameter(tensor) ? leafName(tensor) : undefined;
    const source = name === undefined ? undefined : this.external.get(name);
    if (name === undefined || source === undefined) throw new NotPlannable();
    const known = this.weights.get(name);
    if (known !== undefined) return known;
    const { shape } = tensor;
    const elementBytes = source.dtype === 'float32' ? 4 : 2;
    if (source.sizeBytes !== elementCount(shape) * elementBytes) {
      throw new GraphError(
        'shape_mismatch',
        `"${name}" of shape [${shape}] needs ${elementCount(shape) * elementBytes} bytes of ${source.dtype}, got ${source.sizeBytes}`,
      );
    }
    const rows = shape.length < 2 ? 1 : extentOf(shape, 0);
    const index = this.tensors.push({
      file: this.fileIndex(source.file),
      offset: source.offset,
      ggmlType: GGML_TYPE[source.dtype],
      rows,
      k: elementCount(shape) / rows,
    });
    this.weights.set(name, index - 1);
    return index - 1;
  }

  constant(values: Float32Array): number {
    return this.constants.push({ values }) - 1;
  }

  private fileIndex(file: string): number {
    const known = this.files.indexOf(file);
    return known === -1 ? this.files.push(file) - 1 : known;
  }
}
