import { createHmac, timingSafeEqual } from 'node:crypto';
import type { CheckAccess } from '../../streams/relay/index.js';
import { fromBase64url, toBase64url } from '../../streams/wire/index.js';

/**
 * Minimum length of an access token in characters. An observer of an unencrypted join can try tokens against
 * it.
 */
export const MIN_ACCESS_TOKEN_LENGTH = 16;

const hmacSha256 = (token: string, message: Uint8Array): Buffer =>
  createHmac('sha256', token).update(message).digest();

/** Proves possession of an access token for one join: HMAC-SHA256 in base64url. The token itself is never sent. */
export const proveAccess =
  (token: string) =>
  (message: Uint8Array): string =>
    toBase64url(hmacSha256(token, message));

/** Checks whether a join proves possession of one of these tokens. Compares with every token in constant time. */
export const checkAccess =
  (tokens: readonly string[]): CheckAccess =>
  (message, access) => {
    const proof = access === undefined ? undefined : fromBase64url(access);
    if (proof?.length !== 32) return false;
    return tokens.filter((token) => timingSafeEqual(hmacSha256(token, message), proof)).length > 0;
  };
