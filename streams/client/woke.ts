import { defer, filter, interval, map, type Observable } from 'rxjs';

export interface WokeOptions {
  /**
   * The clock, in ms. One that goes on while the machine sleeps: the time of day does, a monotonic clock may not. That
   * somebody sets it forward looks like sleep too.
   */
  readonly now: () => number;
  /** How often to look, in ms. */
  readonly every?: number;
  /** How much too late, in ms, a look must be. */
  readonly late?: number;
}

/**
 * Emits when the machine was asleep: a timer comes at least `late` ms later than it should, by the clock.
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
 * woke({ now: () => Date.now() }).subscribe({
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
