import {
  EMPTY,
  expand,
  finalize,
  type MonoTypeOperatorFunction,
  Observable,
  Subscription,
  timer,
} from 'rxjs';
import type { Flow } from './flow.js';
import type { Lines } from '../wire/lines.js';
import { Level, type Rate, schedulerTime, UNLIMITED } from './tokenBucket.js';

export interface PaceLimits {
  /** Bytes of lines that one connection may send. */
  readonly byteRate?: Rate;
  /** Lines that one connection may send, of whatever size. */
  readonly lineRate?: Rate;
}

export interface PaceOptions extends PaceLimits {
  readonly connection: Flow;
}

/**
 * Passes lines on, and slows who sends too many of them: its connection is not read until what it owes is made good.
 *
 * Nothing is dropped, delayed or queued here: the sender's own full buffers slow it. Each rate is a token bucket, so that
 * after a pause a whole burst passes at once. What comes in a chunk that was read already passes too, on credit.
 * Completes and errors with its source; these, and unsubscribing, resume the connection.
 *
 * ```text
 * lines    -a-b-c------d--      burst 2, one line in 5
 *            pace({ connection, lineRate })
 *          -a-b-c------d--
 * paused   -----p----r-p----r
 * ```
 *
 * @example
 * import { type Connection, lines, pace } from 'rxchat/streams';
 *
 * const slowed = (connection: Connection) =>
 *   connection.chunk$.pipe(lines(), pace({ connection, lineRate: { perSecond: 100, burst: 1000 } }));
 */
export const pace =
  <T extends Lines>({ connection, ...limits }: PaceOptions): MonoTypeOperatorFunction<T> =>
  (line$) =>
    new Observable((subscriber) => {
      const pace = pacer(connection, limits);
      subscriber.add(() => {
        pace.stop();
      });
      subscriber.add(
        line$.subscribe({
          next: (said) => {
            pace.take(said);
            subscriber.next(said);
            if (!subscriber.closed) pace.slow();
          },
          error: (error: unknown) => {
            subscriber.error(error);
          },
          complete: () => {
            subscriber.complete();
          },
        }),
      );
    });

/** What `pace` does, for who has no operator for it. */
export interface Pacer {
  /** Something was said. */
  take(lines: Lines): void;
  /** Stops reading where something is owed, until it is made good. */
  slow(): void;
  /** Reads on, whatever is owed. */
  stop(): void;
}

const UNPACED: Pacer = { take: () => undefined, slow: () => undefined, stop: () => undefined };

/** What others share with a connection: bytes of lines. */
export type SharedBytes = Pick<Level, 'take' | 'debt'>;

/** A pacer for one connection; one for all that have no limit. */
export const pacer = (
  connection: Flow,
  { byteRate = UNLIMITED, lineRate = UNLIMITED }: PaceLimits,
  shared?: SharedBytes,
): Pacer =>
  byteRate.perSecond === Infinity && lineRate.perSecond === Infinity && shared === undefined
    ? UNPACED
    : new LimitedPacer(connection, byteRate, lineRate, shared);

class LimitedPacer implements Pacer {
  readonly #connection: Flow;
  readonly #bytes: Level;
  readonly #lines: Level;
  readonly #shared: SharedBytes | undefined;
  #slowed = Subscription.EMPTY;

  constructor(connection: Flow, byteRate: Rate, lineRate: Rate, shared: SharedBytes | undefined) {
    this.#connection = connection;
    this.#shared = shared;
    this.#bytes = new Level(byteRate, schedulerTime);
    this.#lines = new Level(lineRate, schedulerTime);
  }

  take({ bytes, count }: Lines): void {
    this.#bytes.take(bytes.length);
    this.#lines.take(count);
    this.#shared?.take(bytes.length);
  }

  slow(): void {
    const ms = this.#debt();
    if (ms === 0 || !this.#slowed.closed) return;
    this.#connection.pause();
    this.#slowed = timer(ms)
      .pipe(
        // Meanwhile the rest of what was read may have come on credit.
        expand(() => (this.#debt() > 0 ? timer(this.#debt()) : EMPTY)),
        finalize(() => {
          this.#connection.resume();
        }),
      )
      .subscribe();
  }

  stop(): void {
    this.#slowed.unsubscribe();
  }

  #debt(): number {
    return Math.max(this.#bytes.debt(), this.#lines.debt(), this.#shared?.debt() ?? 0);
  }
}
