import { createPublicKey, verify } from 'node:crypto';
import type { Verify } from '../../streams/relay/index.js';
import { fromBase64url } from '../../streams/wire/index.js';

/** DER before a raw Ed25519 public key (RFC 8410), which is how `node:crypto` takes one. */
const PUBLIC_DER = Buffer.from('302a300506032b6570032100', 'hex');

/** Whether a join proof holds under a room's public key. */
export const verifyProof: Verify = (room, message, signature) => {
  const raw = fromBase64url(room);
  const bytes = fromBase64url(signature);
  if (raw?.length !== 32 || bytes?.length !== 64) return false;
  try {
    const key = createPublicKey({ key: Buffer.concat([PUBLIC_DER, raw]), format: 'der', type: 'spki' });
    return verify(null, message, key, bytes);
  } catch {
    return false;
  }
};
