import { randomBytes } from 'node:crypto';
import { toBase64url } from '../../streams/wire/index.js';

/** `n` random bytes as base64url. */
export const randomText = (n: number): string => toBase64url(randomBytes(n));
