import type { Envelope, SignedEnvelope } from '../../streams/client/envelope/envelope.js';
import type { Identity } from '../../streams/client/envelope/identity.js';
import { fakeIdentity } from '../../src/testing/fakePlatform.js';
import { toBase64url } from '../../streams/wire/encoding.js';
import { LOBBY } from './wire.js';

export { fakeIdentity } from '../../src/testing/fakePlatform.js';
export { fakeHash, fakeVerify } from '../../src/testing/fakePrimitives.js';

export const ALICE: Identity = fakeIdentity(11);
export const BOB: Identity = fakeIdentity(12);

/** Returns a session id of 16 bytes. */
export const senderSessionOf = (mark: number): string => toBase64url(new Uint8Array(16).fill(mark));

/** Alice's first envelope. */
export const envelope = (more: Partial<Envelope> = {}): Envelope => ({
  nick: 'alice',
  lines: ['hello'],
  room: LOBBY,
  key: ALICE.key,
  session: senderSessionOf(5),
  counter: 1,
  time: 0,
  stored: 0,
  ...more,
});

/** Alice's first envelope, decoded. */
export const signedEnvelope = (more: Partial<SignedEnvelope> = {}): SignedEnvelope => ({
  ...envelope(more),
  signature: `signature of ${more.key ?? ''} ${more.session ?? ''} ${more.counter ?? 1}`,
  ...more,
});
