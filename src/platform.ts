import type { Observable } from 'rxjs';
import type { Cipher, Hash, Identity } from '../streams/client/index.js';
import type { Connection, Verify } from '../streams/wire/index.js';
import type { RoomKeys } from './crypto/secret.js';
import type { Invite } from './invite/invite.js';

/**
 * All that a room needs of where it runs: ciphers, keys, a way to the relay, chance and time. `nodePlatform` is Node's;
 * `roomOn` and `connectOn` make the library of any.
 */
export interface Platform {
  /** The Fernet engine. */
  readonly cipher: () => Cipher;
  /** HKDF-SHA256 and Ed25519 of a room's secret. */
  readonly deriveRoomKeys: (secret: Uint8Array) => RoomKeys;
  /** A new Ed25519 key pair. */
  readonly createIdentity: () => Identity;
  /** The Ed25519 key pair of a seed of 32 bytes. */
  readonly signingKey: (seed: Uint8Array) => Identity;
  /** Whether an Ed25519 signature holds. */
  readonly verify: Verify;
  /** SHA-256. */
  readonly hash: Hash;
  /** Shows an access token over a join: HMAC-SHA256, base64url. */
  readonly showAccess: (token: string) => (message: Uint8Array) => string;
  /** Random bytes for secrets. */
  readonly randomBytes: (n: number) => Uint8Array;
  /** The way to the relay of an invite: emits one connection and completes, or errors. */
  readonly connect: (invite: Invite) => Observable<Connection>;
  /** Chance that is no secret, 0 <= x < 1: for waits. */
  readonly random: () => number;
  /** The time of day, in ms since 1970. For what people or others read, never for durations. */
  readonly now: () => number;
  /** A monotonic clock in ms, from any origin: for durations. Setting the time of day does not change it. */
  readonly monotonicNow: () => number;
  /** Emits when connections may be dead or a relay may be in reach again: the machine woke up, the network is back. */
  readonly resume$: Observable<unknown>;
}
