import { addressKey } from './addressKey.js';
import { Level, type Rate, schedulerTime, UNLIMITED } from './tokenBucket.js';

/** A rate that each address has for itself. */
export interface AddressRate extends Rate {
  /** Whether an address, as `addressKey` names it, has no limit. */
  readonly isExempt?: (address: string) => boolean;
}

/** The token buckets of all addresses. */
export interface AddressLevels {
  /** The bucket of a peer's address. It is good for one use: it may be forgotten by the next. */
  readonly of: (peer: string) => Level;
  /** Finds the bucket again for each use; `undefined` if the peer has no limit. */
  readonly follow: (peer: string) => Pick<Level, 'has' | 'take' | 'debt'> | undefined;
  /** How many addresses are remembered. */
  readonly size: number;
}

export interface AddressLevelsOptions {
  /** The clock in ms. */
  readonly now?: (() => number) | undefined;
  /** How many addresses are remembered; those that were used last. 10 000. */
  readonly keep?: number;
}

/**
 * Gives each address a token bucket of its own. A bucket that is forgotten is full again.
 *
 * @example
 * import { addressLevels } from 'rxchat/streams';
 *
 * const joins = addressLevels({ perSecond: 1, burst: 1 }, { now: () => 0 });
 * joins.of('192.0.2.1:50412').take(1);
 * console.log(joins.of('192.0.2.1:50413').has(), joins.of('192.0.2.2:50412').has()); // false true
 */
export const addressLevels = (
  rate: AddressRate = UNLIMITED,
  { now = schedulerTime, keep = 10_000 }: AddressLevelsOptions = {},
): AddressLevels => {
  const levels = new Map<string, Level>();
  const unlimited = new Level(UNLIMITED, now);

  const limited = (peer: string): string | undefined => {
    if (rate.perSecond === Infinity) return undefined;
    const address = addressKey(peer);
    return rate.isExempt?.(address) === true ? undefined : address;
  };

  const find = (address: string): Level => {
    const level = levels.get(address) ?? new Level(rate, now);
    levels.delete(address);
    levels.set(address, level);
    if (levels.size > keep) {
      const [oldest] = levels.keys();
      levels.delete(oldest ?? address);
    }
    return level;
  };

  return {
    of: (peer) => {
      const address = limited(peer);
      return address === undefined ? unlimited : find(address);
    },
    follow: (peer) => {
      const address = limited(peer);
      if (address === undefined) return undefined;
      return {
        has: (n) => find(address).has(n),
        take: (n) => {
          find(address).take(n);
        },
        debt: () => find(address).debt(),
      };
    },
    get size() {
      return levels.size;
    },
  };
};
