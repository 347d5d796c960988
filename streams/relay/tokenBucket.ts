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

/** The time of whatever scheduler is in charge. */
export const schedulerTime = (): number => asyncScheduler.now();

/** What is in a bucket: two numbers for each connection and rate. A rate of `Infinity` has no limit. */
export class Level {
  readonly #rate: Rate;
  readonly #now: () => number;
  #there: number;
  #at: number;

  constructor(rate: Rate, now: () => number) {
    this.#rate = rate;
    this.#now = now;
    this.#there = rate.burst;
    this.#at = now();
  }

  /** Whether so many are there. */
  has(n = 1): boolean {
    return this.#rate.perSecond === Infinity || this.#fill() >= n;
  }

  take(n: number): void {
    if (this.#rate.perSecond !== Infinity) this.#there = this.#fill() - n;
  }

  debt(): number {
    if (this.#rate.perSecond === Infinity) return 0;
    const there = this.#fill();
    return there < 0 ? Math.ceil((-there * 1000) / this.#rate.perSecond) : 0;
  }

  #fill(): number {
    const { perSecond, burst } = this.#rate;
    const time = this.#now();
    if (time > this.#at) this.#there = Math.min(burst, this.#there + ((time - this.#at) * perSecond) / 1000);
    this.#at = time;
    return this.#there;
  }
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
export const tokenBucket = (rate: Rate, now: () => number = schedulerTime): TokenBucket => {
  const level = new Level(rate, now);
  return {
    has: () => level.has(),
    take: (n) => {
      level.take(n);
    },
    tryTake: () => {
      if (!level.has()) return false;
      level.take(1);
      return true;
    },
    debt: () => level.debt(),
  };
};

/** A rate without a limit. */
export const UNLIMITED: Rate = { perSecond: Infinity, burst: Infinity };
