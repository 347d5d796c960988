import { defer, map, type Observable, of, type OperatorFunction, switchMap } from 'rxjs';
import {
  type Cipher,
  type Connection,
  conversation,
  type Heard,
  type Keyring,
  type Resume,
  type Say,
} from '../streams/index.js';
import { nodeCipher } from './crypto/nodeCipher.js';
import { randomText } from './crypto/random.js';
import { deriveRoomKeys } from './crypto/roomKeys.js';
import { type Invite, parseInvite } from './invite.js';
import { connectTcp } from './transport/tcp.js';

export interface RoomOptions {
  readonly nick: string;
  /** Read from after this position, instead of from now on. */
  readonly after?: Resume | undefined;
  /** Begin with this many of the newest entries, instead of from now on. */
  readonly last?: number | undefined;
  /** The Fernet engine; `node:crypto` where nothing is said. */
  readonly cipher?: Cipher;
  /** Another way to the relay than TCP to the invite's address. */
  readonly connect?: (invite: Invite) => Observable<Connection>;
}

/**
 * A room as an operator: what you say in, what you hear out.
 *
 * Cold: subscribing connects, unsubscribing says `BYE` and closes. What you say is subscribed once you are in; it is
 * encrypted before it leaves. A message that does not open is a value (`undecryptable`). Completes when the relay says
 * `BYE`. Errors: `InviteError`, `LinkError` (not reached, or lost), `RefusedError` (wrong proof, nick taken),
 * `LimitError` (a message too long), `ProtocolError` (no relay at the other end).
 *
 * ```text
 * say      --------------hello-----------------
 *            room(invite, { nick })
 * heard    ---welcome----said---(message,stored)---joined---(bye|)
 * ```
 *
 * @example
 * import { of } from 'rxjs';
 * import { createInvite, room } from 'rxchat';
 *
 * of('hello')
 *   .pipe(room(createInvite(), { nick: 'alice' }))
 *   .subscribe({ next: (heard) => console.log(heard.type), error: console.error });
 */
export const room =
  (
    invite: Invite | string,
    { nick, after, last, cipher = nodeCipher(), connect = connectTcp }: RoomOptions,
  ): OperatorFunction<string | Say, Heard> =>
  (say$) =>
    defer(() => {
      const where = typeof invite === 'string' ? parseInvite(invite) : invite;
      const { room: name, fernetKey, sign } = deriveRoomKeys(where.secret);
      const keyring: Keyring = { seal: fernetKey, open: [fernetKey] };
      return connect(where).pipe(
        switchMap((connection) =>
          say$.pipe(
            map((say) => (typeof say === 'string' ? { lines: [say] } : say)),
            conversation({
              connection,
              nick,
              room: name,
              session: randomText(16),
              sign,
              after,
              last,
              cipher,
              keyring$: of(keyring),
              now: Date.now,
            }),
          ),
        ),
      );
    });
