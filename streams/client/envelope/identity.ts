import { encodeText, fromBase64url } from '../../wire/encoding.js';
import type { Sha256 } from '../../wire/fields.js';
import type { RoomName } from '../../wire/handshake.js';

export type { Sha256 } from '../../wire/fields.js';

/** An Ed25519 key pair (RFC 8032) that identifies a person to a room. */
export interface Identity {
  /** The public key: 32 bytes, base64url. */
  readonly key: string;
  /** Signs with the private key: 64 bytes, base64url. */
  readonly sign: (message: Uint8Array) => string;
}

export interface OwnerKeyOptions {
  readonly room: RoomName;
  readonly hash: Sha256;
  /** Derives an Ed25519 key pair from a seed of 32 bytes. */
  readonly signingKey: (seed: Uint8Array) => Identity;
}

/**
 * Derives the key pair with which several connections of an identity share a nick in a room.
 *
 * The relay sees this public key. It cannot tell whose identity the key belongs to, nor link it to the key of the same
 * person in another room. The seed is the hash of a signature that only the identity can make. That signature is neither
 * sent nor stored. An identity with randomized signatures gets another key each time, and cannot share its nick.
 *
 * @example
 * import type { Identity } from 'rxchat/streams';
 * import { deriveOwnerKey, type OwnerKeyOptions } from './identity.js';
 *
 * const ownerOf = (identity: Identity, options: OwnerKeyOptions) => deriveOwnerKey(identity, options).key;
 */
export const deriveOwnerKey = (identity: Identity, { room, hash, signingKey }: OwnerKeyOptions): Identity => {
  const signature = fromBase64url(identity.sign(encodeText(`rxchat/1 owner seed\n${room}`)));
  if (signature === undefined) throw new TypeError('an identity has to sign in base64url');
  return signingKey(hash(signature));
};
