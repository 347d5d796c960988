import { ed25519, ED25519_TORSION_SUBGROUP } from '@noble/curves/ed25519.js';
import { describe, expect, test } from '@jest/globals';
import { verifySignature as inPage } from '../../src/browser/verifySignature.js';
import { isSmallOrder } from '../../src/crypto/smallOrder.js';
import { verifySignature } from '../../src/crypto/verifySignature.js';
import { createIdentity } from '../../src/browser/signingKey.js';
import { toBase64url } from '../../streams/wire/base64url.js';

const P = 2n ** 255n - 19n;
const SIGN = 2n ** 255n;
const littleEndian = (number: bigint) =>
  Uint8Array.from({ length: 32 }, (_, at) => Number((number >> BigInt(8 * at)) & 255n));
const numberOf = (bytes: Uint8Array) => bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);

/** y of the eight points, in each way in which 255 bits can spell it, with either sign. */
const spellings = ED25519_TORSION_SUBGROUP.map((hex) => numberOf(Buffer.from(hex, 'hex')) & (SIGN - 1n))
  .flatMap((y) => [y, y + P])
  .filter((y) => y < SIGN)
  .flatMap((y) => [littleEndian(y), littleEndian(y + SIGN)])
  .map(toBase64url);

describe('a key of small order', () => {
  test('there are fourteen spellings', () => {
    expect(new Set(spellings).size).toBe(14);
  });

  test.each(spellings)('is known: %s', (key) => {
    expect(isSmallOrder(key)).toBe(true);
  });

  test('no other key is taken for one', () => {
    expect(isSmallOrder(toBase64url(ed25519.Point.BASE.toBytes()))).toBe(false);
    for (let n = 0; n < 100; n += 1) expect(isSmallOrder(createIdentity().key)).toBe(false);
    for (let y = 2n; y < 19n; y += 1n) expect(isSmallOrder(toBase64url(littleEndian(P + y)))).toBe(false);
  });

  test('signs nothing, in Node or in a page', () => {
    const neutral = littleEndian(1n);
    // 0 times the base is what this key times any number is; so it held, whatever was said.
    const signature = toBase64url(Buffer.concat([neutral, littleEndian(0n)]));
    for (const verify of [verifySignature, inPage])
      expect(verify(toBase64url(neutral), Buffer.from('anything'), signature)).toBe(false);
  });
});
