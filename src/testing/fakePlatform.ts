import { asyncScheduler, NEVER } from 'rxjs';
import { asFernetKey } from '../../streams/client/index.js';
import type { RoomName } from '../../streams/wire/index.js';
import type { Invite } from '../invite/invite.js';
import type { Platform } from '../platform.js';
import { fakeCipher } from './fakeCipher.js';
import { fakeHash, fakeIdentity, fakeVerify } from './fakeKeys.js';
import type { FakeRelay } from './fakeRelay.js';

/** An invite to the room of a fake relay; another first byte of the secret is another room. */
export const FAKE_INVITE: Invite = { host: 'fake.example', port: 55_555, secret: new Uint8Array(32).fill(1) };

/**
 * A platform without secrets, without chance and on virtual time, for `roomOn` and `connectOn`: what happens is the same
 * each time, and a `TestScheduler` draws it. Its ciphers protect nothing.
 *
 * @example
 * import { connectOn, roomOn } from 'rxchat';
 * import { fakePlatform, fakeRelay } from 'rxchat/testing';
 *
 * const platform = fakePlatform(fakeRelay());
 * export const [room, connect] = [roomOn(platform), connectOn(platform)];
 */
export const fakePlatform = (relay: Pick<FakeRelay, 'connect' | 'draw'>): Platform => {
  const draw = () => relay.draw() % 256;
  return {
    cipher: () => fakeCipher,
    deriveRoomKeys: (secret) => {
      const { key, sign } = fakeIdentity(secret[0] ?? 0);
      return { room: key as RoomName, fernetKey: asFernetKey(secret.slice()), sign };
    },
    createIdentity: () => fakeIdentity(draw()),
    signingKey: (seed) => fakeIdentity(seed[0] ?? 0),
    verify: fakeVerify,
    hash: fakeHash,
    showAccess: (token) => (message) => fakeIdentity(token.length).sign(message),
    randomBytes: (n) => new Uint8Array(n).fill(draw()),
    connect: relay.connect,
    random: () => 0,
    now: () => asyncScheduler.now(),
    monotonicNow: () => asyncScheduler.now(),
    resume$: NEVER,
  };
};
