/** What is remembered of names: of more than `limit` of them the newest stay, of more than twice as many the others are gone. */
export interface Generations<T> {
  /** What was set last; from now on it is among the newest. */
  get(name: string): T | undefined;
  set(name: string, value: T): void;
}

/**
 * A memory with a limit, in two maps: when the newer one has `limit` names it becomes the older one, whose names go. No
 * step of it takes longer the more there is.
 */
export const generations = <T>(limit: number): Generations<T> => {
  let newer = new Map<string, T>();
  let older = new Map<string, T>();

  const set = (name: string, value: T) => {
    newer.set(name, value);
    if (newer.size < limit) return;
    older = newer;
    newer = new Map();
  };

  return {
    get: (name) => {
      const value = newer.get(name);
      if (value !== undefined) return value;
      const old = older.get(name);
      if (old !== undefined) set(name, old);
      return old;
    },
    set,
  };
};

export interface ShareOptions<T> {
  /** Makes the share of an owner, who is known or not. */
  readonly make: (isKnown: boolean) => T;
  /** Whether an owner was known before: those who were not do not push it out. */
  readonly isKnown?: ((owner: string) => boolean) | undefined;
  /** How many owners that are known, and how many others, have a share at least. */
  readonly owners: { readonly known: number; readonly others: number };
}

/** A share of memory for each owner, so that one who fills its own pushes out nothing of others. */
export const shares = <T>({
  make,
  isKnown = () => false,
  owners,
}: ShareOptions<T>): ((owner: string) => T) => {
  const [known, others] = [generations<T>(owners.known), generations<T>(owners.others)];
  return (owner) => {
    const was = isKnown(owner);
    const all = was ? known : others;
    const share = all.get(owner) ?? make(was);
    all.set(owner, share);
    return share;
  };
};
