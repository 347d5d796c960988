import { ed25519, ED25519_TORSION_SUBGROUP } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isSame } from '../../../src/browser/isSame.js';
import * as noble from '../../../src/browser/keys.js';
import { safetyNumber as safetyNumberInPage } from '../../../src/browser/safetyNumber.js';
import { createIdentity, signingKey } from '../../../src/browser/signingKey.js';
import { verifySignature } from '../../../src/browser/verifySignature.js';
import { showAccess } from '../../../src/crypto/accessToken.js';
import { deriveRoomKeys } from '../../../src/crypto/roomKeys.js';
import { sha256 } from '../../../src/crypto/sha256.js';
import { signingKey as nodeSigningKey } from '../../../src/crypto/signingKey.js';
import { verifySignature as nodeVerifySignature } from '../../../src/crypto/verifySignature.js';
import { safetyNumber } from '../../../src/identity/safetyNumber.js';
import { toBase64url } from '../../../streams/wire/base64url.js';

const seed = fc.uint8Array({ minLength: 32, maxLength: 32 });
const message = fc.uint8Array({ maxLength: 200 });
const numRuns = 50;

/** What both say of it, which has to be the same. */
const verified = (key: string, bytes: Uint8Array, signature: string): boolean => {
  const told = verifySignature(key, bytes, signature);
  expect(told).toBe(nodeVerifySignature(key, bytes, signature));
  return told;
};

describe('keys in JavaScript are those of node:crypto', () => {
  test('signing keys and signatures', () => {
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

  test('a key outlives its seed, which may be overwritten', () => {
    const each = new Uint8Array(32).fill(7);
    const { key, sign } = signingKey(each);
    each.fill(0);
    expect(verified(key, each, sign(each))).toBe(true);
  });

  test("a room's keys, hashes, and what is shown of an access token", () => {
    fc.assert(
      fc.property(seed, message, fc.string({ minLength: 16 }), (secret, bytes, token) => {
        const [one, other] = [noble.deriveRoomKeys(secret), deriveRoomKeys(secret)];
        expect(one.room).toBe(other.room);
        expect(Buffer.from(one.fernetKey)).toStrictEqual(Buffer.from(other.fernetKey));
        expect(one.sign(bytes)).toBe(other.sign(bytes));
        expect(Buffer.from(noble.sha256(bytes))).toStrictEqual(Buffer.from(sha256(bytes)));
        expect(noble.showAccess(token)(bytes)).toBe(showAccess(token)(bytes));
      }),
      { numRuns },
    );
  });

  test('safety numbers', () => {
    const [one, other] = [createIdentity().key, createIdentity().key];
    expect(safetyNumberInPage(one, other)).toBe(safetyNumber(other, one));
    expect(() => safetyNumberInPage(one, 'x')).toThrow(TypeError);
  });
});

test('signatures are checked as well after more keys than are kept, and again', () => {
  const people = Array.from({ length: 40 }, createIdentity);
  for (let round = 0; round < 3; round += 1)
    for (const { key, sign } of people) {
      const said = new Uint8Array([round]);
      expect(verified(key, said, sign(said))).toBe(true);
      expect(verified(key, new Uint8Array([9]), sign(said))).toBe(false);
    }
});

describe('a signature that does not hold, or that libraries may see differently, is judged as by node:crypto', () => {
  const { key, sign } = signingKey(new Uint8Array(32).fill(1));
  const bytes = new Uint8Array([1, 2, 3]);
  const signature = Buffer.from(sign(bytes), 'base64url');

  test('any bit flipped', () => {
    for (let at = 0; at < 64; at += 1) {
      const each = Uint8Array.from(signature);
      each[at]! ^= 1 << (at % 8);
      expect(verified(key, bytes, toBase64url(each))).toBe(false);
    }
  });

  test('anything at all', () => {
    fc.assert(
      fc.property(seed, message, fc.uint8Array({ minLength: 64, maxLength: 64 }), (each, said, any) => {
        verified(toBase64url(each), said, toBase64url(any));
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

  test('the same number, spelled a whole order larger', () => {
    const s = numberOf(signature.subarray(32)) + Fn.ORDER;
    const twin = Buffer.concat([signature.subarray(0, 32), bytesOf(s)]);
    expect(verified(key, bytes, toBase64url(twin))).toBe(false);
  });

  test('keys and commitments with a part of small order, which a check with the cofactor takes', () => {
    const told: boolean[] = [];
    for (const torsion of ED25519_TORSION_SUBGROUP) {
      const small = Point.fromHex(torsion, true);
      // A signer who knows its scalar, and adds something of small order to its key or to its commitment.
      const scalar = 12345n;
      const nonce = 67890n;
      for (const [a, r] of [
        [Point.BASE.multiply(scalar).add(small), Point.BASE.multiply(nonce)],
        [Point.BASE.multiply(scalar), Point.BASE.multiply(nonce).add(small)],
        [small, small],
      ] as const) {
        const [A, R] = [a.toBytes(), r.toBytes()];
        for (let n = 0; n < 8; n += 1) {
          const said = new Uint8Array([n]);
          const k = Fn.create(numberOf(sha512(Buffer.concat([R, A, said]))));
          const s = Fn.create(nonce + k * scalar);
          for (const each of [s, 0n])
            told.push(verified(toBase64url(A), said, toBase64url(Buffer.concat([R, bytesOf(each)]))));
        }
      }
    }
    // Both answers were there, or this would say nothing.
    expect(new Set(told)).toStrictEqual(new Set([true, false]));
  });

  test('keys that are spelled in another way than theirs', () => {
    const p = 2n ** 255n - 19n;
    for (let y = 0n; y < 19n; y += 1n)
      for (const sign of [0n, 1n << 255n]) {
        const spelled = toBase64url(bytesOf(p + y + sign));
        for (const each of [toBase64url(signature), toBase64url(Buffer.concat([bytesOf(1n), bytesOf(0n)]))])
          verified(spelled, bytes, each);
      }
    // x = 0 with a sign, which is no number.
    for (const each of [bytesOf(1n + (1n << 255n)), bytesOf(p - 1n + (1n << 255n))])
      verified(toBase64url(each), bytes, toBase64url(Buffer.concat([bytesOf(1n), bytesOf(0n)])));
  });
});

test('bytes are compared whole', () => {
  fc.assert(
    fc.property(message, message, (one, other) => {
      expect(isSame(one, other)).toBe(Buffer.from(one).equals(Buffer.from(other)));
      expect(isSame(one, Uint8Array.from(one))).toBe(true);
    }),
  );
});
