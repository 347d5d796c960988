import { ed25519, ED25519_TORSION_SUBGROUP } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as noble from '../../../src/browser/nobleKeys.js';
import {
  createIdentity,
  safetyNumber as safetyNumberInPage,
  signingKey,
} from '../../../src/browser/nobleKeys.js';
import { verifySignature } from '../../../src/browser/nobleKeys.js';
import { proveAccess } from '../../../src/crypto/accessToken.js';
import { deriveRoomKeys, safetyNumber, signingKey as nodeSigningKey } from '../../../src/crypto/nodeKeys.js';
import { sha256, verifySignature as nodeVerifySignature } from '../../../src/crypto/nodeVerify.js';
import { toBase64url } from '../../../streams/wire/encoding.js';

const seed = fc.uint8Array({ minLength: 32, maxLength: 32 });
const message = fc.uint8Array({ maxLength: 200 });
const numRuns = 50;

/** Verifies with both implementations, which must agree. */
const verified = (key: string, bytes: Uint8Array, signature: string): boolean => {
  const reported = verifySignature(key, bytes, signature);
  expect(reported).toBe(nodeVerifySignature(key, bytes, signature));
  return reported;
};

describe('the JavaScript cryptography agrees with node:crypto', () => {
  test('signing keys and signatures are equal', () => {
    fc.assert(
      fc.property(seed, message, (each, bytes) => {
        const [one, other] = [signingKey(each), nodeSigningKey(each)];
        expect(one.key).toBe(other.key);
        const signature = one.sign(bytes);
        expect(signature).toBe(other.sign(bytes));
        expect(verified(one.key, bytes, signature)).toBe(true);
      }),
      { numRuns },
    );
    expect(() => signingKey(new Uint8Array(31))).toThrow(TypeError);
    expect(createIdentity().key).not.toBe(createIdentity().key);
  });

  test('a signing key works after its seed was overwritten', () => {
    const each = new Uint8Array(32).fill(7);
    const { key, sign } = signingKey(each);
    each.fill(0);
    expect(verified(key, each, sign(each))).toBe(true);
  });

  test('room keys, hashes and access proofs are equal', () => {
    fc.assert(
      fc.property(seed, message, fc.string({ minLength: 16 }), (secret, bytes, token) => {
        const [one, other] = [noble.deriveRoomKeys(secret), deriveRoomKeys(secret)];
        expect(one.room).toBe(other.room);
        expect(Buffer.from(one.fernetKey)).toStrictEqual(Buffer.from(other.fernetKey));
        expect(one.sign(bytes)).toBe(other.sign(bytes));
        expect(Buffer.from(noble.sha256(bytes))).toStrictEqual(Buffer.from(sha256(bytes)));
        expect(noble.proveAccess(token)(bytes)).toBe(proveAccess(token)(bytes));
      }),
      { numRuns },
    );
  });

  test('safety numbers are equal', () => {
    const [one, other] = [createIdentity().key, createIdentity().key];
    expect(safetyNumberInPage(one, other)).toBe(safetyNumber(other, one));
    expect(() => safetyNumberInPage(one, 'x')).toThrow(TypeError);
  });
});

test('signatures verify the same after the key cache evicted the key', () => {
  const clients = Array.from({ length: 40 }, createIdentity);
  for (let round = 0; round < 3; round += 1)
    for (const { key, sign } of clients) {
      const sent = new Uint8Array([round]);
      expect(verified(key, sent, sign(sent))).toBe(true);
      expect(verified(key, new Uint8Array([9]), sign(sent))).toBe(false);
    }
});

describe('an invalid or ambiguous signature gets the verdict of node:crypto', () => {
  const { key, sign } = signingKey(new Uint8Array(32).fill(1));
  const bytes = new Uint8Array([1, 2, 3]);
  const signature = Buffer.from(sign(bytes), 'base64url');

  test('a signature with a flipped bit is judged equally', () => {
    for (let at = 0; at < 64; at += 1) {
      const each = Uint8Array.from(signature);
      each[at]! ^= 1 << (at % 8);
      expect(verified(key, bytes, toBase64url(each))).toBe(false);
    }
  });

  test('random input is judged equally', () => {
    fc.assert(
      fc.property(seed, message, fc.uint8Array({ minLength: 64, maxLength: 64 }), (each, sent, any) => {
        verified(toBase64url(each), sent, toBase64url(any));
      }),
      { numRuns },
    );
    for (const wrong of ['', 'x', '€'.repeat(86)]) {
      expect(verified(key, bytes, wrong)).toBe(false);
      expect(verified(wrong, bytes, toBase64url(signature))).toBe(false);
    }
  });

  const { Point } = ed25519;
  const { Fn } = Point;
  const numberOf = (all: Uint8Array) => all.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
  const bytesOf = (number: bigint) =>
    Uint8Array.from({ length: 32 }, (_, at) => Number((number >> BigInt(8 * at)) & 255n));

  test('a number that is larger by the group order is judged equally', () => {
    const s = numberOf(signature.subarray(32)) + Fn.ORDER;
    const twin = Buffer.concat([signature.subarray(0, 32), bytesOf(s)]);
    expect(verified(key, bytes, toBase64url(twin))).toBe(false);
  });

  test('keys and commitments with a component of small order are judged equally', () => {
    const reported: boolean[] = [];
    for (const torsion of ED25519_TORSION_SUBGROUP) {
      const small = Point.fromHex(torsion, true);
      // A signer who knows its scalar, and adds a point of small order to its key or its commitment.
      const scalar = 12345n;
      const nonce = 67890n;
      for (const [a, r] of [
        [Point.BASE.multiply(scalar).add(small), Point.BASE.multiply(nonce)],
        [Point.BASE.multiply(scalar), Point.BASE.multiply(nonce).add(small)],
        [small, small],
      ] as const) {
        const [A, R] = [a.toBytes(), r.toBytes()];
        for (let n = 0; n < 8; n += 1) {
          const sent = new Uint8Array([n]);
          const k = Fn.create(numberOf(sha512(Buffer.concat([R, A, sent]))));
          const s = Fn.create(nonce + k * scalar);
          for (const each of [s, 0n])
            reported.push(verified(toBase64url(A), sent, toBase64url(Buffer.concat([R, bytesOf(each)]))));
        }
      }
    }
    // Both results occurred, or else this would prove nothing.
    expect(new Set(reported)).toStrictEqual(new Set([true, false]));
  });

  test('keys in a non-canonical encoding are judged equally', () => {
    const p = 2n ** 255n - 19n;
    for (let y = 0n; y < 19n; y += 1n)
      for (const sign of [0n, 1n << 255n]) {
        const spelled = toBase64url(bytesOf(p + y + sign));
        for (const each of [toBase64url(signature), toBase64url(Buffer.concat([bytesOf(1n), bytesOf(0n)]))])
          verified(spelled, bytes, each);
      }
    // x = 0 with a sign bit, which encodes no point.
    for (const each of [bytesOf(1n + (1n << 255n)), bytesOf(p - 1n + (1n << 255n))])
      verified(toBase64url(each), bytes, toBase64url(Buffer.concat([bytesOf(1n), bytesOf(0n)])));
  });
});
