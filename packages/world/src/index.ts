export { WorldError, type WorldErrorCode } from './errors.js';
export { type Random, random } from './random.js';
export { type Frame, type RenderOptions, render } from './render/render.js';
export { freePlace, isFree, placeOnProp, type SceneOptions, sampleScene } from './sample-scene.js';
export * from './scene.js';
