import { defer, type Observable, type OperatorFunction, switchMap } from 'rxjs';
import { type ClientEvent, type OutgoingMessage, session, type Session } from '../../streams/client/index.js';
import type { Invite } from '../invite/invite.js';
import { type JoinRoomOptions, requireGroupOptions } from './clientOptions.js';
import { createJoinRoomWith, type JoinRoom, takeUntilAborted } from './createJoinRoomWith.js';
import { joinKeyRoom } from './joinKeyRoom.js';
import type { Platform } from './platform.js';

export type { JoinRoomOptions } from './clientOptions.js';

/** Loads the code of group rooms only for the invite of one. */
const joinAnyRoom: JoinRoom = (platform, invite, options) => {
  if (invite.group === undefined) return joinKeyRoom(platform, invite, options);
  requireGroupOptions(options);
  return (message$) =>
    defer(() => import('./joinGroupRoom.js')).pipe(
      switchMap(({ joinGroupRoom }) => message$.pipe(joinGroupRoom(platform, invite, options))),
    );
};

/** Creates `joinRoom` for a platform. The keys of a key room are overwritten when the room ends or is unsubscribed. */
export const createJoinRoom: (
  platform: Platform,
) => (
  invite: Invite | string,
  options: JoinRoomOptions,
) => OperatorFunction<string | OutgoingMessage, ClientEvent> =
  /* @__PURE__ */ createJoinRoomWith(joinAnyRoom);

export interface OpenSessionOptions extends JoinRoomOptions {
  /** Maximum number of messages without a receipt. Default 1024. */
  readonly maxPending?: number;
}

/** Creates `openSession` for a platform. */
export const createOpenSession = (
  platform: Platform,
): ((invite: Invite | string, options: OpenSessionOptions) => Observable<Session>) => {
  const joinRoom = createJoinRoom(platform);
  return (invite, { maxPending, signal, ...options }) =>
    session({
      room: joinRoom(invite, options),
      now: platform.now,
      ...(maxPending !== undefined && { maxPending }),
    }).pipe(takeUntilAborted(signal));
};
