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
export { PeopleError, type PeopleProblem } from './people/errors.js';
export * from './rating/index.js';
export * from './review/index.js';
