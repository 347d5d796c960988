import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { fromBase64url, type Verify } from '../../streams/wire/index.js';
import { isSame } from './isSame.js';

const { Point } = ed25519;
const { Fn } = Point;

/**
 * Ed25519 (RFC 8032), by the arithmetic of `@noble/curves`.
 *
 * A member can make signatures of which one library says that they hold and another that they do not, and then clients
 * would not agree on what was said. So this is the equation of OpenSSL, which `verifySignature` on Node has: R is computed
 * again, without the cofactor, and compared as bytes. `ed25519.verify` multiplies by the cofactor, and is wider.
 */
export const verifySignature: Verify = (key, message, signature) => {
  const raw = fromBase64url(key);
  const bytes = fromBase64url(signature);
  if (raw?.length !== 32 || bytes?.length !== 64) return false;
  try {
    const r = bytes.subarray(0, 32);
    const s = numberOf(bytes.subarray(32));
    if (s >= Fn.ORDER) return false;
    const hash = sha512.create().update(r).update(raw).update(message).digest();
    const k = Fn.create(numberOf(hash));
    const point = Point.fromBytes(raw, true);
    return isSame(Point.BASE.multiplyUnsafe(s).subtract(point.multiplyUnsafe(k)).toBytes(), r);
  } catch {
    return false;
  }
};

/** Little-endian, as all numbers of Ed25519. */
const numberOf = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((number, byte) => number * 256n + BigInt(byte), 0n);
