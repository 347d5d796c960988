import { createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { randomText } from '../../../src/crypto/random.js';
import { deriveRoomKeys } from '../../../src/crypto/nodeKeys.js';
import { verifySignature } from '../../../src/crypto/nodeVerify.js';
import { encodeText, fromBase64url, toBase64url } from '../../../streams/wire/encoding.js';
import { proofMessage } from '../../../streams/wire/handshake.js';

const secret = new Uint8Array(32).map((_, at) => at);
const keys = deriveRoomKeys(secret);

/** HKDF (RFC 5869) for one block of SHA-256, step by step. No salt is a salt of zeros. */
const hkdf = (input: Uint8Array, info: string): Buffer => {
  const extracted = createHmac('sha256', new Uint8Array(32)).update(input).digest();
  return createHmac('sha256', extracted)
    .update(info)
    .update(new Uint8Array([1]))
    .digest();
};

describe('deriveRoomKeys', () => {
  test('derives the same keys from the same secret', () => {
    const again = deriveRoomKeys(Uint8Array.from(secret));
    expect(again.room).toBe(keys.room);
    expect(again.fernetKey).toStrictEqual(keys.fernetKey);
    const message = encodeText('hello');
    expect(again.sign(message)).toBe(keys.sign(message));
  });

  test('derives the Fernet key by HKDF-SHA256 with its own label', () => {
    expect(Buffer.from(keys.fernetKey)).toStrictEqual(hkdf(secret, 'rxchat/1 room fernet key'));
    expect(hkdf(secret, 'rxchat/1 room fernet key')).not.toStrictEqual(
      hkdf(secret, 'rxchat/1 room signing key'),
    );
  });

  test('derives a room name that reveals neither the secret nor the Fernet key', () => {
    expect(keys.room).toMatch(/^[\w-]{43}$/);
    const name = Buffer.from(fromBase64url(keys.room)!);
    expect(name).toHaveLength(32);
    for (const hidden of [secret, keys.fernetKey, hkdf(secret, 'rxchat/1 room signing key')])
      expect(name).not.toStrictEqual(Buffer.from(hidden));
  });

  test('derives another room, key and signature from another secret', () => {
    const bit = fc.record({ at: fc.nat({ max: 31 }), bit: fc.nat({ max: 7 }) });
    fc.assert(
      fc.property(bit, ({ at, bit }) => {
        const other = Uint8Array.from(secret);
        other[at]! ^= 1 << bit;
        const others = deriveRoomKeys(other);
        expect(others.room).not.toBe(keys.room);
        expect(others.fernetKey).not.toStrictEqual(keys.fernetKey);
        const message = encodeText('hello');
        expect(verifySignature(keys.room, message, others.sign(message))).toBe(false);
      }),
    );
  });
});

describe('verifySignature', () => {
  // RFC 8032, section 7.1. The public keys there are raw, so this also checks the DER around ours.
  const rfc: [string, string, string, string][] = [
    [
      '1',
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      '',
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155' +
        '5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    ],
    [
      '2',
      '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
      '72',
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
        '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    ],
  ];
  test.each(rfc)(
    'accepts test %s of RFC 8032, and rejects another message',
    (_n, key, message, signature) => {
      const room = toBase64url(Buffer.from(key, 'hex'));
      const proof = toBase64url(Buffer.from(signature, 'hex'));
      expect(verifySignature(room, Buffer.from(message, 'hex'), proof)).toBe(true);
      expect(verifySignature(room, Buffer.from(`${message}00`, 'hex'), proof)).toBe(false);
    },
  );

  const joining = {
    nonce: toBase64url(new Uint8Array(32).fill(1)),
    room: keys.room,
    session: toBase64url(new Uint8Array(16).fill(2)),
    binding: '',
    nick: 'alice',
  };
  const proof = keys.sign(proofMessage(joining));

  test('accepts the proof of a join', () => {
    expect(proof).toMatch(/^[\w-]{86}$/);
    expect(verifySignature(keys.room, proofMessage(joining), proof)).toBe(true);
  });

  const others: [string, Partial<typeof joining>][] = [
    ['nonce', { nonce: toBase64url(new Uint8Array(32).fill(9)) }],
    ['room', { room: deriveRoomKeys(new Uint8Array(32)).room }],
    ['session', { session: toBase64url(new Uint8Array(16).fill(9)) }],
    ['channel binding', { binding: toBase64url(new Uint8Array([1])) }],
    ['nick', { nick: 'alicf' }],
    ['nick, which is no word of the next line', { nick: 'alice\n' }],
    ['split between its fields', { binding: 'alice', nick: '' }],
  ];
  test.each(others)('rejects a join with another %s', (_name, other) => {
    expect(verifySignature(keys.room, proofMessage({ ...joining, ...other }), proof)).toBe(false);
  });

  test('rejects a proof under the key of another room', () => {
    const { room } = deriveRoomKeys(new Uint8Array(32));
    expect(verifySignature(room, proofMessage(joining), proof)).toBe(false);
  });

  test('rejects a signature with one changed bit', () => {
    const bytes = fromBase64url(proof)!;
    for (let at = 0; at < 64; at += 1) {
      const changed = Uint8Array.from(bytes);
      changed[at]! ^= 0x10;
      expect(verifySignature(keys.room, proofMessage(joining), toBase64url(changed))).toBe(false);
    }
  });

  const malformed: [string, string, string][] = [
    ['no room', '', proof],
    ['a room cut by one', keys.room.slice(0, -1), proof],
    ['a room that is no base64url', `${keys.room.slice(0, -1)}!`, proof],
    ['a padded room', `${keys.room}=`, proof],
    ['a room that is no point of the curve', toBase64url(new Uint8Array(32).fill(0xff)), proof],
    ['no signature', keys.room, ''],
    ['a signature cut by one', keys.room, proof.slice(0, -1)],
    ['a signature that is too long', keys.room, `${proof}AA`],
    ['a signature of zeros', keys.room, toBase64url(new Uint8Array(64))],
    ['a signature in hex', keys.room, Buffer.from(fromBase64url(proof)!).toString('hex')],
  ];
  test.each(malformed)('rejects without throwing: %s', (_case, room, signature) => {
    expect(verifySignature(room, proofMessage(joining), signature)).toBe(false);
  });

  test('never throws', () => {
    const key = fc.oneof(fc.string(), fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toBase64url));
    const signature = fc.oneof(fc.string(), fc.uint8Array({ minLength: 64, maxLength: 64 }).map(toBase64url));
    fc.assert(
      fc.property(key, fc.uint8Array(), signature, (room, message, given) => {
        expect(verifySignature(room, message, given)).toBe(false);
      }),
    );
  });
});

test('randomText returns base64url of the requested number of bytes, different each time', () => {
  const texts = Array.from({ length: 100 }, () => randomText(16));
  for (const text of texts) expect(fromBase64url(text)).toHaveLength(16);
  expect(new Set(texts).size).toBe(100);
});
