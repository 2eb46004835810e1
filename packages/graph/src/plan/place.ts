import type { NetworkOp } from '@triptych/native';
import type { Matrix, Storage } from './matrix.js';
import { MATRIX_FIELDS, type Step } from './steps.js';

/** Rows start at cache lines of the arena's pages. */
const ALIGN_FLOATS = 1024;

interface Block {
  readonly storage: Storage;
  readonly offset: number;
  readonly size: number;
}

/** Gives every matrix a place in one arena; matrices that do not live at the same time share memory. */
export function placeSteps(steps: readonly Step[]): {
  readonly ops: readonly NetworkOp[];
  readonly arenaFloats: number;
} {
  const lastUse = new Map<Storage, number>();
  steps.forEach((step, index) => {
    for (const matrix of matricesOf(step)) lastUse.set(matrix.storage, index);
  });
  const places = new Map<Storage, number>();
  let live: Block[] = [];
  let arenaFloats = 0;
  steps.forEach((step, index) => {
    live = live.filter(({ storage }) => (lastUse.get(storage) ?? 0) >= index);
    for (const { storage } of matricesOf(step)) {
      if (places.has(storage)) continue;
      const size = Math.ceil((storage.rows * storage.stride) / ALIGN_FLOATS) * ALIGN_FLOATS;
      const offset = firstGap(live, size);
      places.set(storage, offset);
      live.push({ storage, offset, size });
      live.sort((a, b) => a.offset - b.offset);
      arenaFloats = Math.max(arenaFloats, offset + size);
    }
  });
  return { ops: steps.map((step) => placed(step, places)), arenaFloats };
}

function firstGap(live: readonly Block[], size: number): number {
  let offset = 0;
  for (const block of live) {
    if (block.offset - offset >= size) break;
    offset = Math.max(offset, block.offset + block.size);
  }
  return offset;
}

function matricesOf(step: Step): Matrix[] {
  return MATRIX_FIELDS.map((field) => step[field]).filter((matrix) => matrix !== undefined);
}

function placed(step: Step, places: ReadonlyMap<Storage, number>): NetworkOp {
  const matrices = MATRIX_FIELDS.flatMap((field) => {
    const matrix = step[field];
    if (matrix === undefined) return [];
    const { storage, firstRow, rows } = matrix;
    const offset = (places.get(storage) ?? 0) + firstRow * storage.stride;
    return [[field, Float64Array.of(offset, rows, storage.columns, storage.stride)] as const];
  });
  // The planner made the step for this kind of operation; the addon checks every field once more.
  return { ...step, ...Object.fromEntries(matrices) } as unknown as NetworkOp;
}
