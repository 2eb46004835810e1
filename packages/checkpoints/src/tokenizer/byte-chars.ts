/**
 * The byte alphabet of GPT-2's byte-level BPE: every byte is written as one printable character, so that a
 * vocabulary of strings can hold any bytes. Printable Latin-1 bytes stand for themselves, the other 68 are moved to
 * U+0100 and up in order (`bytes_to_unicode` in OpenAI's GPT-2 encoder).
 *
 * @module
 */

function isPrintable(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
}

/** Character of each byte. */
export const byteChars: readonly string[] = (() => {
  let moved = 0;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(isPrintable(byte) ? byte : 0x100 + moved++),
  );
})();

const charBytes: ReadonlyMap<string, number> = new Map(byteChars.map((char, byte) => [char, byte]));

/** Bytes as a string of the byte alphabet. */
export function bytesToChars(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byteChars[byte];
  return text;
}

/** A string of the byte alphabet as bytes; characters outside the alphabet become their own UTF-8. */
export function charsToBytes(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const char of text) {
    const byte = charBytes.get(char);
    if (byte === undefined) bytes.push(...Buffer.from(char, 'utf8'));
    else bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}
