import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import {
  deriveRoomKeys,
  formatInvite,
  isLocked,
  nodeCipher,
  parseAnyInvite,
  parseInvite,
  sha256,
  signingKey,
  unlockInvite,
  verifySignature,
} from '../../src/index.js';
import { decodeText, encodeText, type Plaintext, type RoomName } from '../../streams/index.js';
import { decodeEnvelope, encodeEnvelope, hasValidSignature } from '../../streams/client/envelope/envelope.js';
import { fromBase64url } from '../../streams/wire/encoding.js';
import { deriveOwnerKey } from '../../streams/client/envelope/identity.js';
import { ownerMessage, proofMessage, parseHello } from '../../streams/wire/handshake.js';
import { transcript } from '../../streams/client/integrity/transcript.js';
import { splitRange, parseReadRange, formatReadRange } from '../../streams/client/envelope/readRange.js';
import { welcomeEvent } from '../support/clientEvents.js';

const file = new URL('../../docs/protocol-test-values.json', import.meta.url);
const values = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, string>> & {
  readonly time: number;
  readonly paddedBytes: number;
  readonly seenLines: readonly string[];
  readonly seenHashes: readonly string[];
  readonly longSeen: { readonly parts: readonly (readonly number[])[]; readonly seen: readonly unknown[] };
};
const value = (name: string): string => values[name] ?? `${name} is missing`;
const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));

const { secret } = parseInvite(value('invite'));
const keys = deriveRoomKeys(secret);

test('the invite holds the secret, and its keys are the documented ones', () => {
  expect(Buffer.from(secret).toString('hex')).toBe(values['secretHex']);
  expect(keys.room).toBe(values['room']);
  expect(Buffer.from(keys.fernetKey).toString('hex')).toBe(values['fernetKeyHex']);
  expect(fromBase64url(value('nonce'))).toStrictEqual(hex(value('nonceHex')));
  expect(fromBase64url(value('session'))).toStrictEqual(hex(value('sessionHex')));
});

test('a passphrase becomes the documented secret, however its letters are composed', async () => {
  const locked = parseAnyInvite(value('lockedInvite'));
  if (!isLocked(locked)) throw new Error('it has its secret in it');
  expect(formatInvite(locked)).toBe(value('lockedInvite'));
  const typed = ` \uff23${value('passphrase').slice(1).normalize('NFD')}\n`;
  const { secret: made } = await unlockInvite(locked, typed);
  expect(Buffer.from(made).toString('hex')).toBe(values['passphraseSecretHex']);
});

test('the proof signs the documented bytes, and holds', () => {
  const message = proofMessage({
    nonce: value('nonce'),
    room: value('room'),
    session: value('session'),
    binding: value('binding'),
    nick: value('nick'),
  });
  expect(message).toStrictEqual(encodeText(value('proofMessage')));
  expect(keys.sign(message)).toBe(values['proof']);
  expect(verifySignature(value('room'), message, value('proof'))).toBe(true);
  expect(parseHello(value('hello'))).toMatchObject({ nick: values['nick'], proof: values['proof'] });
});

test('the owner is derived and signs as documented', () => {
  const room = value('room') as RoomName;
  const identity = signingKey(hex(value('identitySeedHex')));
  const signature = fromBase64url(identity.sign(encodeText(value('ownerSeedMessage'))));
  const seed = sha256(signature ?? new Uint8Array(0));
  expect(Buffer.from(seed).toString('hex')).toBe(value('ownerSeedHex'));
  const owner = deriveOwnerKey(identity, { room, hash: sha256, signingKey });
  expect(owner.key).toBe(signingKey(seed).key);
  const { nonce, session, binding, nick } = values as unknown as Record<
    'nonce' | 'session' | 'binding' | 'nick',
    string
  >;
  const message = ownerMessage({ nonce, room, session, binding, nick });
  expect(message).toStrictEqual(encodeText(value('ownerMessage')));
  expect(`${owner.key}/${owner.sign(message)}`).toBe(value('owner'));
});

test('the token seals the documented plaintext', () => {
  const cipher = nodeCipher({ iv: () => hex(value('ivHex')) });
  const plaintext = encodeText(value('plaintext').padEnd(values.paddedBytes - 1)) as Plaintext;
  // One of its characters has two bytes.
  expect(plaintext).toHaveLength(values.paddedBytes);
  expect(cipher.seal(keys.fernetKey, plaintext, values.time)).toBe(values['token']);
});

test('the plaintext is the documented envelope, and its signature the documented one', () => {
  const identity = signingKey(hex(value('identitySeedHex')));
  expect(identity.key).toBe(values['key']);
  expect(identity.sign(encodeText(value('signed')))).toBe(values['signature']);
  const plaintext = encodeText(value('plaintext')) as Plaintext;
  const envelope = decodeEnvelope(plaintext)!;
  expect(envelope).toMatchObject({ nick: 'alice', lines: ['Hello, wörld'], room: keys.room, counter: 1 });
  expect(hasValidSignature(plaintext, envelope, verifySignature)).toBe(true);
  expect(decodeText(encodeEnvelope(envelope, identity))?.trimEnd()).toBe(value('plaintext'));
});

test('the hashes are those of the documented lines', () => {
  const reader = transcript({ hash: sha256 });
  const { log = '', seenLines, seenHashes } = values;
  reader.read(welcomeEvent({ log, from: 1 }));
  seenLines.forEach((line, at) => {
    if (line.startsWith('g')) reader.read({ type: 'token', position: at + 1, token: line });
    else reader.read({ type: 'joined', position: at + 1, nicks: [line.slice(1)], count: 1 });
    const seen = { log, from: 1, to: at + 1, hash: seenHashes[at] ?? '' };
    expect(reader.compare(seen, at + 2)).toBe('same');
  });
  expect(seenLines[1]).toBe(values['token']);
  expect(reader.summary()?.hash).toBe(seenHashes[2]);
});

test('a claim about more than 1024 entries is the documented one', () => {
  const reader = transcript({ hash: sha256 });
  const { seen, parts } = values.longSeen;
  reader.read(welcomeEvent({ log: value('log'), from: 100 }));
  for (let n = 100; n <= 2099; n += 1) reader.read({ type: 'joined', position: n, nicks: [], count: n });
  expect(splitRange(100, 2099).map(({ from, to }) => [from, to])).toStrictEqual(parts);
  expect(parts.length).toBe(6);
  const claim = reader.summary();
  expect(claim && formatReadRange(claim)).toStrictEqual(seen);
  expect(parseReadRange(seen)).toStrictEqual(claim);
});

test('the table in the protocol says the same as the file', () => {
  const text = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');
  for (const name of [
    'secretHex',
    'invite',
    'room',
    'fernetKeyHex',
    'nonce',
    'session',
    'proof',
    'ivHex',
    'token',
    'identitySeedHex',
    'key',
    'ownerSeedHex',
    'owner',
    'signature',
    'signed',
    'plaintext',
  ])
    expect(text).toContain(value(name));
});
