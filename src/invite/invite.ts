import { type Address, DEFAULT_ADDRESS } from '../address.js';
import { randomBytes } from '../crypto/random.js';
import { SECRET_BYTES } from '../crypto/secret.js';

/** What lets somebody into a room: where its relay is, and its secret. */
export interface Invite extends Address {
  readonly secret: Uint8Array;
  /** The SHA-256 of the relay's public key, base64url: the relay speaks TLS, and it alone is the right one. */
  readonly pin?: string | undefined;
  /** The relay is reached by WebSocket, where its page is: over TLS (`https`) or in the clear. */
  readonly web?: 'https' | 'http' | undefined;
  /** What the room is called, where a passphrase made the secret. */
  readonly label?: string | undefined;
}

/** An invite cannot be read. The message says what is wrong with it and holds nothing of its secret. */
export class InviteError extends Error {
  override readonly name = 'InviteError';
}

/** A new room at a relay, which may have a pin. Needs no network: a room is its secret. */
export const createInvite = (relay: Omit<Invite, 'secret'> = DEFAULT_ADDRESS): Invite => ({
  ...relay,
  secret: randomBytes(SECRET_BYTES),
});
