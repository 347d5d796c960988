import type { Observable, OperatorFunction } from 'rxjs';
import type { Heard, Say, Session } from '../../streams/client/index.js';
import { connectOn, type ConnectOptions } from '../connectOn.js';
import type { Invite } from '../invite/invite.js';
import { roomOn, type RoomOptions } from '../roomOn.js';
import { browserPlatform } from './browserPlatform.js';

/**
 * A room as an operator, in a browser: what you say in, what you hear out. `room` of `rxchat`, over a WebSocket, to the
 * relay of a page's link; it errors in the same ways.
 *
 * @example
 * import { of } from 'rxjs';
 * import { room } from 'rxchat/browser';
 *
 * const hello = (link: string) => of('hello').pipe(room(link, { nick: 'alice' }));
 */
export const room: (invite: Invite | string, options: RoomOptions) => OperatorFunction<string | Say, Heard> =
  roomOn(browserPlatform);

/**
 * A room as an object, in a browser: `connect` of `rxchat`, over a WebSocket.
 *
 * @example
 * import { switchMap } from 'rxjs';
 * import { connect } from 'rxchat/browser';
 *
 * const messages = (link: string) => connect(link, { nick: 'alice' }).pipe(switchMap(({ message$ }) => message$));
 */
export const connect: (invite: Invite | string, options: ConnectOptions) => Observable<Session> =
  connectOn(browserPlatform);
