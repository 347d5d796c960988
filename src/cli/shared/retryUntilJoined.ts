import { concat, defer, EMPTY, type MonoTypeOperatorFunction, retry, tap, throwError, timer } from 'rxjs';
import type { ClientEvent } from '../../../streams/client/index.js';
import {
  ConnectionError,
  ProtocolError,
  RefusedError,
  TRANSIENT_CODES,
} from '../../../streams/wire/index.js';
import { type Flags, durationFlag } from '../args/flags.js';

const MAX_WAIT_MS = 24 * 86_400_000;

/** Delay, in ms, before the next attempt to reach the relay. */
const RETRY_MS = 500;

/** Returns the time in ms that `--wait` allows a relay to become reachable; 0 if it is not given. */
export const waitMsFromFlags = (flags: Flags): number => durationFlag(flags, 'wait', 0, MAX_WAIT_MS) ?? 0;

/** Marks, inside `retryUntilJoined`, a session that ended before its welcome. */
const ENDED_EARLY = new Error('ended');

const isTransient = (error: unknown): boolean =>
  error instanceof ConnectionError ||
  ((error instanceof RefusedError || error instanceof ProtocolError) && TRANSIENT_CODES.has(error.code));

/**
 * Resubscribes to a session that fails or ends before its first welcome. It retries for `ms` ms from the
 * first attempt, since the relay may still be starting. Passes on all other errors, and everything after the
 * welcome.
 *
 * ```text
 * event   -#    -|    --W--#      W: welcome
 *           retryUntilJoined(ms)
 *         ---------------W--#
 * ```
 */
export const retryUntilJoined =
  (ms: number, now: () => number = () => performance.now()): MonoTypeOperatorFunction<ClientEvent> =>
  (event$) =>
    defer(() => {
      const end = now() + ms;
      let hasJoined = false;
      const isWaiting = () => !hasJoined && now() < end;
      const attempt$ = event$.pipe(
        tap(({ type }) => {
          hasJoined ||= type === 'welcome';
        }),
      );
      return concat(
        attempt$,
        defer(() => (isWaiting() ? throwError(() => ENDED_EARLY) : EMPTY)),
      ).pipe(
        retry({
          delay: (error: unknown) =>
            error === ENDED_EARLY || (isWaiting() && isTransient(error))
              ? timer(RETRY_MS)
              : throwError(() => error),
        }),
      );
    });
