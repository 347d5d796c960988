import {
  catchError,
  concat,
  connect,
  defer,
  EMPTY,
  filter,
  merge,
  NEVER,
  type Observable,
  of,
  Subject,
  takeUntil,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { repeatAfter } from '../../rx/repeatAfter.js';
import { probe } from './liveness.js';

/** The minimum of the first delay and of the longest delay, in ms. The maximum of each is twice its minimum. */
const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 15_000;

/** The longest delay that a peer may request, in ms. A `setTimeout` of more than 24.8 days fires at once. */
const MAX_REQUESTED_MS = 3_600_000;

/** How long retries keep the requested delay, in ms: the peer may still be restarting. */
const RESTART_WINDOW_MS = 5000;

/**
 * Returns the delay in ms before a retry, by the number of failed attempts before it (from 0).
 *
 * The delay doubles from 0.5 s to 15 s, plus a random 0 to 100 % of it. It is always between 500 and 30 000 ms. The random part
 * spreads the retries of clients that lost their relay at the same time.
 *
 * @example
 * import { backoff } from 'rxchat/streams';
 *
 * const delay = backoff({ random: () => 0.5 });
 * console.log([0, 1, 2, 9].map(delay)); // [750, 1500, 3000, 22500]
 */
export const backoff =
  ({ random }: { /** 0 <= x < 1 */ random: () => number }): ((attempt: number) => number) =>
  (attempt) =>
    Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt) * (1 + random());

/** Computes the delays between the connection attempts of a client. */
export interface RetryDelays {
  /** Returns the next delay in ms. `requestedMs` is the delay that the peer asked for, or 0. */
  readonly next: (requestedMs: number) => number;
  /** Starts with a short delay again, after a stable connection. */
  readonly reset: () => void;
}

/**
 * Creates the retry delays of a client: `backoff`, or the requested delay plus a random 0 to 50 %.
 *
 * A restarting relay may take longer than it announced. Retries therefore keep the requested delay for 5 s before they
 * back off. If the relay requested 1 s and is back within 5 s, its clients are back within another 1.5 s.
 */
export const retryDelays = ({ random }: { /** 0 <= x < 1 */ readonly random: () => number }): RetryDelays => {
  const exponential = backoff({ random });
  const addJitter = (ms: number) => ms * (1 + random() / 2);
  let failures = 0;
  let requestedDelayMs = 0;
  let restartBudgetMs = 0;

  const nextOwnDelay = (): number => {
    const delay = exponential(failures);
    // At least the first delay of the backoff, whatever the peer requested.
    const repeatedMs = restartBudgetMs > 0 ? Math.max(exponential(0), addJitter(requestedDelayMs)) : Infinity;
    if (delay <= repeatedMs) failures += 1;
    return Math.min(delay, repeatedMs);
  };

  return {
    next: (requestedMs) => {
      if (requestedMs > 0) {
        requestedDelayMs = Math.min(requestedMs, MAX_REQUESTED_MS);
        restartBudgetMs = RESTART_WINDOW_MS;
        failures += 1;
      }
      const delay = Math.round(requestedMs > 0 ? addJitter(requestedDelayMs) : nextOwnDelay());
      restartBudgetMs -= delay;
      return delay;
    },
    reset: () => {
      failures = 0;
    },
  };
};

/** The connection was lost. The next attempt begins in `retryMs` ms. */
export interface Offline {
  readonly type: 'offline';
  readonly reason: string;
  readonly retryMs: number;
  /** How many attempts have failed in a row, from 1. */
  readonly attempt: number;
}

export interface ReconnectOptions<T> {
  /** 0 <= x < 1 */
  readonly random: () => number;
  /** Returns a monotonic time in ms. */
  readonly now: () => number;
  /** Emits when the connection may be dead and a retry may succeed: the machine woke up or the network is back. */
  readonly wake$?: Observable<unknown>;
  /** Sends a `PING` to the peer. */
  readonly ping?: () => void;
  /** Emits whenever the peer has sent something (default: at each value of the connection). */
  readonly activity$?: Observable<unknown> | undefined;
  /** Whether this client has paused reading from the peer. Silence then proves nothing. */
  readonly isPaused?: (() => boolean) | undefined;
  /** Returns whether a value shows that the connection is up. */
  readonly isUp: (value: T) => boolean;
  /** Returns why the peer closes the connection and the delay it requests in ms (0 = none), if a value says so. */
  readonly closeReason: (value: T) => Pick<Offline, 'reason' | 'retryMs'> | undefined;
  /** Returns whether an error ends the whole stream. */
  readonly isFatal: (error: unknown, wasUp: boolean /* whether any connection was up */) => boolean;
  /** How many other peers the next attempts reach (default 0). */
  readonly otherPeers?: number | undefined;
  /** How long a connection must be up to reset the retry delay, in ms (default 10 000). */
  readonly stableAfterMs?: number;
}

/**
 * Subscribes to a connection again each time it completes or errors.
 *
 * Each end is an `offline` value. The next attempt follows after a delay: exponential backoff, or the delay that the
 * peer requested, with jitter (`retryDelays`). The delays grow until a connection was up for `stableAfterMs` ms. With
 * `otherPeers`, as many attempts in a row follow within 500 ms, if each ends a connection that was up. When `wake$` emits,
 * the delay ends at once, and a connection that is up is probed (`probe`). If the peer does not
 * answer, the connection is dropped and the next attempt begins at once. One that is not up yet has its own timeouts.
 *
 * Never completes. Errors with a fatal error of a connection, with `wake$`, and with what a callback throws.
 * Unsubscribing releases the connection or the timer, and `wake$`, which is subscribed once.
 *
 * ```text
 * connection   -w-a-#
 *                      -#
 *                           -w-b-
 *                reconnect(options)
 * out          -w-a-o---o----w-b-    o: offline
 * ```
 *
 * @example
 * import { type Observable } from 'rxjs';
 * import { type ClientEvent, detectWake, reconnect, RefusedError } from 'rxchat/streams';
 *
 * const persistent = (event$: Observable<ClientEvent>) =>
 *   event$.pipe(
 *     reconnect({
 *       random: () => Math.random(),
 *       now: () => performance.now(),
 *       wake$: detectWake({ now: () => performance.now() }),
 *       isUp: ({ type }) => type === 'welcome',
 *       closeReason: (event) => (event.type === 'bye' ? event : undefined),
 *       isFatal: (error, wasUp) => error instanceof RefusedError && !wasUp,
 *     }),
 *   );
 */
export const reconnect =
  <T>({
    random,
    now,
    wake$ = NEVER,
    ping = () => undefined,
    activity$,
    isPaused,
    isUp,
    closeReason,
    isFatal,
    otherPeers = 0,
    stableAfterMs = 10_000,
  }: ReconnectOptions<T>): ((connection$: Observable<T>) => Observable<T | Offline>) =>
  (connection$) =>
    defer(() => {
      const delays = retryDelays({ random });
      let failures = 0;
      let wasUp = false;
      let retryMs = 0;
      const resetDelays = () => {
        failures = 0;
        delays.reset();
      };

      /** One connection, up to its `offline`. */
      const attempt = (doubt$: Observable<unknown>) =>
        defer(() => {
          let reason: string | undefined;
          let upSince: number | undefined;
          let requested: ReturnType<typeof closeReason>;
          let isDead = false;
          const values = new Subject<void>();
          const dead$ = doubt$.pipe(
            filter(() => upSince !== undefined),
            probe({ ping, activity$: activity$ ?? values, ...(isPaused && { isPaused }) }),
            tap(() => (isDead = true)),
          );

          const value$ = connection$.pipe(
            catchError((error: unknown) => {
              if (isFatal(error, wasUp)) return throwError(() => error);
              reason = error instanceof Error ? error.message : String(error);
              return EMPTY;
            }),
            tap((value) => {
              if (upSince === undefined && isUp(value)) {
                upSince = now();
                wasUp = true;
              }
              requested = closeReason(value);
              values.next();
            }),
            takeUntil(dead$),
          );

          const offline = (): Offline => {
            if (isDead) {
              resetDelays();
              retryMs = 0;
              return { type: 'offline', reason: 'the relay did not answer', retryMs, attempt: 1 };
            }
            if (upSince !== undefined && now() - upSince >= stableAfterMs) resetDelays();
            retryMs = delays.next(requested?.retryMs ?? 0);
            // Another peer need not be given time. A part of the first delay spreads the clients that come at once.
            if (upSince !== undefined && failures < otherPeers)
              retryMs = Math.round(random() * FIRST_DELAY_MS);
            failures += 1;
            reason ??= requested?.reason ?? 'the relay closed the connection';
            return { type: 'offline', reason, retryMs, attempt: failures };
          };

          return concat(
            value$,
            defer(() => of(offline())),
          );
        });

      return wake$.pipe(
        tap(resetDelays),
        // One subscription for all attempts: after a sleep, a timer of the connection often fires before `wake$` emits.
        connect((wakeUp$) =>
          // A timer also for a delay of 0 ms, so that connections that end at once do not grow the stack.
          attempt(wakeUp$).pipe(repeatAfter(() => merge(timer(retryMs), wakeUp$))),
        ),
      );
    });
