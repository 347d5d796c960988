import { concat, defer, EMPTY, type MonoTypeOperatorFunction, retry, tap, throwError, timer } from 'rxjs';
import type { Heard } from '../../streams/client/index.js';
import { LinkError, ProtocolError, RefusedError } from '../../streams/wire/index.js';
import { type Flags, span } from './flags.js';

const LONGEST_WAIT = 24 * 86_400_000;

/** How long to wait, in ms, before the next attempt to reach a relay that is not there yet. */
const PACE = 500;

/** `--wait`: how long, in ms, a relay may take until it is there. */
export const readWait = (flags: Flags): number => span(flags, 'wait', 0, LONGEST_WAIT) ?? 0;

/** Says within `waitingFor` that a conversation ended before its welcome. */
const ENDED = new Error('ended');

/** What a relay answers that is just starting, or has no time yet. */
const PASSING: ReadonlySet<string> = new Set(['storage', 'internal', 'timeout', 'busy']);

const mayPass = (error: unknown): boolean =>
  error instanceof LinkError ||
  ((error instanceof RefusedError || error instanceof ProtocolError) && PASSING.has(error.code));

/**
 * Subscribes again to a conversation that fails or ends before its first welcome, for `ms` from the first attempt on: the
 * relay may not be there yet, or may be restarting. Passes every other error on, and whatever comes after the welcome.
 *
 * ```text
 * heard   -#    -|    --W--#      W: welcome
 *           waitingFor(ms)
 *         ---------------W--#
 * ```
 */
export const waitingFor =
  (ms: number, now: () => number = () => performance.now()): MonoTypeOperatorFunction<Heard> =>
  (heard$) =>
    defer(() => {
      const end = now() + ms;
      let wasIn = false;
      const isWaiting = () => !wasIn && now() < end;
      const attempt$ = heard$.pipe(
        tap(({ type }) => {
          wasIn ||= type === 'welcome';
        }),
      );
      return concat(
        attempt$,
        defer(() => (isWaiting() ? throwError(() => ENDED) : EMPTY)),
      ).pipe(
        retry({
          delay: (error: unknown) =>
            error === ENDED || (isWaiting() && mayPass(error)) ? timer(PACE) : throwError(() => error),
        }),
      );
    });
