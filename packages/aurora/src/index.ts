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
