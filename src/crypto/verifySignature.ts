import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { fromBase64url, type Verify } from '../../streams/wire/index.js';
import { isSmallOrder } from './smallOrder.js';

/** How many keys are kept as `node:crypto` wants them: to make one takes a good part of the time of a check. */
const KEPT = 256;
const keys = new Map<string, KeyObject>();

const keyObject = (key: string): KeyObject => {
  // As JWK: OpenSSL takes twenty times as long to read the DER of one.
  const object =
    keys.get(key) ?? createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key }, format: 'jwk' });
  keys.delete(key);
  keys.set(key, object);
  const [oldest] = keys.keys();
  if (keys.size > KEPT && oldest !== undefined) keys.delete(oldest);
  return object;
};

/** Ed25519 (RFC 8032) by `node:crypto`; under a key of small order nothing holds. */
export const verifySignature: Verify = (key, message, signature) => {
  const raw = fromBase64url(key);
  const bytes = fromBase64url(signature);
  if (raw?.length !== 32 || bytes?.length !== 64 || isSmallOrder(key)) return false;
  try {
    return verify(null, message, keyObject(key), bytes);
  } catch {
    return false;
  }
};
