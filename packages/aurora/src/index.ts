export { Aurora, type EditCall, type EditProgress } from './edit/aurora.js';
export { type BatchOptions, type BatchRow, editBatch, type RowOutcome } from './edit/batch.js';
export { DiffusersEditor } from './edit/diffusers-editor.js';
export {
  type EditParameters,
  type EditStep,
  type MetadataLevel,
  parametersKeyword,
  recallParameters,
} from './edit/metadata.js';
export { type OpenEditorOptions, openEditor } from './edit/open-editor.js';
export { type EditOptions, editLimits, type ImageInput } from './edit/options.js';
export {
  type EditResult,
  type EncodeResultOptions,
  encodeResult,
  formatOf,
  writeResult,
} from './edit/result.js';
export {
  type Editor,
  type EditorProgress,
  type EditorRequest,
  type EditorSettings,
  type SamplerName,
  samplerNames,
} from './editor.js';
export { AuroraError, type AuroraErrorCode } from './errors.js';
export { version } from './version.js';
