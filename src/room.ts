import { defer, map, merge, NEVER, type Observable, of, type OperatorFunction } from 'rxjs';
import {
  type Cipher,
  type Connection,
  conversation,
  type Heard,
  type Identity,
  type Keyring,
  type Resume,
  type Said,
  type Say,
  woke,
} from '../streams/index.js';
import { showAccess } from './crypto/accessToken.js';
import { nodeCipher } from './crypto/nodeCipher.js';
import { randomText } from './crypto/random.js';
import { deriveRoomKeys } from './crypto/roomKeys.js';
import { sha256 } from './crypto/sha256.js';
import { createIdentity } from './crypto/signingKey.js';
import { verifySignature } from './crypto/verifySignature.js';
import type { Invite } from './invite/invite.js';
import { parseInvite } from './invite/text.js';
import { connectTo } from './transport/connect.js';

export interface RoomOptions {
  readonly nick: string;
  /** Other nicks to go by from then on. */
  readonly nick$?: Observable<string> | undefined;
  /** Who you are: what signs what you say. Where nothing is said, somebody new each time. */
  readonly identity?: Identity | undefined;
  /** The keys of nicks that are known from before; yours is among them where an `identity` is given. */
  readonly known?: ReadonlyMap<string, string> | undefined;
  /** Read from after this position, instead of from now on. */
  readonly after?: Resume | undefined;
  /** Begin with this many of the newest entries, instead of from now on. */
  readonly last?: number | undefined;
  /** The Fernet engine; `node:crypto` where nothing is said. */
  readonly cipher?: Cipher;
  /** Another way to the relay than `connectTo`. */
  readonly connect?: (invite: Invite) => Observable<Connection>;
  /** Whether a connection that is lost is made again; it is, where nothing else is said. */
  readonly retry?: boolean;
  /** Tries a relay that is away at once when it emits, instead of at the end of a wait. */
  readonly retry$?: Observable<unknown> | undefined;
  /** Half the longest silence of the relay that is taken, in ms; 15 s. */
  readonly heartbeat?: number | undefined;
  /** Whether the connection is paused at present: then the silence of the relay is one's own. */
  readonly isHeld?: (() => boolean) | undefined;
  /** The session of an earlier run, and what it said that has no receipt: it is continued. */
  readonly restored?: { readonly session: string; readonly said: readonly Said[] } | undefined;
  /** The access token of a private relay; it is not sent, only shown to be there. */
  readonly accessToken?: string | undefined;
  /** 16 random bytes, base64url, by which the relay knows who comes back; to be kept secret. */
  readonly session?: string;
}

/**
 * A room as an operator: what you say in, what you hear out.
 *
 * Cold: subscribing connects, unsubscribing says `BYE` and closes. What you say is subscribed once you are in; it is
 * signed and encrypted before it leaves. A message that does not open is a value (`undecryptable`), and so is what a relay
 * or a member does that none ought to (`alarm`), and a connection that is lost (`offline`): it is made again, and what is
 * not stored is sent again. Errors: `InviteError`; `LinkError` (never reached); `TrustError` (another relay than it should
 * be); `RefusedError` (wrong proof, nick taken); `LimitError` (a message too long); `ProtocolError` (no relay at
 * the other end). With `retry: false` it completes when the relay says `BYE`, and errors when the connection is lost.
 *
 * ```text
 * say      --------------hello----------------------------------
 *            room(invite, { nick })
 * heard    ---welcome----said---(message,stored)---offline---welcome---
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
    {
      nick,
      nick$,
      identity,
      known,
      after,
      last,
      cipher = nodeCipher(),
      connect = connectTo,
      retry = true,
      retry$ = NEVER,
      heartbeat,
      isHeld,
      restored,
      session,
      accessToken,
    }: RoomOptions,
  ): OperatorFunction<string | Say, Heard> =>
  (say$) =>
    defer(() => {
      const where = typeof invite === 'string' ? parseInvite(invite) : invite;
      const { room: name, fernetKey, sign } = deriveRoomKeys(where.secret);
      const keyring: Keyring = { seal: fernetKey, open: [fernetKey] };
      return say$.pipe(
        map((say) => (typeof say === 'string' ? { lines: [say] } : say)),
        conversation({
          connect$: defer(() => connect(where)),
          retry: retry ? { random: Math.random, woke$: merge(woke({ now: Date.now }), retry$) } : undefined,
          nick,
          nick$,
          room: name,
          // For each subscription another one: the relay lets a session take its own place over.
          session: session ?? restored?.session ?? randomText(16),
          run: randomText(16),
          sign,
          access: accessToken === undefined ? undefined : showAccess(accessToken),
          identity: identity ?? createIdentity(),
          known: identity === undefined ? known : new Map([...(known ?? []), [nick, identity.key]]),
          verify: verifySignature,
          hash: sha256,
          after,
          last,
          restored: restored?.said ?? [],
          ...(heartbeat !== undefined && { heartbeat }),
          ...(isHeld !== undefined && { isHeld }),
          cipher,
          keyring$: of(keyring),
          now: Date.now,
        }),
      );
    });
