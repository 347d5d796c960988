import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { fromBase64url, type Verify } from '../../streams/wire/index.js';

/** DER before a raw Ed25519 public key (RFC 8410), which is how `node:crypto` takes one. */
const PUBLIC_DER = Buffer.from('302a300506032b6570032100', 'hex');

/** How many keys are kept as `node:crypto` wants them: to make one takes a good part of the time of a check. */
const KEPT = 256;
const keys = new Map<string, KeyObject>();

const keyObject = (key: string, raw: Uint8Array): KeyObject => {
  const object =
    keys.get(key) ?? createPublicKey({ key: Buffer.concat([PUBLIC_DER, raw]), format: 'der', type: 'spki' });
  keys.delete(key);
  keys.set(key, object);
  const [oldest] = keys.keys();
  if (keys.size > KEPT && oldest !== undefined) keys.delete(oldest);
  return object;
};

/** Ed25519 by `node:crypto`. */
export const verifySignature: Verify = (key, message, signature) => {
  const raw = fromBase64url(key);
  const bytes = fromBase64url(signature);
  if (raw?.length !== 32 || bytes?.length !== 64) return false;
  try {
    return verify(null, message, keyObject(key, raw), bytes);
  } catch {
    return false;
  }
};
