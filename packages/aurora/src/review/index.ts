export { exportReview, type ReviewExportOptions } from './export.js';
export {
  type AnnotatorState,
  type Decision,
  type KeptDecision,
  maxInstructionCharacters,
  Review,
  type ReviewReason,
  reviewFileName,
  reviewReasons,
} from './review.js';
