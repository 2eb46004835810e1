export { type BaselineEdit, baselineEditor, copyEdit, randomEdit } from './baselines.js';
export {
  type DiscDistances,
  type DiscEditSummary,
  type DiscOutcome,
  discDistances,
  discEditSummary,
  discOutcome,
  latentDistance,
} from './disc-edit.js';
export { type BenchItem, type BenchSet, type ItemTruth, type SelectOptions, selectItems } from './items.js';
export { loadAuroraBench, loadBenchmark } from './load-aurora.js';
export { loadWorldBenchmark } from './load-world.js';
export { noiseSeed } from './noise-seed.js';
export type { BenchRecord, RunSettings, Scores } from './records.js';
export { type ReportFiles, type ReportOptions, renderReport, writeReport } from './report/report.js';
export { type BenchOptions, type BenchProgress, type BenchRun, runBenchmark } from './run-benchmark.js';
export {
  type BootstrapOptions,
  bootstrapDifference,
  bootstrapMean,
  type Estimate,
  type SeedTable,
  spearman,
} from './statistics.js';
export { type MetricName, type ResultRow, summarise } from './summarise.js';
