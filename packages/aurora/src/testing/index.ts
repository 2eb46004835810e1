/**
 * @module
 * Small real files for tests in other packages; not for production.
 */
export {
  temporaryFolder,
  writeCandidates,
  writeFlatPicture,
  writeStudyFolder,
  writeStudyItems,
} from './people.js';
