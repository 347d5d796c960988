import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { fromBase64url, type Verify } from '../../streams/wire/index.js';
import { isSmallOrder } from '../crypto/smallOrder.js';
import { isSame } from './isSame.js';

const { Point } = ed25519;
const { Fn } = Point;

/** So many keys are kept, with a table of multiples from their second signature on: most come from the same few. */
const KEPT = 32;
const WINDOW = 4;
const points = new Map<string, { readonly point: InstanceType<typeof Point>; uses: number }>();

const pointOf = (key: string, raw: Uint8Array): InstanceType<typeof Point> => {
  const kept = points.get(key) ?? { point: Point.fromBytes(raw, true), uses: 0 };
  kept.uses += 1;
  if (kept.uses === 2) kept.point.precompute(WINDOW, false);
  points.delete(key);
  points.set(key, kept);
  const [oldest] = points.keys();
  if (points.size > KEPT && oldest !== undefined) points.delete(oldest);
  return kept.point;
};

/**
 * Ed25519 (RFC 8032), by the arithmetic of `@noble/curves`.
 *
 * A member can make signatures of which one library says that they hold and another that they do not, and then clients
 * would not agree on what was said. So this is the equation of OpenSSL, which `verifySignature` on Node has: R is computed
 * again, without the cofactor, and compared as bytes. `ed25519.verify` multiplies by the cofactor, and is wider. Under a key
 * of small order nothing holds.
 */
export const verifySignature: Verify = (key, message, signature) => {
  const raw = fromBase64url(key);
  const bytes = fromBase64url(signature);
  if (raw?.length !== 32 || bytes?.length !== 64 || isSmallOrder(key)) return false;
  try {
    const r = bytes.subarray(0, 32);
    const s = numberOf(bytes.subarray(32));
    if (s >= Fn.ORDER) return false;
    const hash = sha512.create().update(r).update(raw).update(message).digest();
    const k = Fn.create(numberOf(hash));
    const point = pointOf(key, raw);
    return isSame(Point.BASE.multiplyUnsafe(s).subtract(point.multiplyUnsafe(k)).toBytes(), r);
  } catch {
    return false;
  }
};

/** Little-endian, as all numbers of Ed25519. */
const numberOf = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((number, byte) => number * 256n + BigInt(byte), 0n);
