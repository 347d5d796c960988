import {
  defer,
  EMPTY,
  exhaustMap,
  filter,
  map,
  merge,
  type Observable,
  type OperatorFunction,
  switchMap,
  takeUntil,
  timer,
} from 'rxjs';

export interface ProbeOptions {
  /** Asks the peer for a sign of life. */
  readonly ping: () => void;
  /** Emits at each sign of life of the peer. */
  readonly alive$: Observable<unknown>;
  /** How long the peer may take to answer, in ms (default 4000). */
  readonly answerMs?: number;
  /** Whether this client does not read the peer at present. Then silence proves nothing. */
  readonly isHeld?: () => boolean;
}

/** After a deadline that fires late, in ms: the event loop delivers what has arrived before this second timer fires. */
const LATE_MS = 100;

/**
 * Pings at each doubt about a link, and emits if the peer does not answer.
 *
 * A doubt is a sign that the link may be dead: the machine woke up, the network came back. Any sign of life within
 * `answerMs` settles it. A doubt during a ping joins that ping. A deadline that fires late, because the process was
 * stopped or a browser throttles timers, first leaves 100 ms to read an answer that has arrived already.
 *
 * Completes when both the doubts and the last ping are over. Errors if the doubts, `alive$`, `ping` or `isHeld` fail.
 * Unsubscribing stops the timer.
 *
 * ```text
 * doubt    --d---------d-------
 * ping     --p---------p-------
 * alive    ---a----------------
 *            probe({ ping, alive$, answerMs: 5 })
 * dead     -----------------x--   100 ms later
 * ```
 *
 * @example
 * import type { Observable } from 'rxjs';
 * import { type Connection, encodeText, probe } from 'rxchat/streams';
 *
 * const dead$ = (wakeUp$: Observable<unknown>, { chunk$: alive$, write }: Connection) =>
 *   wakeUp$.pipe(probe({ alive$, ping: () => write(encodeText('PING 0\n')) }));
 */
export const probe = ({
  ping,
  alive$,
  answerMs = 4000,
  isHeld = () => false,
}: ProbeOptions): OperatorFunction<unknown, void> =>
  exhaustMap(() =>
    merge(
      timer(answerMs).pipe(
        switchMap(() => timer(LATE_MS)),
        filter(() => !isHeld()),
        map(() => undefined),
      ),
      // Last: an answer may come within the call.
      defer(() => {
        ping();
        return EMPTY;
      }),
    ).pipe(takeUntil(alive$)),
  );
