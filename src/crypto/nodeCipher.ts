import type * as Fernet from 'fernet';
import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Cipher, FernetKey, Plaintext, Token } from '../../streams/client/index.js';
import {
  type Base64url,
  createFernetCipher,
  type FernetPrimitives,
  checkTimestamp,
  parseToken,
} from './fernet.js';
import { decodeText, encodeText } from '../../streams/wire/index.js';

const ALGORITHM = 'aes-128-cbc';

/** base64url by `Buffer`, which is several times as fast as JavaScript. */
export const nodeBase64url: Base64url = {
  encode: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url'),
  decode: (text) => Buffer.from(text, 'base64url'),
};

const PRIMITIVES: FernetPrimitives = {
  encrypt: (key, iv, plaintext) => {
    const cipher = createCipheriv(ALGORITHM, key, iv);
    return Buffer.concat([cipher.update(plaintext), cipher.final()]);
  },
  decrypt: (key, iv, ciphertext) => {
    const decipher = createDecipheriv(ALGORITHM, key, iv);
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  },
  hmac: (key, message) => createHmac('sha256', key).update(message).digest(),
  isEqual: timingSafeEqual,
  base64url: nodeBase64url,
};

/** Creates the default Fernet cipher, from the primitives of `node:crypto`. `iv` is random; set it only for test vectors. */
export const nodeCipher = ({ iv = () => randomBytes(16) }: { iv?: () => Uint8Array } = {}): Cipher =>
  createFernetCipher(PRIMITIVES, iv);

/**
 * Creates a Fernet cipher from the npm package `fernet`, for comparison.
 *
 * The package accepts invalid base64, ignores the padding, reads its own clock and adds an enumerable `lpad` to
 * `String.prototype` (docs/adr/0004-fernet-engines.md). So this function checks the shape and time of the token
 * itself. It re-encrypts the plaintext and compares, and restores the prototype. The package supports text
 * only: sealing other bytes throws a `TypeError`, opening them returns `malformed`. The package is loaded on
 * demand.
 */
export const npmCipher = async (): Promise<Cipher> => {
  const { createRequire } = await import('node:module');
  const fernet = loadIsolated(createRequire(import.meta.url));
  // The original needs `lpad`.
  fernet.timeBytes = (time) =>
    fernet.Hex.parse(
      Math.floor(Number(time ?? 0) / 1000)
        .toString(16)
        .padStart(16, '0'),
    );

  const createSecret = (key: FernetKey) => new fernet.Secret(Buffer.from(key).toString('base64'));

  return {
    seal: (key, plaintext, time) => {
      const text = decodeText(plaintext);
      if (text === undefined) throw new TypeError('the fernet package seals text only');
      const secret = createSecret(key);
      // Passed as an option, because `encode('')` treats an empty text as missing.
      const token = new fernet.Token({ secret, message: text, time: new Date(time * 1000).toISOString() });
      return token.encode() as Token;
    },

    open: (key, token, freshness) => {
      const parts = parseToken(token, nodeBase64url);
      if (parts === undefined) return 'malformed';
      const timeFailure = checkTimestamp(parts.time, freshness);
      try {
        // ttl 0 disables the expiry check, which uses the clock of the package.
        const secret = createSecret(key);
        const text = new fernet.Token({ secret, token, ttl: 0 }).decode();
        if (timeFailure !== undefined) return timeFailure;
        const iv = fernet.Hex.parse(Buffer.from(parts.iv).toString('hex'));
        const encryptedAgain = fernet.encryptMessage(text, secret.encryptionKey, iv).toString(fernet.Hex);
        const isIntact = encryptedAgain === Buffer.from(parts.ciphertext).toString('hex');
        return isIntact ? (encodeText(text) as Plaintext) : 'malformed';
      } catch (error) {
        return error instanceof Error && error.message.includes('HMAC')
          ? 'wrong key or tampered'
          : 'malformed';
      }
    },
  };
};

/**
 * Loads a private copy of the package and restores `String.prototype`. Other users of the package keep their
 * own copy with all of its effects.
 */
const loadIsolated = (require: NodeJS.Require): typeof Fernet => {
  const { cache } = require;
  const main = require.resolve('fernet');
  const packageDir = main.slice(0, -'fernet.js'.length);
  const removeFromCache = () => {
    const cachedModules = Object.entries(cache).filter(([path]) => path.startsWith(packageDir));
    for (const [path] of cachedModules) Reflect.deleteProperty(cache, path);
    return cachedModules;
  };
  const removed = removeFromCache();
  const previousLpad = Object.getOwnPropertyDescriptor(String.prototype, 'lpad');
  try {
    return require(main) as typeof Fernet;
  } finally {
    removeFromCache();
    for (const [path, module] of removed) cache[path] = module;
    if (previousLpad === undefined) Reflect.deleteProperty(String.prototype, 'lpad');
    else Object.defineProperty(String.prototype, 'lpad', previousLpad);
  }
};
