/** What the page needs of a `Storage`. */
export type KeyValueStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** The browser's storage; undefined where the browser forbids it. */
export function browserStorage(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}

/** {@link tabStorage} of this browser; undefined where it forbids storage. */
export function browserTabStorage(): KeyValueStorage | undefined {
  try {
    return tabStorage(sessionStorage, localStorage);
  } catch {
    return undefined;
  }
}

/**
 * Storage of one tab that starts from what any tab stored last. From its first look at a key on, other tabs no longer
 * change what it reads; what it takes away stays with the others if it is theirs. A value that does not fit is taken
 * away rather than left old.
 */
export function tabStorage(own: KeyValueStorage, all: KeyValueStorage): KeyValueStorage {
  /** Writes or, when that fails, leaves nothing. */
  const put = (storage: KeyValueStorage, key: string, value: string) => {
    try {
      storage.setItem(key, value);
    } catch {
      storage.removeItem(key);
    }
  };
  return {
    getItem(key) {
      const value = own.getItem(key) ?? all.getItem(key) ?? '';
      put(own, key, value);
      return value === '' ? null : value;
    },
    setItem(key, value) {
      put(own, key, value);
      put(all, key, value);
    },
    removeItem(key) {
      const isOwn = all.getItem(key) === own.getItem(key);
      put(own, key, ''); // not another tab's from now on
      if (isOwn) all.removeItem(key);
    },
  };
}
