import type { CryptoSuite } from '../../streams/client/group/index.js';
import { toBase64url } from '../../streams/wire/index.js';
import { expandSum, fakeHash, fakeSignature, fakeVerify, fnv1a } from './fakePrimitives.js';

const KEY_BYTES = 32;
const TAG_BYTES = 16;

const concat = (...parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...part]));

const publicKeyOf = (privateKey: Uint8Array): Uint8Array => fakeHash(privateKey);

const tagOf = (...parts: readonly Uint8Array[]): Uint8Array => expandSum(fnv1a(concat(...parts)), TAG_BYTES);

/**
 * Creates the primitives of group rooms without secrets, for tests. They are deterministic, and detect changes and
 * foreign keys. `nextNumber` is the source of randomness.
 */
export const fakeSuite = (nextNumber: () => number): CryptoSuite => ({
  sha256: fakeHash,
  hmac: (key, message) => fakeHash(concat(key, message)),
  hkdfExtract: (salt, inputKey) => fakeHash(concat(salt, inputKey)),
  hkdfExpand: (pseudorandomKey, info, lengthBytes) =>
    expandSum(fnv1a(concat(pseudorandomKey, info)), lengthBytes),
  x25519: {
    publicKey: publicKeyOf,
    sharedSecret: (privateKey, publicKey) => {
      if (publicKey.length !== KEY_BYTES || publicKey.every((byte) => byte === 0)) return undefined;
      // Both sides compute the same sum.
      return fakeHash(publicKeyOf(privateKey).map((byte, at) => byte ^ (publicKey[at] ?? 0)));
    },
  },
  ed25519: {
    signingKey: (seed) => {
      const publicKey = fakeHash(seed);
      const key = toBase64url(publicKey);
      return { publicKey, sign: (message) => fakeSignature(key, message) };
    },
    verify: (publicKey, message, signature) =>
      fakeVerify(toBase64url(publicKey), message, toBase64url(signature)),
  },
  aead: {
    seal: (key, nonce, associatedData, plaintext) =>
      concat(plaintext, tagOf(key, nonce, associatedData, plaintext)),
    open: (key, nonce, associatedData, ciphertext) => {
      const plaintext = ciphertext.slice(0, -TAG_BYTES);
      const tag = tagOf(key, nonce, associatedData, plaintext);
      return ciphertext.length >= TAG_BYTES && tag.every((byte, at) => byte === ciphertext.at(at - TAG_BYTES))
        ? plaintext
        : undefined;
    },
  },
  randomBytes: (lengthBytes) => expandSum(fnv1a(Uint8Array.of(...numberBytes(nextNumber()))), lengthBytes),
});

const numberBytes = (number: number): readonly number[] =>
  [0, 8, 16, 24].map((shift) => (number >>> shift) & 0xff);
