import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { ed25519 as ed, x25519 as x } from '@noble/curves/ed25519.js';
import { expand, extract } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { Aead, CryptoSuite, KeyAgreement, SignatureScheme } from '../../streams/client/group/index.js';
import { toBase64url } from '../../streams/wire/index.js';
import { randomBytes } from '../crypto/random.js';
import { checkSeed } from '../crypto/roomKeys.js';
import { verifySignature } from './nobleKeys.js';

const x25519: KeyAgreement = {
  publicKey: (privateKey) => x.getPublicKey(privateKey),
  sharedSecret: (privateKey, publicKey) => {
    if (publicKey.length !== 32) return undefined;
    try {
      return x.getSharedSecret(privateKey, publicKey);
    } catch {
      // The library rejects an all-zero secret.
      return undefined;
    }
  },
};

const ed25519: SignatureScheme = {
  signingKey: (seed) => {
    checkSeed(seed);
    const seedCopy = Uint8Array.from(seed);
    return { publicKey: ed.getPublicKey(seedCopy), sign: (message) => ed.sign(message, seedCopy) };
  },
  verify: (publicKey, message, signature) =>
    verifySignature(toBase64url(publicKey), message, toBase64url(signature)),
};

const aead: Aead = {
  seal: (key, nonce, associatedData, plaintext) =>
    chacha20poly1305(key, nonce, associatedData).encrypt(plaintext),
  open: (key, nonce, associatedData, ciphertext) => {
    try {
      return chacha20poly1305(key, nonce, associatedData).decrypt(ciphertext);
    } catch {
      return undefined;
    }
  },
};

/** Creates the primitives of group rooms in JavaScript. Set `randomBytes` only for tests. */
export const nobleSuite = (options: Partial<Pick<CryptoSuite, 'randomBytes'>> = {}): CryptoSuite => ({
  sha256: (message) => sha256(message),
  hmac: (key, message) => hmac(sha256, key, message),
  hkdfExtract: (salt, inputKey) => extract(sha256, inputKey, salt),
  hkdfExpand: (pseudorandomKey, info, lengthBytes) => expand(sha256, pseudorandomKey, info, lengthBytes),
  x25519,
  ed25519,
  aead,
  randomBytes: options.randomBytes ?? randomBytes,
});
