import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { deriveRoomKeys, nodeCipher, parseInvite, verifyProof } from '../../src/index.js';
import { encodeText, fromBase64url, type Plaintext, proofMessage, readHello } from '../../streams/index.js';

const file = new URL('../../docs/protocol-test-values.json', import.meta.url);
const values = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, string>> & {
  readonly time: number;
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
  expect(verifyProof(value('room'), message, value('proof'))).toBe(true);
  expect(readHello(value('hello'))).toMatchObject({ nick: values['nick'], proof: values['proof'] });
});

test('the token seals the documented plaintext', () => {
  const cipher = nodeCipher({ iv: () => hex(value('ivHex')) });
  const plaintext = encodeText(value('plaintext')) as Plaintext;
  expect(cipher.seal(keys.fernetKey, plaintext, values.time)).toBe(values['token']);
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
  ])
    expect(text).toContain(value(name));
});
