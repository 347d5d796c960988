import { interval, map, type MonoTypeOperatorFunction, Observable } from 'rxjs';
import { LinkError } from './errors.js';

export interface HeartbeatOptions {
  /** Half the longest silence, in ms: a peer from which nothing came for two periods is gone. */
  readonly period: number;
  /** Called to ask the peer for a sign of life. */
  readonly ping: () => void;
  /** Whether we do not read the peer at present: then its silence is ours, and does not count. */
  readonly isHeld?: () => boolean;
}

/** Ticks a period; a silence of `GONE` ticks in a row is the end. */
export const TICKS: number = 2;
export const GONE: number = 2 * TICKS;

/**
 * Passes everything on and notices when nothing comes any more: a link of which only one half is left.
 *
 * Any value is a sign of life. After about one silent period `ping` is called, which leaves the peer a whole period for
 * its answer. Within two periods of the last sign of life, or of
 * the start, it errors with `LinkError`. It also errors with what `ping` throws. Otherwise it completes and errors with
 * its source; all of these, and unsubscribing, stop the timer. There is one timer, whatever comes.
 *
 * A source that is paused is silent too, unless `isHeld` tells; it has its whole time again once it is read.
 *
 * ```text
 * value   -a-b-c--------
 *           heartbeat({ period: 4, ping })
 * ping    --------p
 *         -a-b-c------#     ticks at 2, 4, 6, …: the 2nd silent one asks, the 4th gives up
 * ```
 *
 * @example
 * import { type Connection, encodeText, heartbeat } from 'rxchat/streams';
 *
 * const alive = ({ chunk$, write }: Connection) =>
 *   chunk$.pipe(heartbeat({ period: 15_000, ping: () => write(encodeText('PING 0\n')) }));
 */
export const heartbeat =
  <T>({ period, ping, isHeld = () => false }: HeartbeatOptions): MonoTypeOperatorFunction<T> =>
  (value$) =>
    new Observable((subscriber) => {
      // Ticks, not a clock: a process that was stopped for a minute finds one tick late, and then reads what has come.
      let silent = 0;
      const tick = () => {
        silent = isHeld() ? 0 : silent + 1;
        if (silent === GONE) throw new LinkError(`nothing was heard for ${2 * period} ms`);
        if (silent === TICKS) ping();
      };
      subscriber.add(
        interval(period / TICKS)
          .pipe(map(tick))
          .subscribe({
            error: (error: unknown) => {
              subscriber.error(error);
            },
          }),
      );
      subscriber.add(
        value$.subscribe({
          next: (value) => {
            silent = 0;
            subscriber.next(value);
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
