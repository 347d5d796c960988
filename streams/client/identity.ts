/** A person, as far as a room can tell: an Ed25519 key pair (RFC 8032), of which this shows the public half. */
export interface Identity {
  /** The public key: 32 bytes, base64url. */
  readonly key: string;
  /** Signs with the private key: 64 bytes, base64url. */
  readonly sign: (message: Uint8Array) => string;
}

export type { Hash } from '../wire/entryHash.js';
