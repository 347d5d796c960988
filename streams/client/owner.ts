import { fromBase64url } from '../wire/base64url.js';
import type { RoomName } from '../wire/handshake.js';
import { encodeText } from '../wire/utf8.js';
import type { Hash, Identity } from './identity.js';

export interface OwnerOptions {
  readonly room: RoomName;
  readonly hash: Hash;
  /** The Ed25519 key pair of a seed of 32 bytes. */
  readonly signingKey: (seed: Uint8Array) => Identity;
}

/**
 * Derives the key pair by which an identity shares its nick in one room with its other connections.
 *
 * The relay sees this key, and cannot tell whose identity it belongs to, or which key is the same person's in another
 * room. The seed is the hash of a signature that only the identity can make; that signature is never sent or kept. An
 * identity whose signatures differ each time has another key each time, and so shares its nick with nobody.
 *
 * @example
 * import { type Identity, ownerKey, type OwnerOptions } from 'rxchat/streams';
 *
 * const ownerOf = (identity: Identity, options: OwnerOptions) => ownerKey(identity, options).key;
 */
export const ownerKey = (identity: Identity, { room, hash, signingKey }: OwnerOptions): Identity => {
  const signature = fromBase64url(identity.sign(encodeText(`rxchat/1 owner seed\n${room}`)));
  if (signature === undefined) throw new TypeError('an identity has to sign in base64url');
  return signingKey(hash(signature));
};
