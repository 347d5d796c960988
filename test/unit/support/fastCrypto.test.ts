import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { asFernetKey, type Plaintext } from '../../../streams/client/envelope/cipher.js';
import { bytesToToken, tokenToBytes } from '../../../streams/client/group/tokenBytes.js';
import { fromBase64url } from '../../../streams/wire/encoding.js';
import { flipBit, seededRandom } from '../../support/cryptoSuites.js';
import { fastCryptography } from '../../support/group/fastCrypto.js';

const suite = fastCryptography.suite(seededRandom('suite'));
const cipher = fastCryptography.cipher(seededRandom('iv'));

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const text = fc.uint8Array({ maxLength: 80 });
/** Returns each copy with one bit flipped. */
const damaged = (bytes: Uint8Array): readonly Uint8Array[] =>
  Array.from(bytes, (_, at) => flipBit(bytes, at, at % 8));
const RUNS = { numRuns: 20 };

describe('the cryptography of simulations', () => {
  test('agrees on a secret, which differs for another key', () => {
    const { publicKey, sharedSecret } = suite.x25519;
    fc.assert(
      fc.property(key, key, key, (one, other, third) => {
        fc.pre(Buffer.compare(other, third) !== 0);
        const secret = sharedSecret(one, publicKey(other));
        expect(secret).toStrictEqual(sharedSecret(other, publicKey(one)));
        expect(secret).not.toStrictEqual(sharedSecret(one, publicKey(third)));
      }),
      RUNS,
    );
    expect(sharedSecret(new Uint8Array(32), new Uint8Array(32))).toBeUndefined();
  });

  test('verifies the signature of this key and this message only', () => {
    fc.assert(
      fc.property(key, text, (seed, message) => {
        const { publicKey, sign } = suite.ed25519.signingKey(seed);
        const { verify } = suite.ed25519;
        const signature = sign(message);
        expect(verify(publicKey, message, signature)).toBe(true);
        for (const each of damaged(publicKey)) expect(verify(each, message, signature)).toBe(false);
        for (const each of damaged(message)) expect(verify(publicKey, each, signature)).toBe(false);
        for (const each of damaged(signature)) expect(verify(publicKey, message, each)).toBe(false);
      }),
      RUNS,
    );
  });

  test('signs as an identity what the suite verifies', () => {
    const { key: publicKey, sign } = fastCryptography.identity(new Uint8Array(32).fill(3));
    const signature = fromBase64url(sign(Uint8Array.of(1)))!;
    expect(suite.ed25519.verify(fromBase64url(publicKey)!, Uint8Array.of(1), signature)).toBe(true);
  });

  test('opens what it sealed with the same key, nonce and data only', () => {
    fc.assert(
      fc.property(key, text, text, (secret, data, plaintext) => {
        const { seal, open } = suite.aead;
        const nonce = new Uint8Array(12);
        const sealed = seal(secret, nonce, data, plaintext);
        expect(open(secret, nonce, data, sealed)).toStrictEqual(plaintext);
        for (const each of damaged(secret)) expect(open(each, nonce, data, sealed)).toBeUndefined();
        for (const each of damaged(nonce)) expect(open(secret, each, data, sealed)).toBeUndefined();
        for (const each of damaged(data)) expect(open(secret, nonce, each, sealed)).toBeUndefined();
        for (const each of damaged(sealed)) expect(open(secret, nonce, data, each)).toBeUndefined();
      }),
      RUNS,
    );
  });

  test('derives other bytes from another key, message or context', () => {
    fc.assert(
      fc.property(key, text, (secret, message) => {
        const { hmac, hkdfExpand } = suite;
        for (const derive of [hmac, (one: Uint8Array, other: Uint8Array) => hkdfExpand(one, other, 44)]) {
          const derived = derive(secret, message);
          expect(derive(secret, message)).toStrictEqual(derived);
          for (const each of damaged(secret)) expect(derive(each, message)).not.toStrictEqual(derived);
          for (const each of damaged(message)) expect(derive(secret, each)).not.toStrictEqual(derived);
        }
      }),
      RUNS,
    );
  });

  test('opens a token with its key only', () => {
    fc.assert(
      fc.property(key, text, (secret, plaintext) => {
        const token = cipher.seal(asFernetKey(secret), plaintext as Plaintext, 60);
        expect(cipher.open(asFernetKey(secret), token)).toStrictEqual(plaintext);
        for (const each of damaged(secret.slice(0, 16))) {
          const other = new Uint8Array(secret);
          other.set(each);
          expect(cipher.open(asFernetKey(other), token)).toBe('wrong key or tampered');
        }
        for (const each of damaged(tokenToBytes(token)))
          expect(typeof cipher.open(asFernetKey(secret), bytesToToken(each))).toBe('string');
      }),
      RUNS,
    );
  });

  test('is the same in each run', () => {
    const [one, other] = [fastCryptography, fastCryptography].map((each) => {
      const random = seededRandom('again');
      return each.cipher(random).seal(asFernetKey(random(32)), random(9) as Plaintext, 0);
    });
    expect(one).toBe(other);
  });
});
