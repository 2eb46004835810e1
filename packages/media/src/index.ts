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
