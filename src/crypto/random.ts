import { toBase64url } from '../../streams/wire/index.js';

/** Returns `n` random bytes, at most 65 536. */
export const randomBytes = (n: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(n));

/** Returns `n` random bytes as base64url. */
export const randomText = (n: number): string => toBase64url(randomBytes(n));
