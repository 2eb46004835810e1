/**
 * @module
 * Test doubles and small real files for tests in other packages; not for production.
 */
export { FakeEditor, type FakeEditorOptions } from './fake-editor.js';
export {
  temporaryFolder,
  writeCandidates,
  writeFlatPicture,
  writeStudyFolder,
  writeStudyItems,
} from './people.js';
