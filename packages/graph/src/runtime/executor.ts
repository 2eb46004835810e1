import ort from 'onnxruntime-node';
import { GraphError } from '../errors.js';
import type { ModelSignature } from '../onnx/export.js';
import { elementCount } from '../shape.js';
import { type AdamWOptions, type AdamWSlot, adamwUpdate, globalNorm } from '../train/adamw.js';
import type { Command, Handle, Moments, StepResult, TensorData, TensorRecord } from './protocol.js';

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
  readonly slots: ReadonlyMap<string, AdamWSlot>;
  readonly optimizer: AdamWOptions;
  step: number;
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
        return this.keep(await loadSession(command.bytes, command.signature, command.threads));
      case 'run':
        return this.run(command.session, command.feeds, command.parameters);
      case 'createParameters':
        return this.keep({ kind: 'parameters', values: new Map(Object.entries(command.values)) });
      case 'readParameters':
        return copyAll(this.find(command.parameters, 'parameters').values);
      case 'createTrainer':
        return this.createTrainer(command.session, command.parameters, command.optimizer, command.decayed);
      case 'trainStep':
        return this.trainStep(this.find(command.trainer, 'trainer'), command.feeds, command.learningRate);
      case 'readMoments':
        return this.readMoments(this.find(command.trainer, 'trainer'));
      case 'writeMoments':
        return this.writeMoments(this.find(command.trainer, 'trainer'), command.moments);
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

  private createTrainer(
    session: Handle,
    parameters: Handle,
    optimizer: AdamWOptions,
    decayed: readonly string[],
  ): Handle {
    const owner = this.find(parameters, 'parameters');
    const slots = new Map<string, AdamWSlot>();
    for (const [name, value] of owner.values) {
      if (!(value instanceof Float32Array)) continue;
      slots.set(name, {
        parameter: value,
        first: new Float32Array(value.length),
        second: new Float32Array(value.length),
        isDecayed: decayed.includes(name),
      });
    }
    const loaded = this.find(session, 'session');
    return this.keep({ kind: 'trainer', session: loaded, parameters: owner, slots, optimizer, step: 0 });
  }

  private async trainStep(trainer: Trainer, feeds: TensorRecord, learningRate: number): Promise<StepResult> {
    const { optimizer, slots } = trainer;
    const outputs = await runSession(trainer.session, feeds, trainer.parameters.values);
    const loss = outputs.loss?.[0];
    if (loss === undefined)
      throw new GraphError('invalid_feed', 'a training model needs an output named "loss"');
    const gradients = new Map<string, Float32Array>();
    for (const name of slots.keys()) {
      const gradient = outputs[GRADIENT_PREFIX + name];
      if (gradient instanceof Float32Array) gradients.set(name, gradient);
    }
    const gradientNorm = globalNorm(gradients.values());
    if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) return { loss, gradientNorm };
    const scale = gradientNorm > optimizer.clipNorm ? optimizer.clipNorm / gradientNorm : 1;
    trainer.step++;
    for (const [name, gradient] of gradients) {
      const slot = slots.get(name);
      if (slot !== undefined) adamwUpdate(slot, gradient, trainer.step, learningRate, scale, optimizer);
    }
    return { loss, gradientNorm };
  }

  private readMoments({ slots, step }: Trainer): Moments {
    const entries = [...slots];
    return {
      step,
      first: Object.fromEntries(entries.map(([name, slot]) => [name, slot.first.slice()])),
      second: Object.fromEntries(entries.map(([name, slot]) => [name, slot.second.slice()])),
    };
  }

  private writeMoments(trainer: Trainer, moments: Moments): void {
    for (const [name, slot] of trainer.slots) {
      const [first, second] = [moments.first[name], moments.second[name]];
      if (first?.length !== slot.first.length || second?.length !== slot.second.length) {
        throw new GraphError(
          'checkpoint_mismatch',
          `the moments of "${name}" are missing or of another size`,
        );
      }
      slot.first.set(first);
      slot.second.set(second);
    }
    trainer.step = moments.step;
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

async function loadSession(
  bytes: Uint8Array,
  signature: ModelSignature,
  threads: number,
): Promise<LoadedSession> {
  try {
    const session = await ort.InferenceSession.create(bytes, {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
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
