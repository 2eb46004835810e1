/**
 * @module
 * Pictures as the API carries them in JSON.
 */

/** The bytes of `text` (base64) as a blob whose type is read from the bytes. Throws `DOMException` for other text. */
export function base64ToBlob(text: string): Blob {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new Blob([bytes], { type: imageType(bytes) });
}

/** The media type of an image by its first bytes; `application/octet-stream` for anything but PNG, JPEG and WebP. */
export function imageType(bytes: Uint8Array): string {
  const starts = (signature: readonly number[], at = 0) =>
    signature.every((byte, index) => bytes[at + index] === byte);
  if (starts([0x89, 0x50, 0x4e, 0x47])) return 'image/png';
  if (starts([0xff, 0xd8, 0xff])) return 'image/jpeg';
  if (starts([0x52, 0x49, 0x46, 0x46]) && starts([0x57, 0x45, 0x42, 0x50], 8)) return 'image/webp';
  return 'application/octet-stream';
}
