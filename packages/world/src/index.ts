export {
  type BenchmarkOptions,
  benchmarkTasks,
  diagnosticTasks,
  writeBenchmark,
  writeDiagnostics,
} from './benchmark.js';
export { type CameraPath, cameraPaths, withCameraPath } from './clips/camera-path.js';
export { type ClipOptions, type ClipRow, writeClips } from './clips/clips.js';
export {
  labelOfPair,
  type TruthClip,
  type TruthLabel,
  type TruthOptions,
  truthLabels,
  writeCurationTruth,
} from './clips/curation-truth.js';
export { addGrain, type CaptionFormat, type Grain, writeFilm } from './clips/film.js';
export {
  clipFramesPerSecond,
  clipKinds,
  type Motion,
  type MotionOptions,
  motionOf,
  slerp,
} from './clips/motion.js';
export {
  assertNoLeak,
  type DatasetOptions,
  joinParts,
  type Row,
  splitSeeds,
  splits,
  writeDataset,
} from './dataset.js';
export { type Edit, type EditOptions, invert, isUnambiguous, proposeEdit } from './edit.js';
export { steps } from './edits/places.js';
export { WorldError, type WorldErrorCode } from './errors.js';
export { heldOutPairs, lookOf, showsAny } from './held-out.js';
export { bystanderOverlap, type Checks, changedFraction, measure } from './measures.js';
export { cheapRejections, type Rejection, rejections } from './minimality.js';
export { noChangePrompt } from './nochange.js';
export { addVideoNoise, type NoiseKind, shakenCamera } from './noise.js';
export { generatorVersion, makePair, type Pair, type PairOptions, type RejectionLog } from './pairs.js';
export { type Push, type Settled, settle } from './physics.js';
export { type Random, random } from './random.js';
export { holds, plainReferences, type Reference, type Relation, refer, relations, resolve } from './refer.js';
export { RenderPool } from './render/pool.js';
export { type Frame, type RenderOptions, render } from './render/render.js';
export { freePlace, isFree, placeOnProp, type SceneOptions, sampleScene } from './sample-scene.js';
export * from './scene.js';
export {
  diagnosticKinds,
  type EditKind,
  editKinds,
  instructions,
  trainingKinds,
  type Wording,
} from './wording.js';
