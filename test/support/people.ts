import type { Envelope, SignedEnvelope } from '../../streams/client/envelope.js';
import type { Identity } from '../../streams/client/identity.js';
import { fakeIdentity } from '../../src/testing/fakeKeys.js';
import { toBase64url } from '../../streams/wire/base64url.js';
import { LOBBY } from './wire.js';

export { fakeHash, fakeIdentity, fakeVerify } from '../../src/testing/fakeKeys.js';

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
