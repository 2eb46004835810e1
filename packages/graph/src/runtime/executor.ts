import { join } from 'node:path';
import { loadAddon, Network } from '@triptych/native';
import ort from 'onnxruntime-node';
import { GraphError } from '../errors.js';
import type { ModelSignature } from '../onnx/export.js';
import { elementCount } from '../shape.js';
import { keptShare, updateAverage } from '../train/ema.js';
import { GradientSums } from './gradient-sums.js';
import { Optimizer } from './optimizer.js';
import type { AveragePlan, Command, Handle, StepResult, TensorData, TensorRecord } from './protocol.js';

/**
 * Up to here convolution weights in files are rearranged for the kernels when a model is loaded. Beyond, the copy and the
 * loading time (ten times as long) weigh more: runs of Stable Diffusion's U-Net and autoencoder are no faster for it.
 */
const MOST_REARRANGED_BYTES = 64 * 2 ** 20;

interface LoadedSession {
  readonly kind: 'session';
  readonly session: ort.InferenceSession;
  readonly signature: ModelSignature;
}

/** A network that runs on our own kernels. */
interface LoadedNetwork {
  readonly kind: 'network';
  readonly network: Network;
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
  readonly average: (AveragePlan & { readonly values: ReadonlyMap<string, TensorData> }) | undefined;
}

type Resident = LoadedSession | LoadedNetwork | ParameterSet | Trainer;

/**
 * What the worker thread does: holds sessions, parameters and trainers, and runs commands on them one at a time.
 * Parameters and moments stay here, so a training step moves only the batch in and two numbers out.
 */
export class Executor {
  private readonly residents = new Map<Handle, Resident>();
  private nextHandle = 1;

  /** @param checkpoint throws when the caller has cancelled; called where stopping leaves everything as it was. */
  async execute(command: Command, checkpoint: () => void): Promise<unknown> {
    checkpoint();
    switch (command.kind) {
      case 'loadSession':
        return this.keep(await loadSession(command));
      case 'loadPlan':
        return this.keep(loadPlan(command));
      case 'run':
        return this.run(command.session, command.feeds, command.parameters);
      case 'createParameters':
        return this.keep({ kind: 'parameters', values: new Map(Object.entries(command.values)) });
      case 'copyParameters':
        return this.copyParameters(command.parameters, command.names);
      case 'writeParameters':
        return writeAll(this.find(command.parameters, 'parameters').values, command.values);
      case 'readParameters':
        return copyAll(this.find(command.parameters, 'parameters').values);
      case 'createTrainer':
        return this.createTrainer(command);
      case 'trainStep':
        return this.trainStep(
          this.find(command.trainer, 'trainer'),
          command.batches,
          command.learningRate,
          checkpoint,
        );
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
    const resident = this.residents.get(handle);
    if (resident?.kind === 'network') return runNetwork(resident, feeds, known);
    return runSession(this.find(handle, 'session'), feeds, known);
  }

  private copyParameters(handle: Handle, names: readonly string[]): Handle {
    const { values } = this.find(handle, 'parameters');
    const copies = names.map((name) => {
      const data = values.get(name);
      if (data === undefined) throw new GraphError('missing_feed', `there is no parameter "${name}" to copy`);
      return [name, data.slice()] as const;
    });
    return this.keep({ kind: 'parameters', values: new Map(copies) });
  }

  private createTrainer(command: Extract<Command, { kind: 'createTrainer' }>): Handle {
    const { optimizer: plan, average } = command;
    const owner = this.find(command.parameters, 'parameters');
    const orthogonalize =
      plan.orthogonalize === undefined ? undefined : this.find(plan.orthogonalize, 'session');
    const optimizer = new Optimizer(plan, owner.values, async (directions) =>
      orthogonalize === undefined ? {} : runSession(orthogonalize, directions, undefined),
    );
    return this.keep({
      kind: 'trainer',
      session: this.find(command.session, 'session'),
      parameters: owner,
      optimizer,
      average: average && { ...average, values: this.find(average.parameters, 'parameters').values },
    });
  }

  private async trainStep(
    trainer: Trainer,
    batches: readonly TensorRecord[],
    learningRate: number,
    checkpoint: () => void,
  ): Promise<StepResult> {
    const { optimizer, parameters, average } = trainer;
    const sums = new GradientSums(batches.length);
    for (const feeds of batches) {
      checkpoint();
      sums.add(await runSession(trainer.session, feeds, parameters.values));
    }
    checkpoint();
    const stepsBefore = optimizer.steps;
    const gradientNorm = await optimizer.step(sums.loss, sums.gradients, learningRate);
    if (average !== undefined && optimizer.steps > stepsBefore) {
      const kept = keptShare(optimizer.steps, average.options);
      for (const [name, values] of average.values) {
        updateAverage(values as Float32Array, parameters.values.get(name) as Float32Array, kept);
      }
    }
    return { loss: sums.loss, gradientNorm };
  }

  private async release(handle: Handle): Promise<void> {
    const resident = this.residents.get(handle);
    this.residents.delete(handle);
    if (resident?.kind === 'session') await resident.session.release();
    if (resident?.kind === 'network') resident.network.close();
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
  externalBytes,
}: Extract<Command, { kind: 'loadSession' }>): Promise<LoadedSession> {
  // ONNX Runtime maps external data from files below this folder (and refuses paths and links that lead out of it).
  const folder =
    weightsFolder === undefined ? {} : { model_external_initializers_file_folder_path: weightsFolder };
  try {
    const session = await ort.InferenceSession.create(bytes, {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: externalBytes > MOST_REARRANGED_BYTES ? 'extended' : 'all',
      logSeverityLevel: 3,
      // Waiting threads sleep: on a busy machine spinning costs half of the work, on an idle one sleeping costs 5 %.
      extra: { session: { intra_op: { allow_spinning: '0' }, ...folder } },
    });
    return { kind: 'session', session, signature };
  } catch (cause) {
    throw new GraphError('session_failed', `ONNX Runtime refused the model: ${messageOf(cause)}`, { cause });
  }
}

function loadPlan({ plan, threads, weightsFolder }: Extract<Command, { kind: 'loadPlan' }>): LoadedNetwork {
  const { inputs, outputs, files, ...spec } = plan;
  const sizesOf = (values: ModelSignature['inputs']): Float64Array =>
    Float64Array.from(values, ({ shape }) => elementCount(shape));
  try {
    const network = new Network({
      ...spec,
      files: files.map((file) => ({ path: join(weightsFolder, file) })),
      inputSizes: sizesOf(inputs),
      outputSizes: sizesOf(outputs),
      threads,
      isa: loadAddon().isa,
    });
    return { kind: 'network', network, signature: { inputs, outputs } };
  } catch (cause) {
    throw new GraphError('session_failed', `the network could not be set up: ${messageOf(cause)}`, { cause });
  }
}

function runNetwork(
  { network, signature }: LoadedNetwork,
  feeds: TensorRecord,
  parameters: ReadonlyMap<string, TensorData> | undefined,
): TensorRecord {
  const inputs = signature.inputs.map((input) => feedOf(input, feeds, parameters) as Float32Array);
  const results = network.run(inputs);
  return Object.fromEntries(
    signature.outputs.map(({ name }, index) => [name, results[index] ?? new Float32Array()]),
  );
}

/** The value of one input, of the size and type that the model has. */
function feedOf(
  { name, shape, dtype }: ModelSignature['inputs'][number],
  feeds: TensorRecord,
  parameters: ReadonlyMap<string, TensorData> | undefined,
): TensorData {
  const data = feeds[name] ?? parameters?.get(name);
  if (data === undefined) throw new GraphError('missing_feed', `no value was given for "${name}"`);
  const fits = dtype === 'int32' ? data instanceof Int32Array : data instanceof Float32Array;
  if (!fits || data.length !== elementCount(shape)) {
    throw new GraphError(
      'invalid_feed',
      `"${name}" must be ${elementCount(shape)} values of ${dtype} for [${shape}]`,
    );
  }
  return data;
}

async function runSession(
  { session, signature }: LoadedSession,
  feeds: TensorRecord,
  parameters: ReadonlyMap<string, TensorData> | undefined,
): Promise<TensorRecord> {
  const tensors: Record<string, ort.Tensor> = {};
  for (const input of signature.inputs) {
    const { name, shape } = input;
    const data = feedOf(input, feeds, parameters);
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

/** Puts values into arrays that sessions and trainers already hold. Nothing is changed if one does not fit. */
function writeAll(targets: ReadonlyMap<string, TensorData>, sources: TensorRecord): void {
  for (const [name, target] of targets) {
    if (sources[name]?.length !== target.length) {
      throw new GraphError('checkpoint_mismatch', `"${name}" is missing or of another size`);
    }
  }
  for (const [name, target] of targets) target.set(sources[name] as TensorData);
}

function copyAll(values: ReadonlyMap<string, TensorData>): TensorRecord {
  return Object.fromEntries([...values].map(([name, data]) => [name, data.slice()]));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
