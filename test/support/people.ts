import type { Envelope, SignedEnvelope } from '../../streams/client/envelope.js';
import type { Hash, Identity } from '../../streams/client/identity.js';
import { toBase64url } from '../../streams/wire/base64url.js';
import type { Verify } from '../../streams/wire/signature.js';
import { encodeText } from '../../streams/wire/utf8.js';
import { LOBBY } from './wire.js';

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

export const ALICE: Identity = fakeIdentity(11);
export const BOB: Identity = fakeIdentity(12);

/** 16 bytes that name a run. */
export const runOf = (mark: number): string => toBase64url(new Uint8Array(16).fill(mark));

/** Alice's first envelope. */
export const envelope = (more: Partial<Envelope> = {}): Envelope => ({
  nick: 'alice',
  lines: ['hello'],
  room: LOBBY,
  key: ALICE.key,
  session: runOf(5),
  counter: 1,
  time: 0,
  stored: 0,
  ...more,
});

/** The same, read. */
export const signed = (more: Partial<SignedEnvelope> = {}): SignedEnvelope => ({
  ...envelope(more),
  signature: `signature of ${more.key ?? ''} ${more.session ?? ''} ${more.counter ?? 1}`,
  ...more,
});
