import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
  sign,
} from 'node:crypto';
import type { Aead, CryptoSuite, KeyAgreement, SignatureScheme } from '../../streams/client/group/index.js';
import { fromBase64url, toBase64url } from '../../streams/wire/index.js';
import { privateKeyFrom } from './nodeKeys.js';
import { verifyBytes } from './nodeVerify.js';
import { randomBytes } from './random.js';

/** DER prefix of a raw X25519 private key (RFC 8410), as `node:crypto` requires. */
const PRIVATE_DER = Buffer.from('302e020100300506032b656e04220420', 'hex');

const KEY_BYTES = 32;
const HASH_BYTES = 32;
const TAG_BYTES = 16;
const AEAD = 'chacha20-poly1305';
const AEAD_OPTIONS = { authTagLength: TAG_BYTES };

/** Copies bytes out of a `Buffer`, which can be a slice of a pool. */
const copy = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes);

const importPrivateDer = (raw: Uint8Array): KeyObject => {
  const der = Buffer.concat([PRIVATE_DER, raw]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  return key;
};

// Without its public key, which Node derives. This takes 60 µs instead of the 480 µs of DER.
const importPrivateJwk = (raw: Uint8Array): KeyObject =>
  createPrivateKey({ key: { kty: 'OKP', crv: 'X25519', d: toBase64url(raw), x: '' }, format: 'jwk' });

/** Tests whether Node imports a private JWK without its public key. RFC 8037 requires one, so a later version may not. */
const testJwkImport = (): boolean => {
  const raw = new Uint8Array(KEY_BYTES).fill(1);
  try {
    return publicKeyOf(importPrivateJwk(raw)) === publicKeyOf(importPrivateDer(raw));
  } catch {
    return false;
  }
};
let importsJwk: boolean | undefined;

const importPrivateKey = (raw: Uint8Array): KeyObject => {
  if (raw.length !== KEY_BYTES) throw new TypeError(`an X25519 private key has ${KEY_BYTES} bytes`);
  importsJwk ??= testJwkImport();
  return importsJwk ? importPrivateJwk(raw) : importPrivateDer(raw);
};

const publicKeyOf = (key: KeyObject): string | undefined => createPublicKey(key).export({ format: 'jwk' }).x;

// As JWK, since OpenSSL takes twenty times as long to parse DER.
const importPublicKey = (raw: Uint8Array): KeyObject =>
  createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: toBase64url(raw) }, format: 'jwk' });

/** Decodes base64url that this platform encoded. */
const decode = (text: string | undefined): Uint8Array => {
  const bytes = fromBase64url(text ?? '');
  if (bytes === undefined) throw new TypeError('base64url expected');
  return bytes;
};

const x25519: KeyAgreement = {
  publicKey: (privateKey) => decode(publicKeyOf(importPrivateKey(privateKey))),
  sharedSecret: (privateKey, publicKey) => {
    const key = importPrivateKey(privateKey);
    if (publicKey.length !== KEY_BYTES) return undefined;
    try {
      const secret = diffieHellman({ privateKey: key, publicKey: importPublicKey(publicKey) });
      return secret.every((byte) => byte === 0) ? undefined : copy(secret);
    } catch {
      // OpenSSL itself rejects an all-zero secret.
      return undefined;
    }
  },
};

const ed25519: SignatureScheme = {
  signingKey: (seed) => {
    const key = privateKeyFrom(seed);
    return { publicKey: decode(publicKeyOf(key)), sign: (message) => copy(sign(null, message, key)) };
  },
  verify: verifyBytes,
};

const aead: Aead = {
  seal: (key, nonce, associatedData, plaintext) => {
    const cipher = createCipheriv(AEAD, key, nonce, AEAD_OPTIONS);
    cipher.setAAD(associatedData, { plaintextLength: plaintext.length });
    return copy(Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]));
  },
  open: (key, nonce, associatedData, ciphertext) => {
    const length = ciphertext.length - TAG_BYTES;
    if (length < 0) return undefined;
    const decipher = createDecipheriv(AEAD, key, nonce, AEAD_OPTIONS);
    decipher.setAAD(associatedData, { plaintextLength: length });
    decipher.setAuthTag(ciphertext.subarray(length));
    try {
      return copy(Buffer.concat([decipher.update(ciphertext.subarray(0, length)), decipher.final()]));
    } catch {
      return undefined;
    }
  },
};

const hmac = (key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array => {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return copy(mac.digest());
};

/** HKDF-Expand (RFC 5869, section 2.3). `node:crypto` has it only together with HKDF-Extract. */
const hkdfExpand = (pseudorandomKey: Uint8Array, info: Uint8Array, lengthBytes: number): Uint8Array => {
  const blockCount = Math.ceil(lengthBytes / HASH_BYTES);
  if (blockCount > 255) throw new RangeError(`HKDF cannot expand to ${lengthBytes} bytes`);
  const output = new Uint8Array(blockCount * HASH_BYTES);
  let block = new Uint8Array(0);
  for (let number = 1; number <= blockCount; number += 1) {
    block = Uint8Array.from(hmac(pseudorandomKey, block, info, Uint8Array.of(number)));
    output.set(block, (number - 1) * HASH_BYTES);
  }
  return output.slice(0, lengthBytes);
};

/** Creates the primitives of group rooms from `node:crypto`. Set `randomBytes` only for tests. */
export const nodeSuite = (options: Partial<Pick<CryptoSuite, 'randomBytes'>> = {}): CryptoSuite => ({
  sha256: (message) => copy(createHash('sha256').update(message).digest()),
  hmac,
  hkdfExtract: (salt, inputKey) => hmac(salt, inputKey),
  hkdfExpand,
  x25519,
  ed25519,
  aead,
  randomBytes: options.randomBytes ?? randomBytes,
});
