/**
 * @module
 * Test doubles for packages that edit pictures; not for production.
 */
export { FakeEditor, type FakeEditorOptions } from './fake-editor.js';
