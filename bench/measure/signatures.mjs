import { Buffer } from 'node:buffer';
import { generateKeyPairSync, sign, verify } from 'node:crypto';

/** Measures the signature checks of that many joins alone: the part of a join that no relay can avoid. */
export const signatureChecks = (count) => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const message = Buffer.alloc(180, 'a');
  const signature = sign(null, message, privateKey);
  for (let warm = 0; warm < 100; warm += 1) verify(null, message, publicKey, signature);
  const from = process.cpuUsage();
  for (let at = 0; at < count; at += 1) verify(null, message, publicKey, signature);
  const { user, system } = process.cpuUsage(from);
  return `${count} checks of an Ed25519 signature by node:crypto, alone: ${((user + system) / 1e6).toFixed(2)} CPU s.`;
};
