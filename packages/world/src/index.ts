export { benchmarkTasks, heldOutPairs, writeBenchmark } from './benchmark.js';
export { assertNoLeak, type DatasetOptions, type Row, splits, writeDataset } from './dataset.js';
export {
  type Edit,
  type EditKind,
  editKinds,
  instructions,
  isUnambiguous,
  proposeEdit,
  type Wording,
} from './edit.js';
export { WorldError, type WorldErrorCode } from './errors.js';
export { changedFraction, type Rejection, rejections } from './minimality.js';
export { makePair, noChangePrompt, type Pair, type PairOptions, type RejectionLog } from './pairs.js';
export { type Push, type Settled, settle } from './physics.js';
export { type Random, random } from './random.js';
export { holds, plainReferences, type Reference, type Relation, refer, relations, resolve } from './refer.js';
export { RenderPool } from './render/pool.js';
export { type Frame, type RenderOptions, render } from './render/render.js';
export { freePlace, isFree, placeOnProp, type SceneOptions, sampleScene } from './sample-scene.js';
export * from './scene.js';
