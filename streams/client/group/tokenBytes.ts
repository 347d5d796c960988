import { decodeTextLossy, encodeText } from '../../wire/encoding.js';
import type { Cipher, FernetKey, OpenFailure, Plaintext, Token } from '../envelope/cipher.js';

// A message token is inside an outer token. As text it would be a third longer there.

/** Encrypts a plaintext into the bytes of a token. */
export const sealToBytes = (cipher: Cipher, key: FernetKey, plaintext: Plaintext, time: number): Uint8Array =>
  cipher.sealBytes?.(key, plaintext, time) ?? tokenToBytes(cipher.seal(key, plaintext, time));

/** Decrypts the bytes of a token, or returns why it cannot. */
export const openBytes = (cipher: Cipher, key: FernetKey, token: Uint8Array): Plaintext | OpenFailure =>
  cipher.openBytes?.(key, token) ?? cipher.open(key, bytesToToken(token));

// For ciphers of text. These two run for every message, so they use tables: `fromBase64url` takes ten times as long.

const DIGITS = encodeText('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_');
const PADDING = 61;
const INVALID = 64;
const VALUES = new Uint8Array(256).fill(INVALID);
for (const [value, digit] of DIGITS.entries()) VALUES[digit] = value;

const digitOf = (value: number): number => DIGITS[value & 63] ?? 0;

/** Decodes a token of a cipher into bytes. Throws a `TypeError` if it is not padded base64url. */
export const tokenToBytes = (token: Token): Uint8Array => {
  const text = encodeText(token);
  const digits = text.length - (text.at(-1) !== PADDING ? 0 : text.at(-2) === PADDING ? 2 : 1);
  const bytes = new Uint8Array(Math.floor((digits * 3) / 4));
  let invalid = text.length % 4;
  const valueAt = (at: number): number => {
    const value = at < digits ? (VALUES[text[at] ?? 0] ?? INVALID) : 0;
    invalid |= value & INVALID;
    return value;
  };
  for (let from = 0, to = 0; from < digits; from += 4, to += 3) {
    const value =
      (valueAt(from) << 18) | (valueAt(from + 1) << 12) | (valueAt(from + 2) << 6) | valueAt(from + 3);
    bytes[to] = value >> 16;
    bytes[to + 1] = value >> 8;
    bytes[to + 2] = value;
  }
  if (invalid !== 0) throw new TypeError('a token is padded base64url');
  return bytes;
};

/** Encodes bytes as the token that a cipher opens. */
export const bytesToToken = (bytes: Uint8Array): Token => {
  const text = new Uint8Array(4 * Math.ceil(bytes.length / 3));
  for (let from = 0, to = 0; from < bytes.length; from += 3, to += 4) {
    const value = ((bytes[from] ?? 0) << 16) | ((bytes[from + 1] ?? 0) << 8) | (bytes[from + 2] ?? 0);
    text[to] = digitOf(value >> 18);
    text[to + 1] = digitOf(value >> 12);
    text[to + 2] = from + 1 < bytes.length ? digitOf(value >> 6) : PADDING;
    text[to + 3] = from + 2 < bytes.length ? digitOf(value) : PADDING;
  }
  return decodeTextLossy(text) as Token;
};
