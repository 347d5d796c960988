import { ed25519, ED25519_TORSION_SUBGROUP } from '@noble/curves/ed25519.js';
import { describe, expect, test } from '@jest/globals';
import { verifySignature as inPage, createIdentity } from '../../../src/browser/nobleKeys.js';
import { isSmallOrder } from '../../../src/crypto/publicKeys.js';
import { verifySignature } from '../../../src/crypto/nodeVerify.js';
import { toBase64url } from '../../../streams/wire/encoding.js';

const P = 2n ** 255n - 19n;
const SIGN = 2n ** 255n;
const littleEndian = (number: bigint) =>
  Uint8Array.from({ length: 32 }, (_, at) => Number((number >> BigInt(8 * at)) & 255n));
const numberOf = (bytes: Uint8Array) => bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);

/** y of the eight points, in each encoding with 255 bits, with either sign. */
const spellings = ED25519_TORSION_SUBGROUP.map((hex) => numberOf(Buffer.from(hex, 'hex')) & (SIGN - 1n))
  .flatMap((y) => [y, y + P])
  .filter((y) => y < SIGN)
  .flatMap((y) => [littleEndian(y), littleEndian(y + SIGN)])
  .map(toBase64url);

describe('a key of small order', () => {
  test('the table has fourteen encodings', () => {
    expect(new Set(spellings).size).toBe(14);
  });

  test.each(spellings)('isSmallOrder recognizes %s', (key) => {
    expect(isSmallOrder(key)).toBe(true);
  });

  test('isSmallOrder accepts no other key', () => {
    expect(isSmallOrder(toBase64url(ed25519.Point.BASE.toBytes()))).toBe(false);
    for (let n = 0; n < 100; n += 1) expect(isSmallOrder(createIdentity().key)).toBe(false);
    for (let y = 2n; y < 19n; y += 1n) expect(isSmallOrder(toBase64url(littleEndian(P + y)))).toBe(false);
  });

  test('no signature verifies under it, in Node or in a page', () => {
    const neutral = littleEndian(1n);
    // This key times any number is 0 times the base, so a naive check would accept any message.
    const signature = toBase64url(Buffer.concat([neutral, littleEndian(0n)]));
    for (const verify of [verifySignature, inPage])
      expect(verify(toBase64url(neutral), Buffer.from('anything'), signature)).toBe(false);
  });
});
