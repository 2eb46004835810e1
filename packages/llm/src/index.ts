export { type Admission, admissions } from './admission.js';
export * from './errors.js';
export type { LoadProgress, TextEngineOptions } from './load-model.js';
export { type ResolvedSampling, resolveSampling } from './request.js';
export {
  choosePreemption,
  planStep,
  type SchedulerLimits,
  type SchedulerState,
  type SequenceView,
  type StepPlan,
  type StepWork,
} from './scheduler.js';
export { type GenerateOptions, TextEngine } from './text-engine.js';
export type * from './types.js';
