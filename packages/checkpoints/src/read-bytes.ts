import type { FileHandle } from 'node:fs/promises';

/** Reads exactly `sizeBytes` bytes at `offset` (fewer only at the end of the file). */
export async function readBytes(
  file: FileHandle,
  offset: number,
  sizeBytes: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(sizeBytes);
  let filled = 0;
  while (filled < sizeBytes) {
    signal?.throwIfAborted();
    const part = Math.min(sizeBytes - filled, 64 << 20);
    const { bytesRead } = await file.read(bytes, filled, part, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}
