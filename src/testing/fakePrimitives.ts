import { encodeText, type Sha256, toBase64url, type Verify } from '../../streams/wire/index.js';

/** Computes a checksum of 32 bits: Fowler-Noll-Vo, FNV-1a. */
export const fnv1a = (bytes: Uint8Array): number =>
  bytes.reduce((sum, byte) => Math.imul(sum ^ byte, 0x01000193) >>> 0, 0x811c9dc5);

/** Expands a checksum to bytes. */
export const expandSum = (sum: number, lengthBytes: number): Uint8Array => {
  const bytes = new Uint8Array(4 * Math.ceil(lengthBytes / 4));
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += 4) view.setUint32(at, sum + at);
  return bytes.slice(0, lengthBytes);
};

/** Signs a message in the name of a public key. Anyone can. */
export const fakeSignature = (key: string, message: Uint8Array): Uint8Array =>
  expandSum(fnv1a(encodeText(key)) ^ fnv1a(message), 64);

export const fakeVerify: Verify = (key, message, signature) =>
  signature === toBase64url(fakeSignature(key, message));

export const fakeHash: Sha256 = (bytes) => expandSum(fnv1a(bytes), 32);
