import {
  defer,
  EMPTY,
  exhaustMap,
  filter,
  interval,
  map,
  merge,
  type Observable,
  type OperatorFunction,
  switchMap,
  takeUntil,
  timer,
} from 'rxjs';

/* Whether a connection is alive: the doubts about it, and the ping that settles them. */

export interface DetectWakeOptions {
  /** Returns a monotonic time in ms that advances while the machine sleeps. */
  readonly now: () => number;
  /** The interval of the timer in ms (default 1000). */
  readonly intervalMs?: number;
  /** The delay of a tick that counts as sleep, in ms (default 10 000). */
  readonly thresholdMs?: number;
}

/**
 * Emits when the machine may have been asleep: a timer fires at least `thresholdMs` late.
 *
 * It is not proof. Browsers delay the timers of hidden tabs by up to a minute, and a stopped process looks the same. So
 * ask the peer before you drop a connection, as `reconnect` does.
 *
 * Emits once for each sleep, within `intervalMs` after its end. Never completes; errors with what the clock throws.
 * Each subscription has a timer of its own. Unsubscribing stops it.
 *
 * ```text
 * clock at each tick   1s--2s--3s--------65s--66s
 *                        detectWake({ now })
 * out                  ------------------w-------
 * ```
 *
 * @example
 * import { detectWake } from 'rxchat/streams';
 *
 * detectWake({ now: () => performance.now() }).subscribe({
 *   next: () => console.log('good morning'),
 *   error: console.error,
 * });
 */
export const detectWake = ({
  now,
  intervalMs = 1000,
  thresholdMs = 10_000,
}: DetectWakeOptions): Observable<void> =>
  defer(() => {
    let last = now();
    return interval(intervalMs).pipe(
      filter(() => {
        const before = last;
        last = now();
        return last - before >= intervalMs + thresholdMs;
      }),
      map(() => undefined),
    );
  });

export interface ProbeOptions {
  /** Sends a `PING` to the peer. */
  readonly ping: () => void;
  /** Emits whenever the peer has sent something. */
  readonly activity$: Observable<unknown>;
  /** The time for an answer in ms (default 4000). */
  readonly answerTimeoutMs?: number;
  /** Whether this client has paused reading from the peer. Silence then proves nothing. */
  readonly isPaused?: () => boolean;
}

/** The delay of a second timer in ms. The event loop delivers answers that have arrived before this timer fires. */
const LATE_TIMER_MS = 100;

/**
 * Pings the peer at each doubt about the connection, and emits if the peer does not answer.
 *
 * A doubt is a sign that the connection may be dead: the machine woke up or the network is back. Any activity within
 * `answerTimeoutMs` settles it. A doubt during a ping joins that ping. If a stopped process or a throttled timer makes the
 * deadline fire late, another 100 ms remain to read an answer that has arrived already.
 *
 * Completes when the doubts and the last ping are over. Errors if the doubts, `activity$`, `ping` or `isPaused` fail.
 * Unsubscribing stops the timer.
 *
 * ```text
 * doubt      --d---------d-------
 * ping       --p---------p-------
 * activity   ---a----------------
 *              probe({ ping, activity$, answerTimeoutMs: 5 })
 * dead       -----------------x--   100 ms later
 * ```
 *
 * @example
 * import type { Observable } from 'rxjs';
 * import { type Connection, encodeText } from 'rxchat/streams';
 * import { probe } from './liveness.js';
 *
 * const dead$ = (wake$: Observable<unknown>, { chunk$: activity$, write }: Connection) =>
 *   wake$.pipe(probe({ activity$, ping: () => write(encodeText('PING 0\n')) }));
 */
export const probe = ({
  ping,
  activity$,
  answerTimeoutMs = 4000,
  isPaused = () => false,
}: ProbeOptions): OperatorFunction<unknown, void> =>
  exhaustMap(() =>
    merge(
      timer(answerTimeoutMs).pipe(
        switchMap(() => timer(LATE_TIMER_MS)),
        filter(() => !isPaused()),
        map(() => undefined),
      ),
      // Last, because an answer may arrive during the call.
      defer(() => {
        ping();
        return EMPTY;
      }),
    ).pipe(takeUntil(activity$)),
  );
