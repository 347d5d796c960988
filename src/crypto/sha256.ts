import { createHash } from 'node:crypto';
import type { Hash } from '../../streams/wire/index.js';

/** SHA-256 by `node:crypto`. */
export const sha256: Hash = (bytes) => createHash('sha256').update(bytes).digest();
