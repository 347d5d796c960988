import type { Observable, OperatorFunction } from 'rxjs';
import type { ClientEvent, OutgoingMessage, Session } from '../../streams/client/index.js';
import type { Invite } from '../invite/invite.js';
import {
  createJoinRoom,
  createOpenSession,
  type JoinRoomOptions,
  type OpenSessionOptions,
} from '../platform/createJoinRoom.js';
import type { Platform } from '../platform/platform.js';
import { keyRoomPlatform } from './keyRoomPlatform.js';
import { nobleSuite } from './nobleSuite.js';

/**
 * The platform of a browser. It uses JavaScript cryptography only, so it is synchronous and works without a
 * secure context.
 */
export const browserPlatform: Platform = { ...keyRoomPlatform, suite: () => nobleSuite() };

/**
 * Joins a room from a browser, as `joinRoom` of `rxchat` does, over a WebSocket to the relay of a page link.
 * Errors in the same ways.
 *
 * @example
 * import { of } from 'rxjs';
 * import { joinRoom } from 'rxchat/browser';
 *
 * const hello = (link: string) => of('hello').pipe(joinRoom(link, { nick: 'alice' }));
 */
export const joinRoom: (
  invite: Invite | string,
  options: JoinRoomOptions,
) => OperatorFunction<string | OutgoingMessage, ClientEvent> =
  /* @__PURE__ */ createJoinRoom(browserPlatform);

/**
 * Opens a session from a browser, as `openSession` of `rxchat` does, over a WebSocket.
 *
 * @example
 * import { switchMap } from 'rxjs';
 * import { openSession } from 'rxchat/browser';
 *
 * const messages = (link: string) => openSession(link, { nick: 'alice' }).pipe(switchMap(({ message$ }) => message$));
 */
export const openSession: (invite: Invite | string, options: OpenSessionOptions) => Observable<Session> =
  /* @__PURE__ */ createOpenSession(browserPlatform);
