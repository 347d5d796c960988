import type { Observable } from 'rxjs';
import type { Session } from '../streams/client/index.js';
import { connectOn, type ConnectOptions } from './connectOn.js';
import type { Invite } from './invite/invite.js';
import { nodePlatform } from './nodePlatform.js';

/**
 * A room as an object: emits one `Session` at once, and stays in the room for as long as it is subscribed.
 *
 * Cold: nothing happens before it is subscribed, and each subscription is a session of its own. Unsubscribing says `BYE`,
 * closes the socket, cancels timers and pending attempts, and overwrites the room's key; `signal` does the same and
 * completes. Trouble that passes is state; fatal trouble is the error of this stream, as with `room`; a message that does
 * not open is a value.
 *
 * ```text
 *         connect(invite, { nick })
 *         s-----------------------------------#
 * state$  c---u--o--------f----------c---o----(X|)   c: connecting, u: catching up, o: online, f: offline, X: closed
 * ```
 *
 * @example
 * import { switchMap } from 'rxjs';
 * import { connect, createInvite } from 'rxchat';
 *
 * connect(createInvite(), { nick: 'alice' })
 *   .pipe(switchMap(({ say }) => say('hello')))
 *   .subscribe({ next: ({ position }) => console.log(`stored at ${position}`), error: console.error });
 */
export const connect: (invite: Invite | string, options: ConnectOptions) => Observable<Session> =
  connectOn(nodePlatform);
