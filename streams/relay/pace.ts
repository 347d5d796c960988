import {
  EMPTY,
  expand,
  finalize,
  type MonoTypeOperatorFunction,
  Observable,
  Subscription,
  timer,
} from 'rxjs';
import type { Connection } from '../wire/connection.js';
import type { Lines } from '../wire/lines.js';
import { type Rate, tokenBucket, UNLIMITED } from './tokenBucket.js';

export interface PaceLimits {
  /** Bytes of lines that one connection may send. */
  readonly byteRate?: Rate;
  /** Lines that one connection may send, of whatever size. */
  readonly lineRate?: Rate;
}

export interface PaceOptions extends PaceLimits {
  readonly connection: Pick<Connection, 'pause' | 'resume'>;
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
  <T extends Lines>({
    connection,
    byteRate = UNLIMITED,
    lineRate = UNLIMITED,
  }: PaceOptions): MonoTypeOperatorFunction<T> =>
  (line$) =>
    new Observable((subscriber) => {
      const bytes = tokenBucket(byteRate);
      const lines = tokenBucket(lineRate);
      const debt = () => Math.max(bytes.debt(), lines.debt());
      let slowed = Subscription.EMPTY;

      const slow = (ms: number) => {
        connection.pause();
        slowed = timer(ms)
          .pipe(
            // Meanwhile the rest of what was read may have come on credit.
            expand(() => (debt() > 0 ? timer(debt()) : EMPTY)),
            finalize(() => {
              connection.resume();
            }),
          )
          .subscribe();
        subscriber.add(slowed);
      };

      subscriber.add(
        line$.subscribe({
          next: (said) => {
            bytes.take(said.bytes.length);
            lines.take(said.count);
            subscriber.next(said);
            const ms = debt();
            if (ms > 0 && slowed.closed && !subscriber.closed) slow(ms);
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
