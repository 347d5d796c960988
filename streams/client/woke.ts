import { defer, filter, interval, map, type Observable } from 'rxjs';

export interface WokeOptions {
  /** A clock in ms that nobody sets, and that goes on while the machine sleeps. */
  readonly now: () => number;
  /** How often to look, in ms. */
  readonly every?: number;
  /** How much too late, in ms, a look must be. */
  readonly late?: number;
}

/**
 * Emits when the machine may have been asleep: a timer comes at least `late` ms later than it should, by the clock.
 *
 * It proves nothing: browsers delay the timers of hidden tabs by up to a minute, and a stopped process looks the same.
 * So ask the peer before you drop a connection, as `reconnect` does.
 *
 * It emits once for each sleep, within `every` ms of its end, and never by itself completes; it errors with what the
 * clock throws. Each subscription has a timer of its own and stops it when it is unsubscribed.
 *
 * ```text
 * the clock at each tick   1s--2s--3s--------65s--66s
 *                            woke({ now })
 *                          ------------------w-------
 * ```
 *
 * @example
 * import { woke } from 'rxchat/streams';
 *
 * woke({ now: () => performance.now() }).subscribe({
 *   next: () => console.log('good morning'),
 *   error: console.error,
 * });
 */
export const woke = ({ now, every = 1000, late = 10_000 }: WokeOptions): Observable<void> =>
  defer(() => {
    let last = now();
    return interval(every).pipe(
      filter(() => {
        const before = last;
        last = now();
        return last - before >= every + late;
      }),
      map(() => undefined),
    );
  });
