import { GraphError } from '../errors.js';
import { type AdamWSlot, adamwUpdate, globalNorm } from '../train/adamw.js';
import { type MuonSlot, muonDirection, muonUpdate, orthogonalOutput } from '../train/muon.js';
import type { Moments, OptimizerPlan, TensorData, TensorRecord } from './protocol.js';

/** Runs the model that orthogonalises directions; it lives beside the training session in the worker. */
type Orthogonalize = (directions: TensorRecord) => Promise<TensorRecord>;

/** Updates parameters in place: AdamW for some, Muon for the others, after clipping by the global norm. */
export class Optimizer {
  private readonly plan: OptimizerPlan;
  private readonly orthogonalize: Orthogonalize;
  private readonly adamw = new Map<string, AdamWSlot>();
  private readonly muon = new Map<string, MuonSlot>();
  private stepCount = 0;

  constructor(
    plan: OptimizerPlan,
    parameters: ReadonlyMap<string, TensorData>,
    orthogonalize: Orthogonalize,
  ) {
    this.plan = plan;
    this.orthogonalize = orthogonalize;
    for (const [name, shape] of plan.adamwShapes) {
      const parameter = floatsOf(parameters, name);
      const [first, second] = [new Float32Array(parameter.length), new Float32Array(parameter.length)];
      this.adamw.set(name, { parameter, first, second, isDecayed: shape.length > 1 });
    }
    for (const [name, shape] of plan.muonShapes) {
      const parameter = floatsOf(parameters, name);
      this.muon.set(name, { parameter, momentum: new Float32Array(parameter.length), shape });
    }
  }

  /** Number of updates so far. */
  get steps(): number {
    return this.stepCount;
  }

  /** One update. Returns the gradients' global norm; nothing is changed if it or the loss is not finite. */
  async step(
    loss: number,
    gradients: ReadonlyMap<string, Float32Array>,
    learningRate: number,
  ): Promise<number> {
    const norm = globalNorm(gradients.values());
    if (!Number.isFinite(loss) || !Number.isFinite(norm)) return norm;
    const { adamw, muon } = this.plan;
    const scale = norm > adamw.clipNorm ? adamw.clipNorm / norm : 1;
    this.stepCount++;
    for (const [name, slot] of this.adamw) {
      adamwUpdate(slot, gradientOf(gradients, name), this.stepCount, learningRate, scale, adamw);
    }
    const directions: Record<string, Float32Array> = {};
    for (const [name, slot] of this.muon) {
      directions[name] = muonDirection(slot, gradientOf(gradients, name), scale, muon);
    }
    const orthogonal = await this.orthogonalize(directions);
    for (const [name, slot] of this.muon) {
      muonUpdate(slot, orthogonal[orthogonalOutput(name)] as Float32Array, learningRate, muon);
    }
    return norm;
  }

  /** A copy of the state. */
  read(): Moments {
    const first = [...this.adamw].map(([name, slot]) => [name, slot.first.slice()] as const);
    const momentum = [...this.muon].map(([name, slot]) => [name, slot.momentum.slice()] as const);
    const second = [...this.adamw].map(([name, slot]) => [name, slot.second.slice()] as const);
    return {
      step: this.stepCount,
      first: Object.fromEntries([...first, ...momentum]),
      second: Object.fromEntries(second),
    };
  }

  /**
   * Restores what {@link read} returned.
   * @throws GraphError `checkpoint_mismatch` if moments are missing or of another size; then nothing is changed
   */
  write(moments: Moments): void {
    const pairs: (readonly [target: Float32Array, source: TensorData])[] = [];
    const pair = (target: Float32Array, source: TensorData | undefined, name: string): void => {
      if (source?.length !== target.length) {
        throw new GraphError(
          'checkpoint_mismatch',
          `the moments of "${name}" are missing or of another size`,
        );
      }
      pairs.push([target, source]);
    };
    for (const [name, slot] of this.adamw) {
      pair(slot.first, moments.first[name], name);
      pair(slot.second, moments.second[name], name);
    }
    for (const [name, slot] of this.muon) pair(slot.momentum, moments.first[name], name);
    for (const [target, source] of pairs) target.set(source);
    this.stepCount = moments.step;
  }
}

function floatsOf(parameters: ReadonlyMap<string, TensorData>, name: string): Float32Array {
  const parameter = parameters.get(name);
  if (parameter instanceof Float32Array) return parameter;
  throw new GraphError('missing_feed', `there are no initial values for the parameter "${name}"`);
}

function gradientOf(gradients: ReadonlyMap<string, Float32Array>, name: string): Float32Array {
  const gradient = gradients.get(name);
  if (gradient === undefined) throw new GraphError('missing_feed', `the model has no gradient of "${name}"`);
  return gradient;
}
