import { toBase64url } from '../../streams/wire/index.js';

/** `n` random bytes, by the generator that every platform has under the same name; 65 536 at most. */
export const randomBytes = (n: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(n));

/** `n` random bytes as base64url. */
export const randomText = (n: number): string => toBase64url(randomBytes(n));
