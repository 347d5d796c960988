import { asyncScheduler, NEVER } from 'rxjs';
import {
  asFernetKey,
  type Cipher,
  type FernetKey,
  type Identity,
  type Keyring,
  type Plaintext,
  type Token,
} from '../../streams/client/index.js';
import { fromBase64url, type RoomName, toBase64url } from '../../streams/wire/index.js';
import type { Invite } from '../invite/invite.js';
import type { Platform } from '../platform/platform.js';
import { fakeHash, fakeSignature, fakeVerify } from './fakePrimitives.js';
import { fakeSuite } from './fakeSuite.js';

/** Length of version, time, first byte of the key, and length of the content. */
const HEADER_BYTES = 12;

const checksum = (bytes: Uint8Array): number => bytes.reduce((sum, byte) => (sum + byte) % 256, 0);

/**
 * A deterministic cipher without secrets, for marble tests. It returns strings in the shape of a token and
 * detects changes.
 */
export const fakeCipher: Cipher = {
  seal: (key, plaintext, time) => {
    const size = Math.max(75, 3 * Math.ceil((HEADER_BYTES + plaintext.length + 1) / 3));
    const bytes = new Uint8Array(size);
    const view = new DataView(bytes.buffer);
    view.setUint8(0, 0x80);
    view.setBigUint64(1, BigInt(time));
    view.setUint8(9, key[0] ?? 0);
    view.setUint16(10, plaintext.length);
    bytes.set(plaintext, HEADER_BYTES);
    bytes[size - 1] = checksum(bytes);
    return toBase64url(bytes) as Token;
  },
  open: (key, token) => {
    const bytes = fromBase64url(token);
    if (bytes === undefined || bytes.length < 75) return 'malformed';
    const body = bytes.subarray(0, -1);
    if (bytes[9] !== key[0] || bytes.at(-1) !== checksum(body)) return 'wrong key or tampered';
    const length = new DataView(bytes.buffer).getUint16(10);
    return bytes.slice(HEADER_BYTES, HEADER_BYTES + length) as Plaintext;
  },
};

/** Returns the time in the unencrypted part of a token, in seconds since 1970. */
export const tokenTime = (token: Token): number =>
  Number(new DataView((fromBase64url(token) ?? new Uint8Array(HEADER_BYTES)).buffer).getBigUint64(1));

export const fakeKey = (mark: number): FernetKey => asFernetKey(new Uint8Array(32).fill(mark));

/** Creates a keyring that seals with the first key and opens with all. */
export const fakeKeyring = (first: number, ...others: number[]): Keyring => ({
  seal: fakeKey(first),
  open: [first, ...others].map(fakeKey),
});

/**
 * Creates a deterministic identity without secrets, for marble tests. Verification detects changes and foreign
 * signatures.
 */
export const fakeIdentity = (mark: number): Identity => {
  const key = toBase64url(new Uint8Array(32).fill(mark));
  return { key, sign: (message) => toBase64url(fakeSignature(key, message)) };
};

/** An invite to a room of a fake relay. Another first byte of the secret is another room. */
export const FAKE_INVITE: Invite = { host: 'fake.example', port: 55_555, secret: new Uint8Array(32).fill(1) };

/**
 * Creates a deterministic platform on virtual time, for `createJoinRoom` and `createOpenSession` under a
 * `TestScheduler`. Its ciphers protect nothing.
 *
 * @example
 * import { createOpenSession, createJoinRoom } from 'rxchat';
 * import { fakePlatform, fakeRelay } from 'rxchat/testing';
 *
 * const platform = fakePlatform(fakeRelay());
 * export const [joinRoom, openSession] = [createJoinRoom(platform), createOpenSession(platform)];
 */
export const fakePlatform = (relay: {
  readonly connect: Platform['connect'];
  readonly nextNumber: () => number;
}): Platform => {
  const nextByte = () => relay.nextNumber() % 256;
  return {
    cipher: () => fakeCipher,
    suite: () => fakeSuite(relay.nextNumber),
    deriveRoomKeys: (secret) => {
      const { key, sign } = fakeIdentity(secret[0] ?? 0);
      return { room: key as RoomName, fernetKey: asFernetKey(secret.slice()), sign };
    },
    createIdentity: () => fakeIdentity(nextByte()),
    signingKey: (seed) => fakeIdentity(seed[0] ?? 0),
    verify: fakeVerify,
    hash: fakeHash,
    proveAccess: (token) => (message) => fakeIdentity(token.length).sign(message),
    randomBytes: (n) => new Uint8Array(n).fill(nextByte()),
    connect: relay.connect,
    random: () => 0,
    now: () => asyncScheduler.now(),
    monotonicNow: () => asyncScheduler.now(),
    resume$: NEVER,
  };
};
