export { ExamplePictures, type RatingExample, ratingExamples } from './examples.js';
export {
  type Level,
  maxCommentCharacters,
  type Protocol,
  protocol,
  type Score,
  scores,
} from './protocol.js';
export { formatResults, ratingsCsv } from './report.js';
export {
  type OverallMean,
  type RatingRecord,
  readRatings,
  type StudyResults,
  studyResults,
} from './results.js';
export {
  type Agreement,
  type CellMean,
  clusteredMean,
  fleissKappa,
  type Mean,
  type Rating,
} from './statistics.js';
export {
  type GivenRating,
  type RaterState,
  type RaterTrial,
  RatingStudy,
  type StudyOptions,
  type StudyPicture,
} from './study.js';
export { isStudyFolder, readStudyFolder, resultsFileName } from './study-folder.js';
export type { StudyItem } from './study-item.js';
export { readStudyRun } from './study-run.js';
