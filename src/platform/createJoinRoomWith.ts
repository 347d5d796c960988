import {
  catchError,
  defer,
  identity,
  map,
  type MonoTypeOperatorFunction,
  Observable,
  type OperatorFunction,
  takeUntil,
} from 'rxjs';
import type { ClientEvent, OutgoingMessage } from '../../streams/client/index.js';
import { RefusedError } from '../../streams/wire/index.js';
import type { Invite } from '../invite/invite.js';
import { parseInvite } from '../invite/inviteText.js';
import type { JoinRoomOptions } from './clientOptions.js';
import type { Platform } from './platform.js';

/** Emits once the signal is aborted, immediately if it already is. Unsubscribing removes the listener. */
const fromAbort = (signal: AbortSignal): Observable<void> =>
  new Observable((subscriber) => {
    const abort = () => {
      subscriber.next();
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort);
    return () => {
      signal.removeEventListener('abort', abort);
    };
  });

/**
 * Unsubscribes from the source and completes when the signal is aborted. Without a signal it passes everything
 * on.
 */
export const takeUntilAborted = <T>(signal: AbortSignal | undefined): MonoTypeOperatorFunction<T> =>
  signal === undefined ? identity : takeUntil(fromAbort(signal));

/** Joins the room of an invite on a platform. */
export type JoinRoom = (
  platform: Platform,
  invite: Invite,
  options: JoinRoomOptions,
) => OperatorFunction<OutgoingMessage, ClientEvent>;

/** Creates `joinRoom` for a platform from the way to join a room. */
export const createJoinRoomWith =
  (join: JoinRoom) =>
  (platform: Platform) =>
  (
    invite: Invite | string,
    options: JoinRoomOptions,
  ): OperatorFunction<string | OutgoingMessage, ClientEvent> =>
  (message$) =>
    defer(() => {
      const parsedInvite = typeof invite === 'string' ? parseInvite(invite) : invite;
      return message$.pipe(
        map((message) => (typeof message === 'string' ? { lines: [message] } : message)),
        join(platform, parsedInvite, options),
        catchError((error: unknown) => {
          throw options.identity === undefined ? withNickHint(error) : error;
        }),
        takeUntilAborted(options.signal),
      );
    });

/** Adds a hint: without an `identity`, each subscription is another person and cannot share a nick. */
const withNickHint = (error: unknown): unknown =>
  error instanceof RefusedError && error.code === 'nick-taken'
    ? new RefusedError(
        error.code,
        `${error.message}; if another subscription of yours uses it, share that one, or pass the same identity to both`,
      )
    : error;
