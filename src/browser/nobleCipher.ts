import { cbc } from '@noble/ciphers/aes.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { Cipher, FernetKey, Plaintext, Token } from '../../streams/client/index.js';
import { fromBase64url, toBase64url } from '../../streams/wire/index.js';
import { staleness } from '../crypto/freshness.js';
import { randomBytes } from '../crypto/random.js';
import { isSame } from './isSame.js';

const VERSION = 0x80;
const HEAD = 1 + 8 + 16;
const BLOCK = 16;
const HMAC = 32;

const signing = (key: FernetKey) => key.subarray(0, 16);
const encrypting = (key: FernetKey) => key.subarray(16);

/**
 * Fernet in JavaScript alone, by `@noble/ciphers` and `@noble/hashes`: for browsers, whose own cryptography is
 * asynchronous, and not there at all where a page came over plain HTTP. Held to the same vectors as `nodeCipher`. `iv` is
 * for test vectors; it is random.
 */
export const nobleCipher = ({
  iv: makeIv = () => randomBytes(16),
}: { iv?: () => Uint8Array } = {}): Cipher => ({
  seal: (key, plaintext, time) => {
    const iv = makeIv();
    const ciphertext = cbc(encrypting(key), iv).encrypt(plaintext);
    const token = new Uint8Array(HEAD + ciphertext.length + HMAC);
    token[0] = VERSION;
    new DataView(token.buffer).setBigUint64(1, BigInt(time));
    token.set(iv, 9);
    token.set(ciphertext, HEAD);
    token.set(hmac(sha256, signing(key), token.subarray(0, -HMAC)), HEAD + ciphertext.length);
    return written(token) as Token;
  },

  open: (key, token, freshness) => {
    const bytes = read(token);
    if (bytes === undefined) return 'malformed';
    if (!isSame(hmac(sha256, signing(key), bytes.subarray(0, -HMAC)), bytes.subarray(-HMAC)))
      return 'wrong key or tampered';
    const time = Number(new DataView(bytes.buffer).getBigUint64(1));
    const stale = staleness(time, freshness);
    if (stale !== undefined) return stale;
    try {
      return cbc(encrypting(key), bytes.subarray(9, HEAD)).decrypt(bytes.subarray(HEAD, -HMAC)) as Plaintext;
    } catch {
      return 'malformed';
    }
  },
});

/** As the specification wants a token: base64url with its padding. */
const written = (bytes: Uint8Array): string => toBase64url(bytes) + '='.repeat((3 - (bytes.length % 3)) % 3);

/** The bytes of a token of the right shape, strictly as `readToken` (tokenShape.ts) has it. */
const read = (token: string): Uint8Array | undefined => {
  if (token.length % 4 !== 0 || !/^[\w-]+={0,2}$/.test(token)) return undefined;
  const bytes = fromBase64url(token.replace(/=+$/, ''));
  if (bytes === undefined || written(bytes) !== token) return undefined;
  const blocks = (bytes.length - HEAD - HMAC) / BLOCK;
  return bytes[0] === VERSION && blocks >= 1 && Number.isInteger(blocks) ? bytes : undefined;
};
