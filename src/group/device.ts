import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Identity } from '../../streams/client/index.js';
import { createDevice, MAX_LABEL_BYTES } from '../../streams/client/group/credential.js';
import type { Device } from '../../streams/client/group/index.js';
import { encodeText, fromBase64url, toBase64url } from '../../streams/wire/index.js';
import { nodeSuite } from '../crypto/nodeSuite.js';
import { SEED_BYTES } from '../crypto/roomKeys.js';
import { createPrivateFile, IdentityError, readPrivateFile } from '../identity/privateFile.js';

/** The label of a device whose host name has no visible character. */
const DEFAULT_LABEL = 'device';

const { ed25519, randomBytes } = nodeSuite();

/** Returns the path of the signature key of the device in a directory. */
export const devicePath = (dir: string): string => join(dir, 'device-signature.key');

/**
 * Loads the device of a directory, or creates its Ed25519 key pair if the file does not exist. If several processes
 * try, one creates it.
 *
 * The identity certifies the key and the label each time. Throws `IdentityError`; never replaces a file. The
 * directory must not be copied to another machine: two machines with one key are one member, and each makes the other
 * lose messages.
 *
 * @param dir the state directory.
 */
export const loadDevice = (dir: string, identity: Identity, label: string = hostname()): Device => {
  const path = devicePath(dir);
  if (readPrivateFile(path) === undefined) createPrivateFile(path, formatSeed(randomBytes(SEED_BYTES)));
  // Several processes may create it; the file decides.
  const seed = parseSeed(readPrivateFile(path) ?? '');
  if (seed === undefined)
    throw new IdentityError(
      'damaged',
      `the device's signature key in ${path} is damaged, or was not created by rxchat`,
      'move it away; this device then joins its group rooms as another one',
    );
  return createDevice(ed25519.signingKey(seed), identity, deviceLabel(label));
};

/** Creates a device with a new key pair that is not stored, for a client that is no member of any group. */
export const createTransientDevice = (identity: Identity): Device =>
  createDevice(ed25519.signingKey(randomBytes(SEED_BYTES)), identity, DEFAULT_LABEL);

/**
 * Returns the label of a device: a text without invisible characters, cut to 64 bytes between two characters. An empty
 * text becomes `device`.
 */
export const deviceLabel = (text: string): string => {
  const visible = text
    .normalize('NFKC')
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, '');
  let label = '';
  let sizeBytes = 0;
  for (const { segment } of new Intl.Segmenter().segment(visible.trim())) {
    sizeBytes += encodeText(segment).length;
    if (sizeBytes > MAX_LABEL_BYTES) break;
    label += segment;
  }
  return label.trim() || DEFAULT_LABEL;
};

/** Formats the seed and the public key. The public key makes damage of the seed detectable. */
const formatSeed = (seed: Uint8Array): string =>
  `${toBase64url(seed)} ${toBase64url(ed25519.signingKey(seed).publicKey)}\n`;

const parseSeed = (text: string): Uint8Array | undefined => {
  const seed = fromBase64url(text.split(' ')[0] ?? '');
  return seed?.length === SEED_BYTES && formatSeed(seed) === text ? seed : undefined;
};
