import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Cipher, FernetKey, Plaintext, Token } from '../../streams/client/index.js';
import { staleness } from './freshness.js';
import { readToken, tokenHead, writeToken } from './tokenShape.js';

const ALGORITHM = 'aes-128-cbc';
const signing = (key: FernetKey) => key.subarray(0, 16);
const encrypting = (key: FernetKey) => key.subarray(16);

/** Fernet with the primitives of `node:crypto`: the default engine. `iv` is for test vectors; it is random. */
export const nodeCipher = ({
  iv: makeIv = () => randomBytes(16),
}: { iv?: () => Uint8Array } = {}): Cipher => ({
  seal: (key, plaintext, time) => {
    const iv = makeIv();
    const cipher = createCipheriv(ALGORITHM, encrypting(key), iv);
    const signed = Buffer.concat([tokenHead(time, iv), cipher.update(plaintext), cipher.final()]);
    const hmac = createHmac('sha256', signing(key)).update(signed).digest();
    return writeToken(Buffer.concat([signed, hmac])) as Token;
  },

  open: (key, token, freshness) => {
    const parts = readToken(token);
    if (parts === undefined) return 'malformed';
    const hmac = createHmac('sha256', signing(key)).update(parts.signed).digest();
    if (!timingSafeEqual(hmac, parts.hmac)) return 'wrong key or tampered';
    const stale = staleness(parts.time, freshness);
    if (stale !== undefined) return stale;
    try {
      const decipher = createDecipheriv(ALGORITHM, encrypting(key), parts.iv);
      return Buffer.concat([decipher.update(parts.ciphertext), decipher.final()]) as Uint8Array as Plaintext;
    } catch {
      return 'malformed';
    }
  },
});
