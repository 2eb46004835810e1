/**
 * @module
 * A picture file that follows a running edit, for viewers that reload, and is gone at its end.
 */
import { rm } from 'node:fs/promises';
import type { Raster } from '@triptych/media';

export class PreviewFile {
  readonly #path: string;
  readonly #write: (path: string, raster: Raster) => Promise<void>;
  #next: Raster | undefined;
  #writing: Promise<void> | undefined;
  #removed = false;

  /** `write` must replace the file atomically. */
  constructor(path: string, write: (path: string, raster: Raster) => Promise<void>) {
    this.#path = path;
    this.#write = write;
  }

  /** Shows a picture; of those that come while one is written only the newest is. A failed write is not an edit's end. */
  show(raster: Raster): void {
    if (this.#removed) return;
    this.#next = raster;
    this.#writing ??= this.#drain();
  }

  /** Waits for the last write and removes the file. */
  async remove(): Promise<void> {
    this.#removed = true;
    this.#next = undefined;
    await this.#writing;
    await rm(this.#path, { force: true });
  }

  async #drain(): Promise<void> {
    while (this.#next !== undefined) {
      const raster = this.#next;
      this.#next = undefined;
      await this.#write(this.#path, raster).catch(() => undefined);
    }
    this.#writing = undefined;
  }
}
