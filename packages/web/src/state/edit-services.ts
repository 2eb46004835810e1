/**
 * @module
 * What the image page's controller needs of others: the server, the browser, and a place for the history. Each is
 * replaced in tests.
 */

import type { EditEvent, EditRequest, ImageModel, RecalledParameters, Scene } from '../api/images.js';
import type { Mask } from './edit-mask.js';
import type { EditNode, Picture } from './edit-tree.js';

/** The server's part. */
export interface EditServer {
  models(signal: AbortSignal): Promise<readonly ImageModel[]>;
  edit(request: EditRequest, signal: AbortSignal): AsyncIterable<EditEvent>;
  scene(seed: number): Promise<Scene>;
  recall(image: Blob): Promise<RecalledParameters | undefined>;
}

/** The browser's part. */
export interface PictureTools {
  /** Decodes; rejects with a message for people when the bytes are no picture. */
  open(blob: Blob): Promise<Picture>;
  url(blob: Blob): string;
  release(url: string): void;
  maskPng(mask: Mask): Promise<Blob>;
}

/** Where the history outlives the visit. Losing it is not an error worth a message. */
export interface EditArchive {
  load(): Promise<readonly EditNode[]>;
  put(node: EditNode): Promise<void>;
  remove(ids: readonly string[]): Promise<void>;
}
