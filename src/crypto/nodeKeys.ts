import {
  createHash,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  scrypt,
  sign,
} from 'node:crypto';
import { promisify } from 'node:util';
import type { Identity } from '../../streams/client/index.js';
import { encodeText, toBase64url } from '../../streams/wire/index.js';
import {
  type DeriveKey,
  checkSeed,
  createDeriveRoomKeys,
  type RoomKeys,
  SECRET_BYTES,
  SEED_BYTES,
} from './roomKeys.js';
import { createSafetyNumber } from './publicKeys.js';

/** DER prefix of a raw Ed25519 private key (RFC 8410), as `node:crypto` requires. */
const PRIVATE_DER = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Creates an Ed25519 key pair (RFC 8032) from a 32-byte seed. */
export const signingKey = (seed: Uint8Array): Identity => identityFromKey(privateKeyFrom(seed));

/** Creates an Ed25519 private key (RFC 8032) from a 32-byte seed. */
export const privateKeyFrom = (seed: Uint8Array): KeyObject => {
  checkSeed(seed);
  const der = Buffer.concat([PRIVATE_DER, seed]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  return privateKey;
};

/** Wraps an Ed25519 private key as an identity. */
export const identityFromKey = (privateKey: KeyObject): Identity => ({
  key: createPublicKey(privateKey).export({ format: 'jwk' }).x ?? '',
  sign: (message) => toBase64url(sign(null, message, privateKey)),
});

/** Creates a new random identity. */
// Not by `generateKeyPairSync`: if its garbage is collected during an export as JWK, Node 20 waits for itself forever.
export const createIdentity = (): Identity => signingKey(randomBytes(SEED_BYTES));

/**
 * Derives the keys of a room from its 32-byte secret by HKDF-SHA256 (RFC 5869), without salt and with one label
 * per key.
 */
export const deriveRoomKeys: (secret: Uint8Array) => RoomKeys = createDeriveRoomKeys(
  (secret, label) => Buffer.from(hkdfSync('sha256', secret, '', label, 32)),
  signingKey,
);

const scryptAsync = /* @__PURE__ */ promisify<string, Uint8Array, number, Record<string, number>, Buffer>(
  scrypt,
);

/** Derives a key by scrypt from `node:crypto`. Takes at least 128 MiB. */
export const deriveKey: DeriveKey = async (passphrase, salt, { logN, r, p }) => {
  const N = 2 ** logN;
  const bytes = await scryptAsync(passphrase, encodeText(salt), SECRET_BYTES, {
    N,
    r,
    p,
    // The memory that RFC 7914 requires, plus what OpenSSL adds.
    maxmem: 128 * r * (N + p + 64),
  });
  return new Uint8Array(bytes);
};

/**
 * Computes the number that two people compare to verify each other's keys. It has 60 digits in 12 groups of 5,
 * in the same order for both. Each half belongs to one person, as in the safety numbers of Signal. Throws a
 * `TypeError` if a key is not 32 bytes in base64url.
 *
 * @example
 * import { safetyNumber } from 'rxchat';
 *
 * safetyNumber('A'.repeat(43), `${'_'.repeat(42)}8`); // '36173 65863 88325 ...'
 */
export const safetyNumber: (a: string, b: string) => string = /* @__PURE__ */ createSafetyNumber((a, b) =>
  createHash('sha512').update(a).update(b).digest(),
);
