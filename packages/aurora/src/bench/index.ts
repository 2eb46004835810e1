export {
  type DiscDistances,
  type DiscEditSummary,
  type DiscOutcome,
  discDistances,
  discEditSummary,
  discOutcome,
  latentDistance,
} from './disc-edit.js';
export { noiseSeed } from './noise-seed.js';
export {
  type BootstrapOptions,
  bootstrapDifference,
  bootstrapMean,
  type Estimate,
  type SeedTable,
  spearman,
} from './statistics.js';
