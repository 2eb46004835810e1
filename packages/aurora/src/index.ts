export * from './bench/index.js';
export {
  type Candidate,
  type CandidateFile,
  type CuratedRow,
  candidatesFileName,
  type PairScores,
  type RejectedPair,
  type RejectionReason,
  rejectionReasons,
} from './curation/candidate.js';
export { type Caption, CaptionFinder } from './curation/captions.js';
export { ClipVision } from './curation/clip-vision.js';
export { type CurationOptions, type CurationProgress, curateVideos } from './curation/curate.js';
export { cosineDistance, descriptor, type ImageEmbedder } from './curation/descriptor.js';
export { droppedBy, droppedWords, imperativeOf, instructionOf } from './curation/instruction.js';
export { type CurationLimits, defaultLimits } from './curation/limits.js';
export { type LabelFigures, measureFilters, type Share, type TruthFigures } from './curation/truth.js';
export { findVideos } from './curation/videos.js';
export { Aurora, type EditCall, type EditProgress } from './edit/aurora.js';
export { type BatchRow, type EditBatchOptions, editBatch, type RowOutcome } from './edit/batch.js';
export { DiffusersEditor } from './edit/diffusers-editor.js';
export {
  type EditParameters,
  type EditStep,
  type MetadataLevel,
  parametersKeyword,
  recallParameters,
} from './edit/metadata.js';
export { type OpenEditorOptions, openEditor } from './edit/open-editor.js';
export { type EditOptions, editLimits, type ImageInput } from './edit/options.js';
export {
  type EditResult,
  type EncodeResultOptions,
  encodeResult,
  formatOf,
  writeResult,
} from './edit/result.js';
export {
  type Editor,
  type EditorProgress,
  type EditorRequest,
  type EditorSettings,
  type SamplerName,
  samplerNames,
} from './editor.js';
export { AuroraError, type AuroraErrorCode } from './errors.js';
export * from './metrics/index.js';
export { type EmbeddedEditorOptions, openEmbeddedEditor } from './model/embedded-editor.js';
export {
  type EditModelFolder,
  openEditModel,
  PIPELINE_CLASS,
  readEditWeights,
  type SaveEditModelOptions,
  saveEditModel,
} from './model/folder.js';
export {
  type EditModelConfig,
  type EditModelJson,
  noisyScale,
  parseEditModel,
  wholeNetwork,
} from './model/network.js';
export { depthToSpace, PATCH, PIXEL_CHANNELS, spaceToDepth } from './model/pixels.js';
export { PeopleError, type PeopleProblem } from './people/errors.js';
export * from './rating/index.js';
export * from './review/index.js';
export { type BatchOptions, type BatchSources, makeBatch } from './train/batches.js';
export { mirrorInstruction, mirrorPicture } from './train/flip.js';
export {
  type CachedExample,
  openPairCache,
  type PackOptions,
  type PairCache,
  packPairs,
} from './train/pair-cache.js';
export { writeWordTokenizer } from './train/tokenizer.js';
export {
  CHECKPOINT_FILE,
  type EditLogLine,
  type EditTrainingOptions,
  editLoss,
  LOG_FILE,
  snapshotFile,
  trainEditor,
} from './train/trainer.js';
export type { Window } from './train/window.js';
export { version } from './version.js';
