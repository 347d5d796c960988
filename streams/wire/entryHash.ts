import { toBase64url } from './base64url.js';
import { ENTRY_HASH_BYTES } from './resume.js';

/** SHA-256: 32 bytes of any. */
export type Hash = (bytes: Uint8Array) => Uint8Array;

/** Names an entry in a `Resume`: the first 8 bytes of the SHA-256 of its line, in base64url. */
export const entryHash = (digest: Uint8Array): string => toBase64url(digest.subarray(0, ENTRY_HASH_BYTES));
