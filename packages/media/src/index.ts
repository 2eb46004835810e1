export { writeFileAtomically } from './atomic-file.js';
export { type DecodedImage, type DecodeOptions, decodeImage, readImage } from './decode.js';
export { type EncodeOptions, encodeImage, type ResizeOptions, resizeImage, writeImage } from './encode.js';
export { MediaError, type MediaErrorCode } from './errors.js';
export { type PngText, readPngText, withPngText } from './png-text.js';
export {
  checkRaster,
  type FloatRaster,
  fromFloat,
  maskFromAlpha,
  type Raster,
  toFloat,
  toRgb,
} from './raster.js';
export { type DecodeFramesOptions, decodeFrames, type VideoFrame } from './video/decode.js';
export { type EncodedVideo, type EncodeVideoOptions, encodeVideo } from './video/encode.js';
export { isVideoAvailable, probeVideo, type VideoInfo } from './video/probe.js';
