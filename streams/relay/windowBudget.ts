/** What one log takes of a budget. */
export interface Account {
  /** Takes bytes, after which others, least recently used first, and last this one, shed until all fits. */
  readonly take: (bytes: number) => void;
  readonly give: (bytes: number) => void;
}

/** Bytes that logs share. */
export interface WindowBudget {
  /** Bytes that are taken now. */
  readonly held: number;
  /** More is taken than the limit, and none can be shed: what is left is not committed. */
  readonly isOver: boolean;
  /** An account. `shed` gives back what it can spare next, and tells whether there was any. */
  readonly account: (shed: () => boolean) => Account;
}

/**
 * One limit, in bytes, for the memory of all rooms' logs. Which log takes is the one in use; the one that has not taken
 * for longest gives first: a reader that still wants what is gone reads it from the store, or is told a gap.
 *
 * @example
 * import { roomLog, windowBudget } from 'rxchat/streams';
 *
 * const budget = windowBudget(1 << 28);
 * const logs = ['a', 'b'].map((id) => roomLog({ id, window: 1 << 24, budget }));
 */
export const windowBudget = (limit: number = Infinity): WindowBudget => {
  let held = 0;
  /** Those that hold something, least recently used first. */
  const holders = new Map<() => boolean, number>();

  const shrink = () => {
    for (const shed of holders.keys()) while (held > limit && shed());
  };

  const change = (shed: () => boolean, bytes: number) => {
    held += bytes;
    const own = (holders.get(shed) ?? 0) + bytes;
    if (bytes > 0 || own === 0) holders.delete(shed);
    if (own > 0) holders.set(shed, own);
  };

  return {
    get held() {
      return held;
    },
    get isOver() {
      return held > limit;
    },
    account: (shed) => ({
      take: (bytes) => {
        change(shed, bytes);
        if (held > limit) shrink();
      },
      give: (bytes) => {
        change(shed, -bytes);
      },
    }),
  };
};
