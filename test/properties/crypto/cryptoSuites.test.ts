import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { nobleSuite } from '../../../src/browser/nobleSuite.js';
import { nodeSuite } from '../../../src/crypto/nodeSuite.js';
import type { CryptoSuite } from '../../../streams/client/group/index.js';
import {
  flipBit,
  fromHex,
  hex,
  seededRandom,
  SMALL_ORDER_X25519_KEYS,
  SUITES,
} from '../../support/cryptoSuites.js';

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const text = fc.uint8Array({ maxLength: 300 });
const [node, noble] = [nodeSuite(), nobleSuite()];

/** Computes a value with both suites, which have to agree. */
const agreed = (compute: (suite: CryptoSuite) => Uint8Array | undefined): string | undefined => {
  const [one, other] = [node, noble].map((suite) => {
    const value = compute(suite);
    return value && hex(value);
  });
  expect(one).toBe(other);
  return one;
};

describe.each(SUITES)('the primitives of %s', (_name, createSuite) => {
  const suite = createSuite(seededRandom('suite'));

  test('pass test case 1 of HKDF (RFC 5869, appendix A.1)', () => {
    const key = suite.hkdfExtract(fromHex('000102030405060708090a0b0c'), fromHex('0b'.repeat(22)));
    expect(hex(key)).toBe('077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5');
    expect(hex(suite.hkdfExpand(key, fromHex('f0f1f2f3f4f5f6f7f8f9'), 42))).toBe(
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    );
  });

  test('pass the Diffie-Hellman of RFC 7748, section 6.1', () => {
    const alice = fromHex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a');
    const bob = fromHex('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f');
    expect(hex(suite.x25519.publicKey(alice))).toBe(
      '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
    );
    expect(hex(suite.x25519.sharedSecret(alice, bob)!)).toBe(
      '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742',
    );
  });

  test.each(SMALL_ORDER_X25519_KEYS)('have no shared secret with the key %s of small order', (key) => {
    fc.assert(
      fc.property(bytes(32), (privateKey) => {
        expect(suite.x25519.sharedSecret(privateKey, fromHex(key))).toBeUndefined();
      }),
      { numRuns: 5 },
    );
  });

  test('reject keys and seeds of a wrong length', () => {
    const key = new Uint8Array(32).fill(9);
    expect(suite.x25519.sharedSecret(key, key.subarray(1))).toBeUndefined();
    expect(() => suite.x25519.publicKey(key.subarray(1))).toThrow();
    expect(() => suite.ed25519.signingKey(key.subarray(1))).toThrow(TypeError);
    expect(suite.ed25519.verify(key.subarray(1), key, new Uint8Array(64))).toBe(false);
    expect(suite.ed25519.verify(key, key, new Uint8Array(63))).toBe(false);
  });

  test('verify only the signature of the message', () => {
    const { publicKey, sign } = suite.ed25519.signingKey(new Uint8Array(32).fill(3));
    const message = Uint8Array.of(1, 2, 3);
    const signature = sign(message);
    expect(suite.ed25519.verify(publicKey, message, signature)).toBe(true);
    expect(suite.ed25519.verify(publicKey, flipBit(message, 0), signature)).toBe(false);
    for (const at of signature.keys())
      expect(suite.ed25519.verify(publicKey, message, flipBit(signature, at))).toBe(false);
    // Of small order: anybody can sign for it.
    const identityPoint = fromHex(`01${'00'.repeat(31)}`);
    expect(suite.ed25519.verify(identityPoint, message, fromHex(`01${'00'.repeat(63)}`))).toBe(false);
  });

  test('use the injected randomness', () => {
    const [one, other] = [createSuite(seededRandom('a')), createSuite(seededRandom('a'))];
    expect(one.randomBytes(40)).toStrictEqual(other.randomBytes(40));
  });
});

test('random bytes are random by default', () => {
  expect(node.randomBytes(32)).toHaveLength(32);
  expect(hex(node.randomBytes(32))).not.toBe(hex(node.randomBytes(32)));
  expect(hex(noble.randomBytes(32))).not.toBe(hex(noble.randomBytes(32)));
});

describe('node:crypto and noble agree about', () => {
  const numRuns = 50;

  test('hashes, HMAC and HKDF', () => {
    fc.assert(
      fc.property(text, text, text, fc.integer({ min: 0, max: 200 }), (a, b, c, length) => {
        agreed(({ sha256 }) => sha256(a));
        agreed(({ hmac }) => hmac(a, b));
        agreed(({ hkdfExtract, hkdfExpand }) => hkdfExpand(hkdfExtract(a, b), c, length));
      }),
      { numRuns },
    );
  });

  test('key agreement, also for public keys that are not canonical', () => {
    const nonCanonical = fc.integer({ min: 0xed, max: 0xff }).map((low) => {
      const key = new Uint8Array(32).fill(0xff);
      key[0] = low;
      return key;
    });
    fc.assert(
      fc.property(bytes(32), fc.oneof(bytes(32), nonCanonical), (privateKey, publicKey) => {
        agreed(({ x25519 }) => x25519.publicKey(privateKey));
        agreed(({ x25519 }) => x25519.sharedSecret(privateKey, publicKey));
      }),
      { numRuns },
    );
  });

  test('signatures', () => {
    fc.assert(
      fc.property(bytes(32), text, (seed, message) => {
        agreed(({ ed25519 }) => ed25519.signingKey(seed).publicKey);
        agreed(({ ed25519 }) => ed25519.signingKey(seed).sign(message));
      }),
      { numRuns },
    );
  });

  test('authenticated encryption', () => {
    fc.assert(
      fc.property(bytes(32), bytes(12), text, text, (key, nonce, data, plaintext) => {
        const sealed = fromHex(agreed(({ aead }) => aead.seal(key, nonce, data, plaintext))!);
        expect(agreed(({ aead }) => aead.open(key, nonce, data, sealed))).toBe(hex(plaintext));
        expect(agreed(({ aead }) => aead.open(key, nonce, data, flipBit(sealed, 0)))).toBeUndefined();
        expect(agreed(({ aead }) => aead.open(key, nonce, data, sealed.subarray(0, 9)))).toBeUndefined();
      }),
      { numRuns },
    );
  });
});
