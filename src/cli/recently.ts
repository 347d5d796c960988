/** A map that holds only the entries which were set last. */
export interface Recently<T> {
  readonly get: (key: string) => T | undefined;
  readonly set: (key: string, value: T) => void;
  /** All of them, as they were set. */
  readonly entries: () => Iterable<readonly [string, T]>;
}

/** Makes a map of at most `limit` entries: the one that was set longest ago makes room. */
export const recently = <T>(limit: number, before: ReadonlyMap<string, T> = new Map()): Recently<T> => {
  const entries = new Map(before);
  return {
    get: (key) => entries.get(key),
    entries: () => entries,
    set: (key, value) => {
      entries.delete(key);
      entries.set(key, value);
      for (const oldest of entries.keys()) {
        if (entries.size <= limit) break;
        entries.delete(oldest);
      }
    },
  };
};
