import type {
  Cipher,
  FernetKey,
  OpenFailure,
  Plaintext,
  TimeWindow,
  Token,
} from '../../streams/client/index.js';
import {
  TOKEN_BLOCK_BYTES,
  TOKEN_CIPHERTEXT_OFFSET,
  TOKEN_HMAC_BYTES,
  TOKEN_IV_OFFSET,
  TOKEN_TIME_OFFSET,
  TOKEN_VERSION,
} from '../../streams/wire/index.js';

/** The primitives of a platform that Fernet needs. */
export interface FernetPrimitives {
  /** Encrypts by AES-128-CBC with PKCS #7 padding. */
  readonly encrypt: (key: Uint8Array, iv: Uint8Array, plaintext: Uint8Array) => Uint8Array;
  /** Decrypts by AES-128-CBC. Throws if the padding is wrong. */
  readonly decrypt: (key: Uint8Array, iv: Uint8Array, ciphertext: Uint8Array) => Uint8Array;
  /** Computes HMAC-SHA256. */
  readonly hmac: (key: Uint8Array, message: Uint8Array) => Uint8Array;
  /** Compares bytes in constant time. */
  readonly isEqual: (a: Uint8Array, b: Uint8Array) => boolean;
  readonly base64url: Base64url;
}

/** Encodes base64url without padding, and decodes it with or without. */
export interface Base64url {
  readonly encode: (bytes: Uint8Array) => string;
  readonly decode: (text: string) => Uint8Array | undefined;
}

/** The parts of a Fernet token (https://github.com/fernet/spec/blob/master/Spec.md). */
export interface TokenParts {
  /** The bytes that the HMAC covers. */
  readonly signed: Uint8Array;
  /** Seconds since 1970. */
  readonly time: number;
  readonly iv: Uint8Array;
  readonly ciphertext: Uint8Array;
  readonly hmac: Uint8Array;
}

const signingHalf = (key: FernetKey) => key.subarray(0, 16);
const encryptionHalf = (key: FernetKey) => key.subarray(16);

/** Creates a Fernet cipher from the primitives of a platform. */
export const createFernetCipher = (
  { encrypt, decrypt, hmac, isEqual, base64url }: FernetPrimitives,
  createIv: () => Uint8Array,
): Cipher => {
  const sealBytes = (key: FernetKey, plaintext: Plaintext, time: number): Uint8Array => {
    const iv = createIv();
    const ciphertext = encrypt(encryptionHalf(key), iv, plaintext);
    const token = new Uint8Array(TOKEN_CIPHERTEXT_OFFSET + ciphertext.length + TOKEN_HMAC_BYTES);
    token[0] = TOKEN_VERSION;
    new DataView(token.buffer).setBigUint64(TOKEN_TIME_OFFSET, BigInt(time));
    token.set(iv, TOKEN_IV_OFFSET);
    token.set(ciphertext, TOKEN_CIPHERTEXT_OFFSET);
    token.set(
      hmac(signingHalf(key), token.subarray(0, -TOKEN_HMAC_BYTES)),
      TOKEN_CIPHERTEXT_OFFSET + ciphertext.length,
    );
    return token;
  };

  const openParts = (
    key: FernetKey,
    parts: TokenParts | undefined,
    timeWindow: TimeWindow | undefined,
  ): Plaintext | OpenFailure => {
    if (parts === undefined) return 'malformed';
    if (!isEqual(hmac(signingHalf(key), parts.signed), parts.hmac)) return 'wrong key or tampered';
    const failure = checkTimestamp(parts.time, timeWindow);
    if (failure !== undefined) return failure;
    try {
      return decrypt(encryptionHalf(key), parts.iv, parts.ciphertext) as Plaintext;
    } catch {
      return 'malformed';
    }
  };

  return {
    seal: (key, plaintext, time) => formatToken(sealBytes(key, plaintext, time), base64url) as Token,
    open: (key, token, timeWindow) => openParts(key, parseToken(token, base64url), timeWindow),
    sealBytes,
    openBytes: (key, token, timeWindow) => openParts(key, parseTokenBytes(token), timeWindow),
  };
};

/**
 * Splits a token into its parts, or returns `undefined` if it is malformed. It accepts only canonical padded
 * base64url, version 0x80 and at least one whole block. It does not verify the HMAC.
 */
export const parseToken = (token: string, base64url: Base64url): TokenParts | undefined => {
  const bytes = base64url.decode(token);
  // A second encoding of the same token would be another line with the same meaning. This finds each invalid character
  // too: a pattern that finds them takes longer than the decryption.
  return bytes === undefined || formatToken(bytes, base64url) !== token ? undefined : parseTokenBytes(bytes);
};

const parseTokenBytes = (bytes: Uint8Array): TokenParts | undefined => {
  const blocks = (bytes.length - TOKEN_CIPHERTEXT_OFFSET - TOKEN_HMAC_BYTES) / TOKEN_BLOCK_BYTES;
  if (bytes[0] !== TOKEN_VERSION || blocks < 1 || !Number.isInteger(blocks)) return undefined;
  return {
    signed: bytes.subarray(0, -TOKEN_HMAC_BYTES),
    time: Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(TOKEN_TIME_OFFSET)),
    iv: bytes.subarray(TOKEN_IV_OFFSET, TOKEN_CIPHERTEXT_OFFSET),
    ciphertext: bytes.subarray(TOKEN_CIPHERTEXT_OFFSET, -TOKEN_HMAC_BYTES),
    hmac: bytes.subarray(-TOKEN_HMAC_BYTES),
  };
};

/** Encodes bytes as the Fernet specification requires: base64url with padding. */
export const formatToken = (bytes: Uint8Array, base64url: Base64url): string =>
  base64url.encode(bytes) + '='.repeat((3 - (bytes.length % 3)) % 3);

/** Tolerated clock skew in seconds, as in the Fernet specification. */
const MAX_CLOCK_SKEW_SECONDS = 60;

/** Checks the time of a token. Returns the failure, or `undefined` if the time is acceptable. */
export const checkTimestamp = (time: number, timeWindow: TimeWindow | undefined): OpenFailure | undefined => {
  if (timeWindow === undefined) return undefined;
  if (time + timeWindow.ttl < timeWindow.now) return 'expired';
  return time > timeWindow.now + MAX_CLOCK_SKEW_SECONDS ? 'from the future' : undefined;
};
