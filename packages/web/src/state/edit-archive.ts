/**
 * @module
 * Keeps the history of edits in the browser's IndexedDB, pictures and all, so that a reload loses nothing.
 */

import type { EditArchive } from './edit-services.js';
import type { EditNode, Picture } from './edit-tree.js';

const DATABASE = 'triptych-edit';
const STORE = 'nodes';
/** More would fill the disk of someone who never looks. */
const MOST_NODES = 200;

interface StoredNode extends Omit<EditNode, 'picture'> {
  readonly picture: Omit<Picture, 'url'>;
}

/** @param url makes an object URL of a picture read back */
export function browserArchive(url: (blob: Blob) => string): EditArchive {
  let opened: Promise<IDBDatabase> | undefined;
  const database = () => {
    opened ??= openDatabase();
    return opened;
  };
  return {
    async load() {
      const store = (await database()).transaction(STORE).objectStore(STORE);
      const stored = (await result(store.getAll())) as readonly StoredNode[];
      const kept = stored.slice(-MOST_NODES);
      const ids = new Set(kept.map((node) => node.id));
      return kept.map((node) => ({
        ...node,
        // A branch whose beginning was dropped becomes a beginning itself.
        parent: node.parent !== undefined && ids.has(node.parent) ? node.parent : undefined,
        picture: { ...node.picture, url: url(node.picture.blob) },
      }));
    },
    async put(node) {
      const { url: _, ...picture } = node.picture;
      const store = (await database()).transaction(STORE, 'readwrite').objectStore(STORE);
      await result(store.put({ ...node, picture }));
      const keys = await result(store.getAllKeys());
      for (const key of keys.slice(0, Math.max(0, keys.length - MOST_NODES))) store.delete(key);
    },
    async remove(ids) {
      const store = (await database()).transaction(STORE, 'readwrite').objectStore(STORE);
      await Promise.all(ids.map((id) => result(store.delete(id))));
    },
  };
}

function openDatabase(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: 'id' });
  return result(request);
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
