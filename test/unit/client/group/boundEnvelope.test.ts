import { describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import type { MessageContent } from '../../../../streams/client/envelope/messageContent.js';
import {
  decodeBoundEnvelope,
  decodeExternalEnvelope,
  encodeBoundEnvelope,
  encodeExternalEnvelope,
} from '../../../../streams/client/group/boundEnvelope.js';
import type { ExternalSenderData, SenderData } from '../../../../streams/client/group/frame.js';
import { decodeText, encodeText } from '../../../../streams/wire/encoding.js';
import { senderSessionOf } from '../../../support/envelopes.js';
import { deviceOf, ed25519, identityOf, memberOf } from '../../../support/group/devices.js';

const suite = {
  ed25519,
  sha256: (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest()),
};
const groupId = new Uint8Array(50).fill(1);
const senderData: SenderData = { epoch: 3, leaf: 1, slot: 0, generation: 7 };
const content: MessageContent = {
  nick: 'alice',
  lines: ['hello', 'world'],
  act: 'me',
  session: senderSessionOf(5),
  counter: 2,
  time: 1000,
  stored: 1,
  seen: { log: 'log', from: 1, to: 0, hash: 'x'.repeat(42) + 'w' },
};
const alice = memberOf(1, 1);
const encode = (data = senderData, more: Partial<MessageContent> = {}, mark = 1) =>
  encodeBoundEnvelope({ ...content, ...more }, deviceOf(mark), groupId, data);
const decode = (plaintext: Uint8Array, data = senderData, group = groupId, member = alice) =>
  decodeBoundEnvelope(plaintext, member, group, data, suite);

describe('the envelope of a member', () => {
  test('is decoded as it was encoded, with the identity of the member', () => {
    const plaintext = encode();
    const bodyHash = expect.stringMatching(/^[\w-]{43}$/) as unknown;
    expect(decode(plaintext)).toStrictEqual({ ...content, key: identityOf(1).key, bodyHash });
    expect(decodeText(plaintext)).not.toMatch(/"(room|key)"/);
  });

  test.each([
    ['epoch', { ...senderData, epoch: 4 }],
    ['leaf', { ...senderData, leaf: 2 }],
    ['slot', { ...senderData, slot: 1 }],
    ['generation', { ...senderData, generation: 8 }],
  ])('is valid for its %s only', (_, other) => {
    expect(decode(encode(), other)).toBe('bad-signature');
    expect(decode(encode(other), other)).toMatchObject({ lines: content.lines });
  });

  test('is valid for its group and device only', () => {
    expect(decode(encode(), senderData, new Uint8Array(50).fill(2))).toBe('bad-signature');
    expect(decode(encode(), senderData, groupId.subarray(1))).toBe('bad-signature');
    expect(decode(encode(senderData, {}, 2))).toBe('bad-signature');
    expect(decode(encode(), senderData, groupId, { ...alice, device: '%' })).toBe('bad-signature');
  });

  test('has the same body hash if it is sealed again, and another for another message', () => {
    const hashOf = (plaintext: Uint8Array, data: SenderData) => {
      const envelope = decode(plaintext, data);
      if (typeof envelope === 'string') throw new Error(envelope);
      return envelope.bodyHash;
    };
    const again = { ...senderData, epoch: 4, generation: 0 };
    expect(hashOf(encode(again), again)).toBe(hashOf(encode(), senderData));
    const other = encode(senderData, { lines: ['goodbye'] });
    expect(hashOf(other, senderData)).not.toBe(hashOf(encode(), senderData));
  });

  test('is refused with any byte changed', () => {
    const plaintext = encode();
    for (let at = 0; at < plaintext.length; at += 1) {
      const changed = plaintext.slice();
      changed[at]! ^= 1;
      expect(decode(changed)).toBe('bad-signature');
    }
  });

  test.each([
    ['an empty nick', { nick: '' }],
    ['the number 0', { counter: 0 }],
    ['more receipts than envelopes', { stored: 2 }],
    ['a session that is too short', { session: 'AAAA' }],
  ])('with %s is not an envelope, even if it is signed', (_, more) => {
    expect(decode(encode(senderData, more))).toBe('not an envelope');
  });

  test('has a line', () => {
    expect(() => encode(senderData, { lines: [] })).toThrow(TypeError);
  });

  test('is bad-signature if there is no signature', () => {
    expect(decode(encodeText('{"kind":"message"}'))).toBe('bad-signature');
    expect(decode(new Uint8Array(0))).toBe('bad-signature');
  });
});

describe('the envelope of an external sender', () => {
  const external: ExternalSenderData = { epoch: 3, ephemeralKey: new Uint8Array(32).fill(4), generation: 0 };
  const encodeExternal = (signer = identityOf(2)) =>
    encodeExternalEnvelope(content, signer, groupId, external);
  const decodeExternal = (plaintext: Uint8Array, data = external, group = groupId) =>
    decodeExternalEnvelope(plaintext, group, data, suite);

  test('names the identity that signed it', () => {
    expect(decodeExternal(encodeExternal())).toMatchObject({ ...content, key: identityOf(2).key });
    const impostor = { key: identityOf(1).key, sign: identityOf(2).sign };
    expect(decodeExternal(encodeExternal(impostor))).toBe('bad-signature');
  });

  test('is valid for its group and message key only', () => {
    const plaintext = encodeExternal();
    expect(decodeExternal(plaintext, { ...external, epoch: 4 })).toBe('bad-signature');
    expect(decodeExternal(plaintext, { ...external, generation: 1 })).toBe('bad-signature');
    const otherKey = new Uint8Array(32).fill(5);
    expect(decodeExternal(plaintext, { ...external, ephemeralKey: otherKey })).toBe('bad-signature');
    expect(decodeExternal(plaintext, external, new Uint8Array(50))).toBe('bad-signature');
  });

  test('is not the envelope of a member, nor the other way round', () => {
    const { identity } = alice;
    const asMember = encodeExternalEnvelope(content, identityOf(1), groupId, external);
    expect(decode(asMember, senderData, groupId, { ...alice, device: identity })).toBe('bad-signature');
    expect(decodeExternal(encode())).toBe('not an envelope');
  });

  test('without a key, or with another content, is not an envelope', () => {
    expect(decodeExternal(encodeExternal({ ...identityOf(2), key: 'AAAA' }))).toBe('not an envelope');
    expect(decodeExternal(new Uint8Array(3))).toBe('not an envelope');
  });
});
