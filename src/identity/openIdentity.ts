import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import type { Identity } from '../../streams/client/index.js';
import { identityFromKey } from '../crypto/nodeKeys.js';
import { IdentityError, createPrivateFile, readPrivateFile } from './privateFile.js';

/** Returns the path of the identity in the data directory. */
export const identityPath = (dir: string): string => join(dir, 'identity.pem');

/**
 * Loads the identity of a directory, or creates it if the file does not exist. If several processes try, one creates
 * it. Throws
 * `IdentityError`; never replaces a file.
 *
 * @example
 * import { openIdentity } from 'rxchat';
 *
 * const { key, sign } = openIdentity('/home/alice/.local/share/rxchat');
 */
export const openIdentity = (dir: string): Identity => {
  const path = identityPath(dir);
  const found = readPrivateFile(path);
  if (found !== undefined) return identityFromKey(parseIdentity(path, found));
  createPrivateFile(path, formatPem(generateKeyPairSync('ed25519').privateKey));
  // Several processes may create it; the file decides.
  return identityFromKey(parseIdentity(path, readPrivateFile(path) ?? ''));
};

/** Formats the private key and the public key. The public key makes damage of the private key detectable. */
const formatPem = (privateKey: KeyObject): string =>
  `${privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()}${createPublicKey(privateKey)
    .export({ format: 'pem', type: 'spki' })
    .toString()}`;

const parseIdentity = (path: string, text: string): KeyObject => {
  const key = parseKey(text);
  if (key?.asymmetricKeyType !== 'ed25519' || formatPem(key) !== text)
    throw new IdentityError(
      'damaged',
      `the identity in ${path} is damaged, or was not created by rxchat`,
      'restore a backup, or move it away to get a new identity',
    );
  return key;
};

/** End of the private key; the public key follows. */
const PRIVATE_KEY_END = '-----END PRIVATE KEY-----\n';

const parseKey = (text: string): KeyObject | undefined => {
  try {
    // Only the private key, since not every runtime ignores what follows it.
    return createPrivateKey(text.slice(0, text.indexOf(PRIVATE_KEY_END) + PRIVATE_KEY_END.length));
  } catch {
    return undefined;
  }
};
