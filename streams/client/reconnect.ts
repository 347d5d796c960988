import {
  catchError,
  concat,
  connect,
  defer,
  EMPTY,
  filter,
  map,
  merge,
  NEVER,
  type Observable,
  of,
  retry,
  Subject,
  takeUntil,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { probe } from './probe.js';
import { waits } from './waits.js';

/** A link went down; the next attempt comes in `retryMs`. */
export interface Offline {
  readonly type: 'offline';
  readonly reason: string;
  readonly retryMs: number;
  /** From 1: how many attempts have been without success in a row. */
  readonly attempt: number;
}

export interface ReconnectOptions<T> {
  /** 0 <= x < 1 */
  readonly random: () => number;
  /** A monotonic clock in ms, to tell how long a link was up. */
  readonly now: () => number;
  /** Emits when it is useless to wait on, and the present link may be dead: the machine woke up, the network is back. */
  readonly woke$?: Observable<unknown>;
  /** Asks the peer of the present link for a sign of life. */
  readonly ping?: () => void;
  /** Emits at each sign of life of the present link (default: at each of its values). */
  readonly alive$?: Observable<unknown> | undefined;
  /** Whether this client does not read the peer at present. Then silence proves nothing. */
  readonly isHeld?: (() => boolean) | undefined;
  /** A value that says that the link is up. */
  readonly isUp: (value: T) => boolean;
  /** Why the peer ends the link, and how many ms it asks to wait, if this value says so; 0 ms leaves it to the client. */
  readonly farewell: (value: T) => Pick<Offline, 'reason' | 'retryMs'> | undefined;
  /** Whether an error ends it all. */
  readonly isFatal: (error: unknown, wasUp: boolean /* whether any link was ever up */) => boolean;
  /** A link that was up for so long, in ms, lets the next wait be a short one again. */
  readonly stable?: number;
}

/** Says that a link was over, within `reconnect`. */
const AGAIN = new Error('again');

/**
 * One link after another in, a link that comes back out: subscribes to `link$` anew whenever it is over.
 *
 * Whether a link completes or errors, an `offline` tells so, and the next one comes after a wait: `backoff`, or what the
 * peer asked for and up to half as much again; at that pace it is called upon for 5 s, for it may be restarting. The waits
 * grow until a link was up for `stable` ms. When `woke$` emits, a wait is over at once. A link that is up is probed
 * (`probe`): if the peer does not answer, the link is dropped and the next begins at once. A link that is not up yet
 * keeps its own time limits.
 *
 * It never completes. It errors with a link's error that is fatal, with `woke$`, and with what is injected and throws.
 * Unsubscribing lets go of the link or the wait, and of `woke$`, which is subscribed once for all of them.
 *
 * ```text
 * link    -w-a-#
 *                 -#
 *                      -w-b-
 *           reconnect(options)
 * out     -w-a-o---o----w-b-    o: offline
 * ```
 *
 * @example
 * import { type Observable } from 'rxjs';
 * import { type Heard, reconnect, RefusedError, woke } from 'rxchat/streams';
 *
 * const lasting = (conversation$: Observable<Heard>) =>
 *   conversation$.pipe(
 *     reconnect({
 *       random: () => Math.random(),
 *       now: () => performance.now(),
 *       woke$: woke({ now: () => performance.now() }),
 *       isUp: ({ type }) => type === 'welcome',
 *       farewell: (heard) => (heard.type === 'bye' ? heard : undefined),
 *       isFatal: (error, wasUp) => error instanceof RefusedError && !wasUp,
 *     }),
 *   );
 */
export const reconnect =
  <T>({
    random,
    now,
    woke$ = NEVER,
    ping = () => undefined,
    alive$,
    isHeld,
    isUp,
    farewell,
    isFatal,
    stable = 10_000,
  }: ReconnectOptions<T>): ((link$: Observable<T>) => Observable<T | Offline>) =>
  (link$) =>
    defer(() => {
      const wait = waits({ random });
      let failures = 0;
      let wasUp = false;
      let retryMs = 0;
      const begin = () => {
        failures = 0;
        wait.reset();
      };

      /** One link, from its beginning to its `offline`. */
      const once = (doubt$: Observable<unknown>) =>
        defer(() => {
          let reason: string | undefined;
          let upSince: number | undefined;
          let asked: ReturnType<typeof farewell>;
          let isDead = false;
          const value$ = new Subject<void>();
          const dead$ = doubt$.pipe(
            filter(() => upSince !== undefined),
            probe({ ping, alive$: alive$ ?? value$, ...(isHeld && { isHeld }) }),
            tap(() => (isDead = true)),
          );

          const linked$ = link$.pipe(
            catchError((error: unknown) => {
              if (isFatal(error, wasUp)) return throwError(() => error);
              reason = error instanceof Error ? error.message : String(error);
              return EMPTY;
            }),
            map((value) => {
              if (upSince === undefined && isUp(value)) {
                upSince = now();
                wasUp = true;
              }
              asked = farewell(value);
              value$.next();
              return value;
            }),
            takeUntil(dead$),
          );

          const offline = (): Offline => {
            if (isDead) {
              begin();
              retryMs = 0;
              return { type: 'offline', reason: 'the relay did not answer', retryMs, attempt: 1 };
            }
            if (upSince !== undefined && now() - upSince >= stable) begin();
            retryMs = wait.next(asked?.retryMs ?? 0);
            failures += 1;
            reason ??= asked?.reason ?? 'the relay closed the connection';
            return { type: 'offline', reason, retryMs, attempt: failures };
          };

          return concat(
            linked$,
            defer(() => of(offline())),
          );
        });

      return woke$.pipe(
        tap(begin),
        // Listened to without a break: a sleep is often over for a timer of the link before it is for `woke$`.
        connect((wokenUp$) => {
          // Always by a timer, also at once: a link that is over within its subscription must not grow the stack.
          // It is `repeat({ delay })`, which RxJS has from 7.6 on.
          return concat(
            once(wokenUp$),
            throwError(() => AGAIN),
          ).pipe(
            retry({
              delay: (error: unknown) => {
                if (error !== AGAIN) throw error;
                return merge(timer(retryMs), wokenUp$);
              },
            }),
          );
        }),
      );
    });
