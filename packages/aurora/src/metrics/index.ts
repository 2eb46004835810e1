export { EditJudge, type EditScores, type ReferenceScores, referenceScores } from './edit-judge.js';
export { toLab } from './lab.js';
export { changedLevels, l1, l2, type PixelMetrics, pixelMetrics, successBounds } from './pixels.js';
export {
  type EditTruth,
  type ReadBack,
  ReadBackJudge,
  type ReadBackReason,
} from './read-back/read-back.js';
export { ssim } from './ssim.js';
