import { asyncScheduler } from 'rxjs';

/** A rate limit: an amount per second, and the amount available at once after a pause. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** A rate without a limit. */
export const UNLIMITED: Rate = { perSecond: Infinity, burst: Infinity };

/** Holds at most `burst` tokens and refills with `perSecond`. */
export interface TokenBucket {
  /** Returns whether at least one token is available. */
  readonly has: () => boolean;
  /** Takes a token if one is available, and returns whether it did. */
  readonly tryTake: () => boolean;
  /** Takes `n` tokens, on credit if too few are available. */
  readonly take: (n: number) => void;
  /** Returns the time in ms until the credit is repaid; 0 if no token was taken on credit. */
  readonly debtMs: () => number;
}

/** Returns the time in ms of the async scheduler, which is virtual in marble tests. */
export const schedulerTime = (): number => asyncScheduler.now();

/** State of a token bucket. A class, since each connection has several: two numbers for each rate. */
export class BucketLevel {
  readonly #rate: Rate;
  readonly #now: () => number;
  #available: number;
  #filledAt: number;

  constructor(rate: Rate, now: () => number) {
    this.#rate = rate;
    this.#now = now;
    this.#available = rate.burst;
    this.#filledAt = now();
  }

  has(n = 1): boolean {
    return this.#rate.perSecond === Infinity || this.#fill() >= n;
  }

  take(n: number): void {
    if (this.#rate.perSecond !== Infinity) this.#available = this.#fill() - n;
  }

  debtMs(): number {
    if (this.#rate.perSecond === Infinity) return 0;
    const available = this.#fill();
    return available < 0 ? Math.ceil((-available * 1000) / this.#rate.perSecond) : 0;
  }

  #fill(): number {
    const { perSecond, burst } = this.#rate;
    const now = this.#now();
    if (now > this.#filledAt)
      this.#available = Math.min(burst, this.#available + ((now - this.#filledAt) * perSecond) / 1000);
    this.#filledAt = now;
    return this.#available;
  }
}

/**
 * Creates a token bucket, full at first.
 *
 * A rate of `Infinity` has no limit. A clock that is set back refills nothing.
 *
 * @example
 * import { tokenBucket } from './tokenBucket.js';
 *
 * const bucket = tokenBucket({ perSecond: 10, burst: 20 }, () => 0);
 * bucket.take(25);
 * console.log(bucket.debtMs()); // 500
 */
export const tokenBucket = (rate: Rate, now: () => number = schedulerTime): TokenBucket => {
  const level = new BucketLevel(rate, now);
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
    debtMs: () => level.debtMs(),
  };
};
