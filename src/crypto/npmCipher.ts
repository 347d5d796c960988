import type { Cipher, FernetKey, Plaintext, Token } from '../../streams/index.js';
import { decodeText, encodeText } from '../../streams/index.js';
import { staleness } from './freshness.js';
import { readToken } from './tokenShape.js';

/**
 * Fernet by the npm package `fernet`, for comparison and for those who want that very code.
 *
 * The package takes junk for base64, does not check the padding, reads its own clock and adds an enumerable `lpad` to
 * `String.prototype` (docs/adr/0004-fernet-engines.md). So the token's shape and time are checked here, the length
 * that remains tells a wrong padding, and the prototype is mended. It carries text only: other bytes are a `TypeError`.
 * Loads the package when it is called, since most never need it.
 */
export const npmCipher = async (): Promise<Cipher> => {
  const { default: fernet } = await import('fernet');
  Object.defineProperty(String.prototype, 'lpad', { enumerable: false });

  const secretOf = (key: FernetKey) => new fernet.Secret(Buffer.from(key).toString('base64'));

  return {
    seal: (key, plaintext, time) => {
      const text = decodeText(plaintext);
      if (text === undefined) throw new TypeError('the fernet package seals text only');
      const token = new fernet.Token({ secret: secretOf(key), time: new Date(time * 1000).toISOString() });
      return token.encode(text) as Token;
    },

    open: (key, token, freshness) => {
      const parts = readToken(token);
      if (parts === undefined) return 'malformed';
      const stale = staleness(parts.time, freshness);
      try {
        // ttl 0: no expiry by the package's own clock.
        const text = new fernet.Token({ secret: secretOf(key), token, ttl: 0 }).decode();
        if (stale !== undefined) return stale;
        const plaintext = encodeText(text);
        const padding = parts.ciphertext.length - plaintext.length;
        return padding >= 1 && padding <= 16 ? (plaintext as Plaintext) : 'malformed';
      } catch (error) {
        return error instanceof Error && error.message.includes('HMAC')
          ? 'wrong key or tampered'
          : 'malformed';
      }
    },
  };
};
