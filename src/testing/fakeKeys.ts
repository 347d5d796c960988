import type { Hash, Identity } from '../../streams/client/index.js';
import { encodeText, toBase64url, type Verify } from '../../streams/wire/index.js';

const sumOf = (bytes: Uint8Array): number =>
  bytes.reduce((sum, byte) => Math.imul(sum ^ byte, 0x01000193) >>> 0, 0x811c9dc5);

const spread = (sum: number, length: number): Uint8Array => {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < length; at += 4) view.setUint32(at, sum + at);
  return bytes;
};

const signatureOf = (key: string, message: Uint8Array): string =>
  toBase64url(spread(sumOf(encodeText(key)) ^ sumOf(message), 64));

/** No secret in it, for drawings; it notices changes, and who signs for another. */
export const fakeIdentity = (mark: number): Identity => {
  const key = toBase64url(new Uint8Array(32).fill(mark));
  return { key, sign: (message) => signatureOf(key, message) };
};
export const fakeVerify: Verify = (key, message, signature) => signature === signatureOf(key, message);
export const fakeHash: Hash = (bytes) => spread(sumOf(bytes), 32);
