import { fromBase64url, toBase64url } from '../../wire/encoding.js';
import type { Cipher, FernetKey, OpenFailure, Plaintext, Token } from '../envelope/cipher.js';

// A message token is inside an outer token. As text it would be a third longer there.

/** Encrypts a plaintext into the bytes of a token. */
export const sealToBytes = (cipher: Cipher, key: FernetKey, plaintext: Plaintext, time: number): Uint8Array =>
  cipher.sealBytes?.(key, plaintext, time) ?? tokenToBytes(cipher.seal(key, plaintext, time));

/** Decrypts the bytes of a token, or returns why it cannot. */
export const openBytes = (cipher: Cipher, key: FernetKey, token: Uint8Array): Plaintext | OpenFailure =>
  cipher.openBytes?.(key, token) ?? cipher.open(key, bytesToToken(token));

/** Decodes a token of a cipher into bytes. Throws a `TypeError` if it is not padded base64url. */
export const tokenToBytes = (token: Token): Uint8Array => {
  const bytes = fromBase64url(token.replace(/={1,2}$/, ''));
  if (bytes === undefined || bytesToToken(bytes) !== token)
    throw new TypeError('a token is padded base64url');
  return bytes;
};

/** Encodes bytes as the token that a cipher opens. */
export const bytesToToken = (bytes: Uint8Array): Token =>
  (toBase64url(bytes) + '='.repeat((3 - (bytes.length % 3)) % 3)) as Token;
