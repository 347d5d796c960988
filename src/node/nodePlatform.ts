import os from 'node:os';
import type { Observable, OperatorFunction } from 'rxjs';
import {
  detectWake,
  type ClientEvent,
  type OutgoingMessage,
  type Session,
} from '../../streams/client/index.js';
import type { Connection } from '../../streams/wire/index.js';
import { proveAccess } from '../crypto/accessToken.js';
import { nodeCipher } from '../crypto/nodeCipher.js';
import { randomBytes } from '../crypto/random.js';
import { createIdentity, deriveRoomKeys, signingKey, deriveKey } from '../crypto/nodeKeys.js';
import { nodeSuite } from '../crypto/nodeSuite.js';
import { sha256, verifySignature } from '../crypto/nodeVerify.js';
import { type Invite, createUnlockInvite, type LockedInvite } from '../invite/invite.js';
import { connectTcp } from '../net/tcp.js';
import { connectTls } from '../net/tls/tls.js';
import { trustAuthority, trustPin } from '../net/tls/trust.js';
import { connectNodeWebSocket } from '../net/websocket/nodeWebSocket.js';
import { inviteRelays } from '../platform/inviteRelays.js';
import type { Platform } from '../platform/platform.js';
import { isLoopback } from '../util/address.js';
import {
  createJoinRoom,
  type JoinRoomOptions,
  createOpenSession,
  type OpenSessionOptions,
} from '../platform/createJoinRoom.js';

/**
 * Connects to the relay of an invite.
 *
 * With a pin it uses TLS and requires this pin. Without a pin it uses plain TCP for this machine, else TLS with
 * a certificate of a trusted authority. A page link (`https`, `http`) uses a WebSocket. Errors with
 * `ConnectionError`, or with `TrustError` if it is another relay.
 */
export const connectTo = (invite: Invite): Observable<Connection> => {
  const accept = invite.pin === undefined ? trustAuthority(invite) : trustPin(invite.pin, invite);
  if (invite.web !== undefined) return connectNodeWebSocket(invite, accept);
  if (invite.pin !== undefined) return connectTls(invite, accept);
  return isLoopback(invite.host) ? connectTcp(invite) : connectTls(invite, accept);
};

/** Returns a monotonic time in ms. Unlike `performance.now()` on Linux it continues while the machine sleeps. */
const uptimeMs = (): number => {
  try {
    return os.uptime() * 1000;
  } catch {
    return performance.now();
  }
};

/** The platform of Node: `node:crypto`, TCP and TLS. */
export const nodePlatform: Platform = {
  cipher: nodeCipher,
  suite: () => nodeSuite(),
  deriveRoomKeys,
  createIdentity,
  signingKey,
  verify: verifySignature,
  hash: sha256,
  proveAccess,
  randomBytes,
  connect: connectTo,
  relayRotation: inviteRelays(() => Math.random()),
  random: () => Math.random(),
  now: () => Date.now(),
  monotonicNow: () => performance.now(),
  resume$: detectWake({ now: uptimeMs }),
};

/**
 * Joins a room: sends the messages of the source, and emits the events of the room.
 *
 * Cold: subscribing connects; unsubscribing sends `BYE` and closes. The source is subscribed after the
 * handshake. Messages are signed and encrypted before they are sent.
 *
 * Emits problems that do not end the room as values: `undecryptable` messages, `alarm` for misbehaviour, `offline`
 * for a lost connection. It reconnects and resends what is not stored. A message of more than 32 768 bytes is
 * reported as a value, and later messages are sent.
 *
 * Errors: `InviteError`; `ConnectionError` (never reached); `TrustError` (wrong relay); `RefusedError` (wrong
 * proof, nick taken); `ProtocolError` (not a relay). With `retry: false` it completes when the relay sends
 * `BYE`, and errors when the connection is lost.
 *
 * ```text
 * source   --------------hello------------------------------------
 *            joinRoom(invite, { nick })
 * events   ---welcome----queued---(message,stored)---offline---welcome---
 * ```
 *
 * @example
 * import { of } from 'rxjs';
 * import { createInvite, joinRoom } from 'rxchat';
 *
 * of('hello')
 *   .pipe(joinRoom(createInvite(), { nick: 'alice' }))
 *   .subscribe({ next: (event) => console.log(event.type), error: console.error });
 */
export const joinRoom: (
  invite: Invite | string,
  options: JoinRoomOptions,
) => OperatorFunction<string | OutgoingMessage, ClientEvent> = /* @__PURE__ */ createJoinRoom(nodePlatform);

/**
 * Opens a session: emits one `Session` immediately and stays in the room while subscribed.
 *
 * Cold: each subscription is a session of its own. Unsubscribing sends `BYE`, closes the socket, cancels timers
 * and pending attempts, and overwrites the room key. `signal` does the same and completes. Temporary failures
 * are reported as state; fatal ones error this stream, as with `joinRoom`. A message that cannot be decrypted
 * is a value.
 *
 * ```text
 *         openSession(invite, { nick })
 *         s-----------------------------------#
 * state$  c---u--o--------f----------c---o----(X|)   c: connecting, u: catching up, o: online, f: offline, X: closed
 * ```
 *
 * @example
 * import { switchMap } from 'rxjs';
 * import { createInvite, openSession } from 'rxchat';
 *
 * openSession(createInvite(), { nick: 'alice' })
 *   .pipe(switchMap(({ send }) => send('hello')))
 *   .subscribe({ next: ({ position }) => console.log(`stored at ${position}`), error: console.error });
 */
export const openSession: (invite: Invite | string, options: OpenSessionOptions) => Observable<Session> =
  /* @__PURE__ */ createOpenSession(nodePlatform);

/**
 * Unlocks an invite: derives its secret by scrypt (RFC 7914) from the passphrase, salted with the relay address
 * and the label. Takes about half a second and 128 MiB, off the event loop.
 *
 * Any passphrase gives an invite; a wrong one leads to another, empty room. Rejects with an `InviteError` if
 * the passphrase is empty.
 *
 * @example
 * import { createLockedInvite, unlockInvite } from 'rxchat';
 *
 * const locked = createLockedInvite({ label: 'book club' });
 * const invite = await unlockInvite(locked, 'seven words that nobody would guess so');
 */
export const unlockInvite: (locked: LockedInvite, passphrase: string) => Promise<Invite> =
  /* @__PURE__ */ createUnlockInvite(deriveKey);
