import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { join } from 'node:path';
import { toBase64url } from '../../streams/wire/index.js';
import { IdentityError } from './errors.js';
import { createOwnFile, readOwnFile } from './ownFile.js';

/** Who somebody is: one Ed25519 key, for all rooms. */
export interface Identity {
  /** The public key; 32 bytes in base64url. */
  readonly key: string;
  /** Signs (RFC 8032, pure, no context); 64 bytes in base64url. */
  readonly sign: (message: Uint8Array) => string;
}

/** Where the identity is kept in the directory for data. */
export const identityFile = (dir: string): string => join(dir, 'identity.pem');

/**
 * The identity that is kept in a directory; made where there is none yet, once, however many processes ask at the same
 * time. Throws `IdentityError`; never replaces a file.
 *
 * @example
 * import { openIdentity } from 'rxchat';
 *
 * const { key, sign } = openIdentity('/home/alice/.local/share/rxchat');
 */
export const openIdentity = (dir: string): Identity => {
  const path = identityFile(dir);
  const found = readOwnFile(path);
  if (found !== undefined) return identityOf(readKey(path, found));
  createOwnFile(path, pemOf(generateKeyPairSync('ed25519').privateKey));
  // Of those who make it at once one wins: what counts is what the file says.
  return identityOf(readKey(path, readOwnFile(path) ?? ''));
};

const identityOf = (privateKey: KeyObject): Identity => ({
  key: createPublicKey(privateKey).export({ format: 'jwk' }).x ?? '',
  sign: (message) => toBase64url(sign(null, message, privateKey)),
});

/** The private key, and the public one, by which a damaged private key is noticed. */
const pemOf = (privateKey: KeyObject): string =>
  `${privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()}${createPublicKey(privateKey)
    .export({ format: 'pem', type: 'spki' })
    .toString()}`;

const readKey = (path: string, text: string): KeyObject => {
  const key = parseKey(text);
  if (key?.asymmetricKeyType !== 'ed25519' || pemOf(key) !== text)
    throw new IdentityError(
      'damaged',
      `the identity in ${path} is damaged, or rxchat did not make it`,
      'put a backup in its place, or move it away to become somebody new',
    );
  return key;
};

const parseKey = (text: string): KeyObject | undefined => {
  try {
    return createPrivateKey(text);
  } catch {
    return undefined;
  }
};
