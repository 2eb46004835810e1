/** The browser's storage; undefined where the browser forbids it. */
export function browserStorage(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}

/** Storage of this tab, that starts from what any tab stored last; undefined where the browser forbids it. */
export function tabStorage(): Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> | undefined {
  const all = browserStorage();
  if (all === undefined) return undefined;
  const own = sessionStorage;
  return {
    getItem: (key) => own.getItem(key) ?? all.getItem(key),
    setItem(key, value) {
      own.setItem(key, value);
      all.setItem(key, value);
    },
    removeItem(key) {
      // Empty is this tab's own choice: what another tab stores later is not shown instead.
      own.setItem(key, '');
      all.removeItem(key);
    },
  };
}
