/**
 * @module
 * Test doubles for packages that talk to the server; not for production.
 */
export { FakeEngine, type FakeEngineOptions, type SeenRequest } from './fake-engine.js';
export { FakeImageSource, type FakeImageSourceOptions, type SeenEdit } from './fake-image-source.js';
export { fakePeople, fakePng } from './fake-people.js';
export { checkCase, type FuzzCase, fuzzCase, fuzzTarget } from './fuzz-http.js';
export { until } from './until.js';
