import { asyncScheduler } from 'rxjs';

/** How much of something a second, and how much at once after a pause. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Holds up to `burst`, and fills again by `perSecond`. */
export interface TokenBucket {
  /** Whether one is there. */
  readonly has: () => boolean;
  /** Takes one where one is there. */
  readonly tryTake: () => boolean;
  /** Takes `n`, be it on credit. */
  readonly take: (n: number) => void;
  /** How long, in ms, until nothing is owed; 0 where nothing is. */
  readonly debt: () => number;
}

/**
 * A token bucket, full at first. A rate of `Infinity` has no limit. A clock that is set back fills nothing.
 *
 * @example
 * import { tokenBucket } from 'rxchat/streams';
 *
 * const bucket = tokenBucket({ perSecond: 10, burst: 20 }, () => 0);
 * bucket.take(25);
 * console.log(bucket.debt()); // 500
 */
export const tokenBucket = (
  { perSecond, burst }: Rate,
  now: () => number = () => asyncScheduler.now(),
): TokenBucket => {
  let there = burst;
  let at = now();

  const fill = () => {
    const time = now();
    if (time > at) there = Math.min(burst, there + ((time - at) * perSecond) / 1000);
    at = time;
  };
  const take = (n: number) => {
    if (perSecond === Infinity) return;
    fill();
    there -= n;
  };

  const has = () => {
    if (perSecond === Infinity) return true;
    fill();
    return there >= 1;
  };

  return {
    has,
    take,
    tryTake: () => {
      if (!has()) return false;
      take(1);
      return true;
    },
    debt: () => {
      if (perSecond === Infinity) return 0;
      fill();
      return there < 0 ? Math.ceil((-there * 1000) / perSecond) : 0;
    },
  };
};

/** A rate without a limit. */
export const UNLIMITED: Rate = { perSecond: Infinity, burst: Infinity };
