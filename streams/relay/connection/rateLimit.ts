import { asyncScheduler, type MonoTypeOperatorFunction, type SchedulerAction, Subscription } from 'rxjs';
import { operate } from '../../rx/operate.js';
import { BucketLevel, type Rate, schedulerTime, UNLIMITED } from '../../rx/tokenBucket.js';
import type { Connection } from '../../wire/connection.js';
import type { Lines } from '../../wire/lines.js';
import type { AddressLimiter } from './addressRate.js';

/** Pauses and resumes reading from a connection. */
export type ReadControl = Pick<Connection, 'pause' | 'resume'>;

/** Pauses reading while at least one of several users has paused it. */
export class SharedReadControl implements ReadControl {
  readonly #readControl: ReadControl;
  #pauseCount = 0;

  constructor(readControl: ReadControl) {
    this.#readControl = readControl;
  }

  get isPaused(): boolean {
    return this.#pauseCount > 0;
  }

  pause(): void {
    this.#pauseCount += 1;
    if (this.#pauseCount === 1) this.#readControl.pause();
  }

  resume(): void {
    this.#pauseCount -= 1;
    if (this.#pauseCount === 0) this.#readControl.resume();
  }
}

export interface RateLimits {
  /** Bytes of lines that each connection may send. */
  readonly byteRate?: Rate;
  /** Lines that each connection may send, of any size. */
  readonly lineRate?: Rate;
}

export interface RateLimitOptions extends RateLimits {
  readonly connection: ReadControl;
}

/**
 * Passes lines on, and pauses reading from a connection that exceeds its rate.
 *
 * It drops, delays and queues nothing: the full buffers of the sender slow it down. Each rate is a token bucket, so after a
 * pause a whole burst passes at once. Lines of a chunk that was already read pass too, on credit. Completes and errors with
 * its source. Both, and unsubscribing, resume reading.
 *
 * ```text
 * lines    -a-b-c------d--      burst 2, one line in 5
 *            rateLimit({ connection, lineRate })
 *          -a-b-c------d--
 * paused   -----p----r-p----r
 * ```
 *
 * @example
 * import { type Connection, lines } from 'rxchat/streams';
 * import { rateLimit } from './rateLimit.js';
 *
 * const limited = (connection: Connection) =>
 *   connection.chunk$.pipe(lines(), rateLimit({ connection, lineRate: { perSecond: 100, burst: 1000 } }));
 */
export const rateLimit = <T extends Lines>({
  connection,
  ...limits
}: RateLimitOptions): MonoTypeOperatorFunction<T> =>
  operate((subscriber) => {
    const limiter = rateLimiter(connection, limits);
    subscriber.add(() => {
      limiter.dispose();
    });
    return {
      next: (lines) => {
        limiter.consume(lines);
        subscriber.next(lines);
        if (!subscriber.closed) limiter.pauseIfOver();
      },
    };
  });

/** The state of `rateLimit` for one connection. */
export interface RateLimiter {
  /** Counts received lines. */
  consume(lines: Lines): void;
  /** Pauses reading while more was received than allowed. */
  pauseIfOver(): void;
  /** Resumes reading. */
  dispose(): void;
}

const NO_LIMIT: RateLimiter = {
  consume: () => undefined,
  pauseIfOver: () => undefined,
  dispose: () => undefined,
};

/** Creates the rate limiter of a connection; `addressBytes` is the limit that it shares with its address. */
export const rateLimiter = (
  readControl: ReadControl,
  { byteRate = UNLIMITED, lineRate = UNLIMITED }: RateLimits,
  addressBytes?: AddressLimiter,
): RateLimiter =>
  byteRate.perSecond === Infinity && lineRate.perSecond === Infinity && addressBytes === undefined
    ? NO_LIMIT
    : new BucketRateLimiter(readControl, byteRate, lineRate, addressBytes);

class BucketRateLimiter implements RateLimiter {
  readonly #readControl: ReadControl;
  readonly #bytes: BucketLevel;
  readonly #lines: BucketLevel;
  readonly #addressBytes: AddressLimiter | undefined;
  #pause = Subscription.EMPTY;

  constructor(
    readControl: ReadControl,
    byteRate: Rate,
    lineRate: Rate,
    addressBytes: AddressLimiter | undefined,
  ) {
    this.#readControl = readControl;
    this.#addressBytes = addressBytes;
    this.#bytes = new BucketLevel(byteRate, schedulerTime);
    this.#lines = new BucketLevel(lineRate, schedulerTime);
  }

  consume({ bytes, count }: Lines): void {
    this.#bytes.take(bytes.length);
    this.#lines.take(count);
    this.#addressBytes?.take(bytes.length);
  }

  pauseIfOver(): void {
    const ms = this.#debtMs();
    if (ms === 0 || !this.#pause.closed) return;
    this.#readControl.pause();
    const pause = new Subscription(() => {
      this.#readControl.resume();
    });
    this.#pause = pause;
    const debtMs = () => this.#debtMs();
    pause.add(
      asyncScheduler.schedule(function (this: SchedulerAction<void>) {
        // Lines of a chunk that was already read can have added to the debt.
        if (debtMs() > 0) this.schedule(undefined, debtMs());
        else pause.unsubscribe();
      }, ms),
    );
  }

  dispose(): void {
    this.#pause.unsubscribe();
  }

  #debtMs(): number {
    return Math.max(this.#bytes.debtMs(), this.#lines.debtMs(), this.#addressBytes?.debtMs() ?? 0);
  }
}
