import { cbc } from '@noble/ciphers/aes.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { Cipher } from '../../streams/client/index.js';
import { constantTimeEqualBytes, fromBase64url, toBase64url } from '../../streams/wire/index.js';
import { createFernetCipher, type FernetPrimitives } from '../crypto/fernet.js';
import { randomBytes } from '../crypto/random.js';

const PRIMITIVES: FernetPrimitives = {
  encrypt: (key, iv, plaintext) => cbc(key, iv).encrypt(plaintext),
  decrypt: (key, iv, ciphertext) => cbc(key, iv).decrypt(ciphertext),
  hmac: (key, message) => hmac(sha256, key, message),
  isEqual: constantTimeEqualBytes,
  // Without the limit of two, a relay could send a long run of `=`, which would take quadratic time.
  base64url: { encode: toBase64url, decode: (text) => fromBase64url(text.replace(/={1,2}$/, '')) },
};

/**
 * Creates a Fernet cipher in pure JavaScript from `@noble/ciphers` and `@noble/hashes`. WebCrypto is
 * asynchronous and unavailable on pages served over plain HTTP. It passes the same test vectors as
 * `nodeCipher`. `iv` is random; set it only for test vectors.
 */
export const nobleCipher = ({ iv = () => randomBytes(16) }: { iv?: () => Uint8Array } = {}): Cipher =>
  createFernetCipher(PRIMITIVES, iv);
