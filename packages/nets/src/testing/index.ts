/**
 * @module
 * Small models for tests of other packages; needs this package's `fixtures/`, so it works in the repository only.
 */
export { type ModelFolderOptions, makeModelFolder } from './model-folder.js';
