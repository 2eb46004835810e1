import { spawn } from 'node:child_process';
import { buffer } from 'node:stream/consumers';

/** Size in bytes after `xz -9e` with a dictionary that holds everything. Throws if the program is not installed. */
export async function xzSize(data: Uint8Array): Promise<number> {
  const child = spawn('xz', ['-9e', '--lzma2=preset=9e,dict=64MiB', '--format=raw', '--stdout'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const failed = new Promise<never>((_, reject) => {
    child.once('error', (cause) =>
      reject(new Error('the baseline needs the program xz (xz-utils)', { cause })),
    );
  });
  child.stdin.end(data);
  const compressed = await Promise.race([buffer(child.stdout), failed]);
  if (compressed.length === 0) throw new Error('xz wrote nothing');
  return compressed.length;
}
