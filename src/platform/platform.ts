import type { Observable } from 'rxjs';
import type { CryptoSuite } from '../../streams/client/group/index.js';
import type { Cipher, Identity, RelayRotation } from '../../streams/client/index.js';
import type { Connection, Verify, Sha256 } from '../../streams/wire/index.js';
import type { RoomKeys } from '../crypto/roomKeys.js';
import type { Invite } from '../invite/invite.js';

/**
 * Everything that a room needs from its environment: ciphers, keys, a connection to the relay, randomness and
 * time. `nodePlatform` is the one of Node. `createJoinRoom` and `createOpenSession` create the library for any
 * platform.
 */
export interface Platform {
  /** Creates the Fernet cipher. */
  readonly cipher: () => Cipher;
  /** Creates the primitives of group rooms. */
  readonly suite: () => CryptoSuite;
  /** Derives the keys of a room by HKDF-SHA256 and Ed25519. */
  readonly deriveRoomKeys: (secret: Uint8Array) => RoomKeys;
  /** Creates a new Ed25519 key pair. */
  readonly createIdentity: () => Identity;
  /** Creates the Ed25519 key pair of a 32-byte seed. */
  readonly signingKey: (seed: Uint8Array) => Identity;
  /** Verifies an Ed25519 signature. */
  readonly verify: Verify;
  /** Computes SHA-256. */
  readonly hash: Sha256;
  /** Proves possession of an access token for one join: HMAC-SHA256 in base64url. */
  readonly proveAccess: (token: string) => (message: Uint8Array) => string;
  /** Returns random bytes for secrets. */
  readonly randomBytes: (n: number) => Uint8Array;
  /** Connects to the relay of an invite: emits one connection and completes, or errors. */
  readonly connect: (invite: Invite) => Observable<Connection>;
  /** Creates the rotation of the relays of an invite, or returns `undefined` if it has one. By default the first is used. */
  readonly relayRotation?: (
    invite: Invite,
    connect: (invite: Invite) => Observable<Connection>,
  ) => RelayRotation | undefined;
  /** Returns a random number that is not secret, 0 <= x < 1, for retry delays. */
  readonly random: () => number;
  /** Returns the time of day in ms since 1970. It is displayed or sent, never used for durations. */
  readonly now: () => number;
  /** Returns a monotonic time in ms for durations. Setting the clock does not change it. */
  readonly monotonicNow: () => number;
  /**
   * Emits when connections may be dead or a relay may be reachable again: the machine woke up, or the network
   * is back.
   */
  readonly resume$: Observable<unknown>;
}
