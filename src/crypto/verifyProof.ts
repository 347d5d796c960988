import type { Verify } from '../../streams/wire/index.js';
import { verifySignature } from './verifySignature.js';

/** Whether a join proof holds under a room's public key. */
export const verifyProof: Verify = verifySignature;
