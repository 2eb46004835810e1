import ort from 'onnxruntime-node';
import { GraphError } from '../errors.js';
import type { ModelSignature } from '../onnx/export.js';
import { elementCount } from '../shape.js';
import { Optimizer } from './optimizer.js';
import type { Command, Handle, OptimizerPlan, StepResult, TensorData, TensorRecord } from './protocol.js';

/** Prefix of the outputs of a training model that hold gradients; the rest of the name is the parameter's. */
export const GRADIENT_PREFIX = 'grad:';

interface LoadedSession {
  readonly kind: 'session';
  readonly session: ort.InferenceSession;
  readonly signature: ModelSignature;
}

interface ParameterSet {
  readonly kind: 'parameters';
  readonly values: ReadonlyMap<string, TensorData>;
}

interface Trainer {
  readonly kind: 'trainer';
  readonly session: LoadedSession;
  readonly parameters: ParameterSet;
  readonly optimizer: Optimizer;
}

type Resident = LoadedSession | ParameterSet | Trainer;

/**
 * What the worker thread does: holds sessions, parameters and trainers, and runs commands on them one at a time.
 * Parameters and moments stay here, so a training step moves only the batch in and two numbers out.
 */
export class Executor {
  private readonly residents = new Map<Handle, Resident>();
  private nextHandle = 1;

  async execute(command: Command): Promise<unknown> {
    switch (command.kind) {
      case 'loadSession':
        return this.keep(await loadSession(command));
      case 'run':
        return this.run(command.session, command.feeds, command.parameters);
      case 'createParameters':
        return this.keep({ kind: 'parameters', values: new Map(Object.entries(command.values)) });
      case 'readParameters':
        return copyAll(this.find(command.parameters, 'parameters').values);
      case 'createTrainer':
        return this.createTrainer(command.session, command.parameters, command.optimizer);
      case 'trainStep':
        return this.trainStep(this.find(command.trainer, 'trainer'), command.feeds, command.learningRate);
      case 'readMoments':
        return this.find(command.trainer, 'trainer').optimizer.read();
      case 'writeMoments':
        return this.find(command.trainer, 'trainer').optimizer.write(command.moments);
      case 'release':
        return this.release(command.handle);
    }
  }

  private async run(
    handle: Handle,
    feeds: TensorRecord,
    parameters: Handle | undefined,
  ): Promise<TensorRecord> {
    const known = parameters === undefined ? undefined : this.find(parameters, 'parameters').values;
    return runSession(this.find(handle, 'session'), feeds, known);
  }

  private createTrainer(session: Handle, parameters: Handle, plan: OptimizerPlan): Handle {
    const owner = this.find(parameters, 'parameters');
    const orthogonalize =
      plan.orthogonalize === undefined ? undefined : this.find(plan.orthogonalize, 'session');
    const optimizer = new Optimizer(plan, owner.values, async (directions) =>
      orthogonalize === undefined ? {} : runSession(orthogonalize, directions, undefined),
    );
    return this.keep({
      kind: 'trainer',
      session: this.find(session, 'session'),
      parameters: owner,
      optimizer,
    });
  }

  private async trainStep(trainer: Trainer, feeds: TensorRecord, learningRate: number): Promise<StepResult> {
    const outputs = await runSession(trainer.session, feeds, trainer.parameters.values);
    const loss = outputs.loss?.[0];
    if (loss === undefined)
      throw new GraphError('invalid_feed', 'a training model needs an output named "loss"');
    const gradients = new Map<string, Float32Array>();
    for (const [output, gradient] of Object.entries(outputs)) {
      if (!output.startsWith(GRADIENT_PREFIX) || !(gradient instanceof Float32Array)) continue;
      gradients.set(output.slice(GRADIENT_PREFIX.length), gradient);
    }
    return { loss, gradientNorm: await trainer.optimizer.step(loss, gradients, learningRate) };
  }

  private async release(handle: Handle): Promise<void> {
    const resident = this.residents.get(handle);
    this.residents.delete(handle);
    if (resident?.kind === 'session') await resident.session.release();
  }

  private keep(resident: Resident): Handle {
    const handle = this.nextHandle++;
    this.residents.set(handle, resident);
    return handle;
  }

  private find<Kind extends Resident['kind']>(handle: Handle, kind: Kind): Extract<Resident, { kind: Kind }> {
    const resident = this.residents.get(handle);
    if (resident?.kind !== kind) throw new GraphError('worker_closed', `this ${kind} was released`);
    return resident as Extract<Resident, { kind: Kind }>;
  }
}

async function loadSession({
  bytes,
  signature,
  threads,
  weightsFolder,
}: Extract<Command, { kind: 'loadSession' }>): Promise<LoadedSession> {
  // ONNX Runtime maps external data from files below this folder (and refuses paths and links that lead out of it).
  const folder =
    weightsFolder === undefined ? {} : { model_external_initializers_file_folder_path: weightsFolder };
  try {
    const session = await ort.InferenceSession.create(bytes, {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      // Waiting threads sleep: on a busy machine spinning costs half of the work, on an idle one sleeping costs 5 %.
      extra: { session: { intra_op: { allow_spinning: '0' }, ...folder } },
    });
    return { kind: 'session', session, signature };
  } catch (cause) {
    throw new GraphError('session_failed', `ONNX Runtime refused the model: ${messageOf(cause)}`, { cause });
  }
}

async function runSession(
  { session, signature }: LoadedSession,
  feeds: TensorRecord,
  parameters: ReadonlyMap<string, TensorData> | undefined,
): Promise<TensorRecord> {
  const tensors: Record<string, ort.Tensor> = {};
  for (const { name, shape, dtype } of signature.inputs) {
    const data = feeds[name] ?? parameters?.get(name);
    if (data === undefined) throw new GraphError('missing_feed', `no value was given for "${name}"`);
    const fits = dtype === 'int32' ? data instanceof Int32Array : data instanceof Float32Array;
    if (!fits || data.length !== elementCount(shape)) {
      throw new GraphError(
        'invalid_feed',
        `"${name}" must be ${elementCount(shape)} values of ${dtype} for [${shape}]`,
      );
    }
    tensors[name] =
      data instanceof Int32Array
        ? new ort.Tensor('int32', data, shape)
        : new ort.Tensor('float32', data, shape);
  }
  try {
    const results = await session.run(tensors);
    return Object.fromEntries(signature.outputs.map(({ name }) => [name, results[name]?.data as TensorData]));
  } catch (cause) {
    throw new GraphError('session_failed', `ONNX Runtime failed while running: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function copyAll(values: ReadonlyMap<string, TensorData>): TensorRecord {
  return Object.fromEntries([...values].map(([name, data]) => [name, data.slice()]));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
