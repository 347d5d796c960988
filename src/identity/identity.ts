import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import type { Identity } from '../../streams/client/index.js';
import { identityOf } from '../crypto/signingKey.js';
import { IdentityError } from './errors.js';
import { createOwnFile, readOwnFile } from './ownFile.js';

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

/** Where the private key ends, and the public one begins. */
const END = '-----END PRIVATE KEY-----\n';

const parseKey = (text: string): KeyObject | undefined => {
  try {
    // The private key alone: not every runtime passes over what comes after it.
    return createPrivateKey(text.slice(0, text.indexOf(END) + END.length));
  } catch {
    return undefined;
  }
};
