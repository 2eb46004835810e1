import type { ModelSignature } from '../onnx/export.js';
import type { NetworkPlan } from '../plan/plan-network.js';
import type { Shape } from '../shape.js';
import type { AdamWOptions } from '../train/adamw.js';
import type { AverageOptions } from '../train/ema.js';
import type { MuonOptions } from '../train/muon.js';

/** Numbers that enter or leave a session. Shapes are part of the model and not repeated. */
export type TensorData = Float32Array | Int32Array;

/** Named values, as fed to or returned from a run. */
export type TensorRecord = Readonly<Record<string, TensorData>>;

/** Names something that lives in the worker. */
export type Handle = number;

/** Everything the worker can be asked to do. */
export type Command =
  | {
      readonly kind: 'loadSession';
      readonly bytes: Uint8Array;
      readonly signature: ModelSignature;
      readonly threads: number;
      /** Folder of the model's external data. */
      readonly weightsFolder: string | undefined;
      readonly externalBytes: number;
    }
  | {
      readonly kind: 'loadPlan';
      readonly plan: NetworkPlan;
      readonly threads: number;
      /** Folder of the plan's files. */
      readonly weightsFolder: string;
    }
  | {
      readonly kind: 'run';
      readonly session: Handle;
      readonly feeds: TensorRecord;
      readonly parameters: Handle | undefined;
    }
  | { readonly kind: 'createParameters'; readonly values: TensorRecord }
  | { readonly kind: 'copyParameters'; readonly parameters: Handle; readonly names: readonly string[] }
  | { readonly kind: 'readParameters'; readonly parameters: Handle }
  | { readonly kind: 'writeParameters'; readonly parameters: Handle; readonly values: TensorRecord }
  | {
      readonly kind: 'createTrainer';
      readonly session: Handle;
      readonly parameters: Handle;
      readonly optimizer: OptimizerPlan;
      readonly average: AveragePlan | undefined;
    }
  | {
      readonly kind: 'trainStep';
      readonly trainer: Handle;
      /** Gradients are averaged over these. */
      readonly batches: readonly TensorRecord[];
      readonly learningRate: number;
    }
  | { readonly kind: 'readMoments'; readonly trainer: Handle }
  | { readonly kind: 'writeMoments'; readonly trainer: Handle; readonly moments: Moments }
  | { readonly kind: 'release'; readonly handle: Handle };

/** Where the running average of the parameters is kept. */
export interface AveragePlan {
  readonly parameters: Handle;
  readonly options: AverageOptions;
}

/** Which optimizer trains which parameter. */
export interface OptimizerPlan {
  readonly adamw: AdamWOptions;
  /** Shapes of the parameters AdamW trains; only those with two axes or more are decayed. */
  readonly adamwShapes: ReadonlyMap<string, Shape>;
  readonly muon: MuonOptions;
  /** Shapes of the matrices Muon trains. */
  readonly muonShapes: ReadonlyMap<string, Shape>;
  /** The session of `orthogonalizeModel`, if there are such matrices. */
  readonly orthogonalize: Handle | undefined;
}

/** State of the optimizers by parameter name, and how many steps it has seen. */
export interface Moments {
  readonly step: number;
  /** AdamW's first moments and Muon's momentum. */
  readonly first: TensorRecord;
  /** AdamW's second moments. */
  readonly second: TensorRecord;
}

/** What one training step reports. */
export interface StepResult {
  readonly loss: number;
  /** Global norm of the gradients before clipping. */
  readonly gradientNorm: number;
}

export interface Request {
  readonly id: number;
  readonly command: Command;
  /** One shared number; anything but 0 asks the worker to stop at the next occasion. */
  readonly cancelled: Int32Array | undefined;
}

export type Response =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: { readonly code: string; readonly message: string } };
