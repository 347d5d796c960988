import { hash } from 'node:crypto';
import { signingKey } from '../../../src/crypto/nodeKeys.js';
import { nodeBase64url, nodeCipher } from '../../../src/crypto/nodeCipher.js';
import { createFernetCipher } from '../../../src/crypto/fernet.js';
import { nodeSuite } from '../../../src/crypto/nodeSuite.js';
import { fakeHash } from '../../../src/testing/fakePrimitives.js';
import type { Cipher } from '../../../streams/client/envelope/cipher.js';
import type { Identity } from '../../../streams/client/envelope/identity.js';
import { concatBytes, equalBytes, u32 } from '../../../streams/client/group/bytes.js';
import type { CryptoSuite, SigningKey } from '../../../streams/client/group/cryptoSuite.js';
import type { Sha256 } from '../../../streams/wire/fields.js';
import { toBase64url } from '../../../streams/wire/encoding.js';

/** The cryptography of a simulated group room. */
export interface GroupCryptography {
  readonly suite: (randomBytes: CryptoSuite['randomBytes']) => CryptoSuite;
  readonly cipher: (randomBytes: CryptoSuite['randomBytes']) => Cipher;
  /** Creates the identity of a person from a seed of 32 bytes. */
  readonly identity: (seed: Uint8Array) => Identity;
  readonly hash: Sha256;
}

/** The cryptography of Node. */
export const nodeCryptography: GroupCryptography = {
  suite: (randomBytes) => nodeSuite({ randomBytes }),
  cipher: (randomBytes) => nodeCipher({ iv: () => randomBytes(16) }),
  identity: signingKey,
  hash: fakeHash,
};

const KEY_BYTES = 32;
const TAG_BYTES = 16;
const BLOCK_BYTES = 16;

// Reused, since small arrays are dear to collect.
let scratch = Buffer.alloc(65_536);

const sha256 = (message: Uint8Array): Uint8Array => {
  const { buffer, byteOffset, length } = hash('sha256', message, 'buffer');
  return new Uint8Array(buffer, byteOffset, length);
};

/** Hashes parts. The length of the first is hashed too, and only the last one may have any length. */
const digest = (domain: number, ...parts: readonly Uint8Array[]): Uint8Array => {
  const lengthBytes = parts.reduce((sum, { length }) => sum + length, 5);
  if (scratch.length < lengthBytes) scratch = Buffer.alloc(2 * lengthBytes);
  scratch[0] = domain;
  scratch.writeUInt32BE(parts[0]?.length ?? 0, 1);
  let at = 5;
  for (const part of parts) {
    scratch.set(part, at);
    at += part.length;
  }
  return sha256(scratch.subarray(0, at));
};

const hmac = (key: Uint8Array, message: Uint8Array): Uint8Array => digest(1, key, message);

const expand = (key: Uint8Array, info: Uint8Array, lengthBytes: number): Uint8Array => {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < lengthBytes; at += KEY_BYTES) blocks.push(digest(2, key, u32(at), info));
  return concatBytes(...blocks).slice(0, lengthBytes);
};

const checkKey = (key: Uint8Array) => {
  if (key.length !== KEY_BYTES) throw new TypeError(`a key has ${KEY_BYTES} bytes`);
};

const signatureOf = (publicKey: Uint8Array, message: Uint8Array): Uint8Array => {
  const half = digest(3, publicKey, message);
  return concatBytes(half, half);
};

const fastSigningKey = (seed: Uint8Array): SigningKey => {
  checkKey(seed);
  const publicKey = digest(4, seed);
  return { publicKey, sign: (message) => signatureOf(publicKey, message) };
};

const agreementKey = (privateKey: Uint8Array): Uint8Array => {
  checkKey(privateKey);
  return digest(5, privateKey);
};

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

const sealedTag = (
  key: Uint8Array,
  nonce: Uint8Array,
  associatedData: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array =>
  digest(6, key, nonce, u32(associatedData.length), associatedData, plaintext).subarray(0, TAG_BYTES);

const fastSuite = (randomBytes: CryptoSuite['randomBytes']): CryptoSuite => ({
  sha256,
  hmac,
  hkdfExtract: hmac,
  hkdfExpand: expand,
  x25519: {
    publicKey: agreementKey,
    sharedSecret: (privateKey, publicKey) => {
      const own = agreementKey(privateKey);
      if (publicKey.length !== KEY_BYTES || isZero(publicKey)) return undefined;
      // Both sides compute the same.
      return digest(
        7,
        own.map((byte, at) => byte ^ publicKey[at]!),
        own.map((byte, at) => byte & publicKey[at]!),
      );
    },
  },
  ed25519: {
    signingKey: fastSigningKey,
    verify: (publicKey, message, signature) =>
      publicKey.length === KEY_BYTES && equalBytes(signatureOf(publicKey, message), signature),
  },
  aead: {
    seal: (key, nonce, associatedData, plaintext) =>
      concatBytes(plaintext, sealedTag(key, nonce, associatedData, plaintext)),
    open: (key, nonce, associatedData, ciphertext) => {
      if (ciphertext.length < TAG_BYTES) return undefined;
      const plaintext = ciphertext.slice(0, -TAG_BYTES);
      const tag = sealedTag(key, nonce, associatedData, plaintext);
      return equalBytes(tag, ciphertext.subarray(-TAG_BYTES)) ? plaintext : undefined;
    },
  },
  randomBytes,
});

/** Fernet whose ciphertext is the padded plaintext. The first half of the key signs it. */
const fastCipher = (randomBytes: CryptoSuite['randomBytes']): Cipher => {
  const cipher = createFernetCipher(
    {
      encrypt: (_key, _iv, plaintext) => {
        const paddingBytes = BLOCK_BYTES - (plaintext.length % BLOCK_BYTES);
        return concatBytes(plaintext, new Uint8Array(paddingBytes).fill(paddingBytes));
      },
      decrypt: (_key, _iv, ciphertext) => new Uint8Array(ciphertext.subarray(0, -(ciphertext.at(-1) ?? 0))),
      hmac,
      isEqual: equalBytes,
      base64url: nodeBase64url,
    },
    () => randomBytes(16),
  );
  return cipher;
};

/**
 * Cryptography without secrecy, for simulations: faster than `nodeCryptography`.
 *
 * It is deterministic. A wrong key, a changed byte and the signature of another key fail as in the real one, since all
 * keys, tags and signatures are hashes of SHA-256. But anyone can sign for a public key, and read a ciphertext.
 */
export const fastCryptography: GroupCryptography = {
  suite: fastSuite,
  cipher: fastCipher,
  identity: (seed) => {
    const { publicKey, sign } = fastSigningKey(seed);
    return { key: toBase64url(publicKey), sign: (message) => toBase64url(sign(message)) };
  },
  hash: sha256,
};
