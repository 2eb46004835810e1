import type { NetworkActivation } from '@triptych/native';
import type { Matrix } from './matrix.js';

/** One operation before its matrices have places: those of `NetworkOp`, with matrices by name. */
export interface Step {
  readonly op:
    | 'input'
    | 'output'
    | 'product'
    | 'groupNorm'
    | 'layerNorm'
    | 'activate'
    | 'geglu'
    | 'add'
    | 'outer'
    | 'copy'
    | 'attention';
  readonly x?: Matrix;
  readonly y?: Matrix;
  readonly values?: Matrix;
  readonly out?: Matrix;
  shift?: Matrix;
  residual?: Matrix;
  readonly weight?: number;
  bias?: number;
  readonly batch?: number;
  readonly groups?: number;
  readonly heads?: number;
  readonly epsilon?: number;
  readonly factor?: number;
  activation?: NetworkActivation;
  readonly window?: Int32Array;
  readonly index?: number;
  readonly byTokens?: boolean;
}

/** The matrices that a step reads and writes. */
export const MATRIX_FIELDS = ['x', 'y', 'values', 'shift', 'residual', 'out'] as const;
