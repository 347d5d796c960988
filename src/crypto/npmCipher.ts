import type * as Fernet from 'fernet';
import type { Cipher, FernetKey, Plaintext, Token } from '../../streams/client/index.js';
import { decodeText, encodeText } from '../../streams/wire/index.js';
import { staleness } from './freshness.js';
import { readToken } from './tokenShape.js';

/**
 * Fernet by the npm package `fernet`, for comparison and for those who want that very code.
 *
 * The package takes junk for base64, does not check the padding, reads its own clock and adds an enumerable `lpad` to
 * `String.prototype` (docs/adr/0004-fernet-engines.md). So the token's shape and time are checked here, what was
 * decrypted has to encrypt to the same again, and the prototype stays as it was. It carries text only: other bytes are a
 * `TypeError` to seal and `malformed` to open. Loads the package when it is called, since most never need it.
 */
export const npmCipher = async (): Promise<Cipher> => {
  const { createRequire } = await import('node:module');
  const fernet = loadAlone(createRequire(import.meta.url));
  // Its own is what needs the `lpad`.
  fernet.timeBytes = (time) =>
    fernet.Hex.parse(
      Math.floor(Number(time ?? 0) / 1000)
        .toString(16)
        .padStart(16, '0'),
    );

  const secretOf = (key: FernetKey) => new fernet.Secret(Buffer.from(key).toString('base64'));

  return {
    seal: (key, plaintext, time) => {
      const text = decodeText(plaintext);
      if (text === undefined) throw new TypeError('the fernet package seals text only');
      const secret = secretOf(key);
      // As an option, since `encode('')` takes an empty text for none.
      const token = new fernet.Token({ secret, message: text, time: new Date(time * 1000).toISOString() });
      return token.encode() as Token;
    },

    open: (key, token, freshness) => {
      const parts = readToken(token);
      if (parts === undefined) return 'malformed';
      const stale = staleness(parts.time, freshness);
      try {
        // ttl 0: no expiry by the package's own clock.
        const secret = secretOf(key);
        const text = new fernet.Token({ secret, token, ttl: 0 }).decode();
        if (stale !== undefined) return stale;
        const iv = fernet.Hex.parse(parts.iv.toString('hex'));
        const again = fernet.encryptMessage(text, secret.encryptionKey, iv).toString(fernet.Hex);
        const intact = again === parts.ciphertext.toString('hex');
        return intact ? (encodeText(text) as Plaintext) : 'malformed';
      } catch (error) {
        return error instanceof Error && error.message.includes('HMAC')
          ? 'wrong key or tampered'
          : 'malformed';
      }
    },
  };
};

/**
 * Loads a copy of the package that nobody else has, and leaves `String.prototype` as it was. Who uses the package
 * themselves, before or after, gets theirs with all that it does.
 */
const loadAlone = (require: NodeJS.Require): typeof Fernet => {
  const { cache } = require;
  const main = require.resolve('fernet');
  const own = main.slice(0, -'fernet.js'.length);
  const takeOut = () => {
    const there = Object.entries(cache).filter(([path]) => path.startsWith(own));
    for (const [path] of there) Reflect.deleteProperty(cache, path);
    return there;
  };
  const theirs = takeOut();
  const before = Object.getOwnPropertyDescriptor(String.prototype, 'lpad');
  try {
    return require(main) as typeof Fernet;
  } finally {
    takeOut();
    for (const [path, module] of theirs) cache[path] = module;
    if (before === undefined) Reflect.deleteProperty(String.prototype, 'lpad');
    else Object.defineProperty(String.prototype, 'lpad', before);
  }
};
