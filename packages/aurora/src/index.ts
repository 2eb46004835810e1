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
export { PeopleError, type PeopleProblem } from './people/errors.js';
export { ExamplePictures, type RatingExample, ratingExamples } from './rating/examples.js';
export {
  type Level,
  maxCommentCharacters,
  type Protocol,
  protocol,
  type Score,
  scores,
} from './rating/protocol.js';
export { formatResults, ratingsCsv } from './rating/report.js';
export {
  type OverallMean,
  type RatingRecord,
  readRatings,
  type StudyResults,
  studyResults,
} from './rating/results.js';
export {
  type Agreement,
  type CellMean,
  clusteredMean,
  fleissKappa,
  type Mean,
  type Rating,
} from './rating/statistics.js';
export {
  type GivenRating,
  type RaterState,
  type RaterTrial,
  RatingStudy,
  type StudyOptions,
  type StudyPicture,
} from './rating/study.js';
export { readStudyFolder, resultsFileName } from './rating/study-folder.js';
export type { StudyItem } from './rating/study-item.js';
export { exportReview, type ReviewExportOptions } from './review/export.js';
export {
  type AnnotatorState,
  type Decision,
  type KeptDecision,
  maxInstructionCharacters,
  Review,
  type ReviewReason,
  reviewFileName,
  reviewReasons,
} from './review/review.js';
