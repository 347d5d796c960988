import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { fromBase64url, type Sha256, type Verify } from '../../streams/wire/index.js';
import { lruMap } from '../../streams/rx/lruMap.js';
import { isSmallOrder } from './publicKeys.js';

/** Computes SHA-256 with `node:crypto`. */
export const sha256: Sha256 = (bytes) => createHash('sha256').update(bytes).digest();

/** Number of cached key objects. Creating one takes a good part of the time of a verification. */
const MAX_CACHED_KEYS = 256;
const cachedKeys = lruMap<string, KeyObject>(MAX_CACHED_KEYS);

const cachedKey = (key: string): KeyObject => {
  // As JWK, since OpenSSL takes twenty times as long to parse DER.
  const object =
    cachedKeys.get(key) ?? createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key }, format: 'jwk' });
  cachedKeys.set(key, object);
  return object;
};

/** Verifies Ed25519 signatures (RFC 8032) with `node:crypto`. Rejects keys of small order. */
export const verifySignature: Verify = (key, message, signature) => {
  const keyBytes = fromBase64url(key);
  const signatureBytes = fromBase64url(signature);
  return keyBytes?.length === 32 && signatureBytes !== undefined && verifyWith(key, message, signatureBytes);
};

/** As `verifySignature`, for a key and a signature in bytes. */
export const verifyBytes = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean =>
  publicKey.length === 32 && verifyWith(Buffer.from(publicKey).toString('base64url'), message, signature);

const verifyWith = (key: string, message: Uint8Array, signature: Uint8Array): boolean => {
  if (signature.length !== 64 || isSmallOrder(key)) return false;
  try {
    return verify(null, message, cachedKey(key), signature);
  } catch {
    return false;
  }
};
