import { ed25519 } from '@noble/curves/ed25519.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { scryptAsync } from '@noble/hashes/scrypt.js';
import { sha256 as hash, sha512 } from '@noble/hashes/sha2.js';
import type { Identity } from '../../streams/client/index.js';
import {
  constantTimeEqualBytes,
  encodeText,
  toBase64url,
  type Sha256,
  fromBase64url,
  type Verify,
} from '../../streams/wire/index.js';
import {
  type DeriveKey,
  checkSeed,
  createDeriveRoomKeys,
  type RoomKeys,
  SECRET_BYTES,
  SEED_BYTES,
} from '../crypto/roomKeys.js';
import { randomBytes } from '../crypto/random.js';
import { createSafetyNumber, isSmallOrder } from '../crypto/publicKeys.js';
import { createUnlockInvite, type Invite, type LockedInvite } from '../invite/invite.js';
import { lruMap } from '../../streams/rx/lruMap.js';

/** Creates an Ed25519 key pair (RFC 8032) from a 32-byte seed. */
export const signingKey = (seed: Uint8Array): Identity => {
  checkSeed(seed);
  const seedCopy = Uint8Array.from(seed);
  return {
    key: toBase64url(ed25519.getPublicKey(seedCopy)),
    sign: (message) => toBase64url(ed25519.sign(message, seedCopy)),
  };
};

/** Creates a new random identity. */
export const createIdentity = (): Identity => signingKey(randomBytes(SEED_BYTES));

/** Computes SHA-256 in JavaScript. */
export const sha256: Sha256 = (bytes) => hash(bytes);

/** Derives the keys of a room in JavaScript, as `deriveRoomKeys` of `rxchat` does. */
export const deriveRoomKeys: (secret: Uint8Array) => RoomKeys = createDeriveRoomKeys(
  (secret, label) => hkdf(hash, secret, undefined, encodeText(label), 32),
  signingKey,
);

/** Proves possession of an access token for one join: HMAC-SHA256 in base64url. The token itself is never sent. */
export const proveAccess =
  (token: string) =>
  (message: Uint8Array): string =>
    toBase64url(hmac(hash, encodeText(token), message));

/** Computes the safety number of two keys in JavaScript, as `safetyNumber` of `rxchat` does. */
export const safetyNumber: (a: string, b: string) => string = /* @__PURE__ */ createSafetyNumber((a, b) =>
  sha512.create().update(a).update(b).digest(),
);

const MIB = 2 ** 20;

const deriveKey: DeriveKey = (passphrase, salt, { logN, r, p }) =>
  scryptAsync(passphrase, salt, { N: 2 ** logN, r, p, dkLen: SECRET_BYTES, maxmem: 1024 * MIB });

/**
 * Unlocks an invite in JavaScript, as `unlockInvite` of `rxchat` does. Takes some seconds and 128 MiB, and
 * yields to the page meanwhile.
 */
export const unlockInvite: (invite: LockedInvite, passphrase: string) => Promise<Invite> =
  /* @__PURE__ */ createUnlockInvite(deriveKey);

type Point = InstanceType<typeof ed25519.Point>;

/** Number of cached keys. From its second signature on, a cached key has a table of multiples. */
const MAX_CACHED_KEYS = 32;
const WINDOW_BITS = 4;
const cachedPoints = /* @__PURE__ */ lruMap<string, { readonly point: Point; uses: number }>(MAX_CACHED_KEYS);

const cachedPoint = (key: string, raw: Uint8Array): Point => {
  const cached = cachedPoints.get(key) ?? { point: ed25519.Point.fromBytes(raw, true), uses: 0 };
  cached.uses += 1;
  if (cached.uses === 2) cached.point.precompute(WINDOW_BITS, false);
  cachedPoints.set(key, cached);
  return cached.point;
};

/**
 * Verifies Ed25519 signatures (RFC 8032) with the arithmetic of `@noble/curves`.
 *
 * A member can craft signatures that one library accepts and another rejects, and clients would disagree about
 * the messages. So this uses the equation of OpenSSL, as `verifySignature` on Node does. It recomputes R
 * without the cofactor and compares the bytes. `ed25519.verify` multiplies by the cofactor and accepts more
 * signatures. Keys of small order are rejected.
 */
export const verifySignature: Verify = (key, message, signature) => {
  const keyBytes = fromBase64url(key);
  const signatureBytes = fromBase64url(signature);
  if (keyBytes?.length !== 32 || signatureBytes?.length !== 64 || isSmallOrder(key)) return false;
  try {
    const { Point } = ed25519;
    const { Fn } = Point;
    const r = signatureBytes.subarray(0, 32);
    const s = parseLittleEndian(signatureBytes.subarray(32));
    if (s >= Fn.ORDER) return false;
    const hash = sha512.create().update(r).update(keyBytes).update(message).digest();
    const k = Fn.create(parseLittleEndian(hash));
    const point = cachedPoint(key, keyBytes);
    return constantTimeEqualBytes(
      Point.BASE.multiplyUnsafe(s).subtract(point.multiplyUnsafe(k)).toBytes(),
      r,
    );
  } catch {
    return false;
  }
};

/** Parses a little-endian number, as Ed25519 encodes all numbers. */
const parseLittleEndian = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((number, byte) => number * 256n + BigInt(byte), 0n);
