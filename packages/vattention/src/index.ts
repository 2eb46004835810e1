export { availableMemoryBytes, DEFAULT_BUDGET_SHARE, defaultKvBudgetBytes } from './budget.js';
export { parseByteSize } from './byte-size.js';
export { KvError, type KvErrorCode } from './errors.js';
export {
  bytesFor,
  groupsFor,
  type KvGeometry,
  type KvGeometryOptions,
  kvGeometry,
  MAX_PAGE_GROUP_BYTES,
  MIN_PAGE_GROUP_BYTES,
  tokensIn,
} from './geometry.js';
export { KvMemory, type SlotId, type StepResult } from './memory.js';
export { KV_DEFAULTS, type KvMemoryOptions } from './options.js';
export type { KvCounters, KvSlotSnapshot, KvSnapshot, SlotState } from './snapshot.js';
