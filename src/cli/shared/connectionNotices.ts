import {
  defer,
  distinctUntilChanged,
  EMPTY,
  filter,
  first,
  map,
  merge,
  NEVER,
  type Observable,
  of,
  startWith,
  switchMap,
  take,
  tap,
  timer,
} from 'rxjs';
import { takeUntilComplete } from '../../../streams/rx/takeUntilComplete.js';
import type { ClientEvent } from '../../../streams/client/index.js';
import type { Invite } from '../../invite/invite.js';
import { programName } from '../process/environment.js';
import { CliError, Exit } from '../process/exit.js';
import type { Receipts } from './receipts.js';

/**
 * Outages shorter than this, in ms, are not reported. Clients find a relay that restarts within 5 s after at
 * most another 1.5 s (see `retryDelays`); joining takes the rest.
 */
export const SHORT_OUTAGE_MS = 8000;

/**
 * Describes outages of the connection: emits `offline: ...` once an outage lasts, then `online again`. The
 * source has to be shared. Completes with its source.
 */
export const describeOutages =
  (shortOutageMs: number = SHORT_OUTAGE_MS) =>
  (event$: Observable<ClientEvent>): Observable<string> =>
    defer(() => {
      let isReported = false;
      let reason = '';
      return event$.pipe(
        tap((event) => {
          if (event.type === 'offline') reason = event.reason;
        }),
        filter(({ type }) => type === 'offline' || type === 'welcome'),
        map(({ type }) => type),
        distinctUntilChanged(),
        switchMap((type) => {
          if (type === 'welcome') {
            const wasReported = isReported;
            isReported = false;
            return wasReported ? of('online again') : EMPTY;
          }
          return timer(shortOutageMs).pipe(
            map(() => {
              isReported = true;
              return `offline: ${reason}; reconnecting`;
            }),
          );
        }),
        takeUntilComplete(event$),
      );
    });

/**
 * Emits a warning if the room is empty. A wrong passphrase causes no error because it is the right passphrase
 * of another, empty room.
 */
export const describeNewRoom =
  ({ label }: Invite) =>
  (event$: Observable<ClientEvent>): Observable<string> =>
    event$.pipe(
      first(({ type }) => type === 'welcome', null),
      filter((event) => label !== undefined && event?.type === 'welcome' && event.next === 1),
      map(() => `room ${label} is empty with this passphrase; check it for typos`),
    );

/** Emits what to report about the room and its connection. The source has to be shared. */
export const describeConnection =
  (invite: Invite) =>
  (event$: Observable<ClientEvent>): Observable<string> =>
    merge(event$.pipe(describeNewRoom(invite)), event$.pipe(describeOutages()));

/** Options of `receiptTimeout`. */
interface ReceiptTimeoutOptions {
  /** Whether the client has stopped reading from the relay. */
  readonly isPaused?: () => boolean;
  /** Additional time, in ms, that the relay may take to become reachable. */
  readonly waitMs?: number;
}

/**
 * Errors if sent lines, or the join itself, make no progress for `timeoutMs` ms (0: never). Time during which
 * the relay is not read does not count. Emits nothing and never completes, so that `takeUntil` passes the
 * error on.
 */
export const receiptTimeout =
  (
    receipts: Receipts,
    timeoutMs: number,
    { isPaused = () => false, waitMs = 0 }: ReceiptTimeoutOptions = {},
  ) =>
  (event$: Observable<ClientEvent>): Observable<never> =>
    defer(() => {
      let reason = 'the relay does not answer';
      let hasJoined = false;
      return event$.pipe(
        tap((event) => {
          if (event.type === 'offline') reason = event.reason;
        }),
        map(({ type }) => {
          hasJoined ||= type === 'welcome';
          return hasJoined && receipts.sent <= receipts.stored ? -1 : receipts.stored;
        }),
        // The timeout covers connecting and the handshake, too.
        startWith(0),
        distinctUntilChanged(),
        switchMap((stored) =>
          stored < 0 || timeoutMs === 0
            ? NEVER
            : timer(hasJoined ? timeoutMs : timeoutMs + waitMs, timeoutMs).pipe(
                filter(() => !isPaused()),
                map(() => {
                  throw new CliError(Exit.network, `no receipt for ${timeoutMs / 1000} s: ${reason}`);
                }),
              ),
        ),
      );
    });

/** Emits a note if the log has no keys of the group, so that this client has to wait for a member. */
export const describeMissingKeys = (event$: Observable<ClientEvent>): Observable<string> =>
  event$.pipe(
    filter(({ type }) => type === 'no-group-info'),
    take(1),
    map(() => 'the log of the room has no keys of the group; waiting until a member is online'),
  );

/**
 * Errors if the group has no keys for this sender `timeoutMs` ms after the log was found to have none (0: never). Emits
 * nothing, so that `takeUntil` passes the error on.
 */
export const groupKeysTimeout =
  (timeoutMs: number, { hasKeys }: { readonly hasKeys: () => boolean }) =>
  (event$: Observable<ClientEvent>): Observable<never> =>
    event$.pipe(
      filter(({ type }) => type === 'no-group-info'),
      take(1),
      switchMap(() => (timeoutMs === 0 ? NEVER : timer(timeoutMs))),
      filter(() => !hasKeys()),
      map(() => {
        throw new CliError(
          Exit.network,
          `no member was online for ${timeoutMs / 1000} s, and the log has no keys of the group`,
          `start ${programName()} listen as a member, then send again`,
        );
      }),
    );
