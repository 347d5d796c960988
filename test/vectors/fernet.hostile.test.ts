import { describe, expect, test } from '@jest/globals';
import type { Token } from '../../streams/client/envelope/cipher.js';
import { nodeCipher } from '../../src/crypto/nodeCipher.js';
import { forgeToken, engines, KEY, fernetKeyOf, plaintextOf, describeOpened } from '../support/fernet.js';

const [, npm] = engines[1]!;

/** Two blocks, so that one block is not the last. */
const TEXT = 'a text of two blocks';
const token = nodeCipher({ iv: () => new Uint8Array(16).fill(0xff) }).seal(
  KEY,
  plaintextOf(TEXT),
  1_767_225_600,
);
const raw = Buffer.from(token, 'base64url');

const encoded = (bytes: Uint8Array): Token => {
  const text = Buffer.from(bytes).toString('base64');
  return text.replaceAll('+', '-').replaceAll('/', '_') as Token;
};

test('an IV other than the specification’s 00..0f is used as it is: made by python3 cryptography 48', () => {
  const key = fernetKeyOf('yMnKy8zNzs_Q0dLT1NXW19jZ2tvc3d7f4OHi4-Tl5uc=');
  const made =
    'gAAAAABpVbkA__79_Pv6-fj39vX08_Lx8Hyj5nVdu4oJzmkFa3OWmOe5eDSyqnPJ6Dzib5Zmu1sTeXbaH0DpykwchNZK371ddWQ2NcSKN3G81Doy5acpbxU=';
  const text = 'Grüße, 世界 🙂';
  const iv = new Uint8Array(16).map((_, at) => 255 - at);
  expect(nodeCipher({ iv: () => iv }).seal(key, plaintextOf(text), 1_767_225_600)).toBe(made);
  for (const [, cipher] of engines)
    expect(describeOpened(cipher.open(key, made as Token))).toBe(`text: ${text}`);
});

describe.each(engines)('%s refuses as malformed', (_name, cipher) => {
  const opened = (each: string) => describeOpened(cipher.open(KEY, each as Token));

  test('nothing that is whole', () => {
    expect(opened(token)).toBe(`text: ${TEXT}`);
    expect(token).toMatch(/=$/);
  });

  const spelled: [string, string][] = [
    ['the alphabet with + and /', Buffer.from(raw).toString('base64')],
    ['missing padding', token.replace(/=+$/, '')],
    ['too much padding', `${token}====`],
    ['padding in the middle', `${token.slice(0, 8)}====${token.slice(8)}`],
    ['a newline after it', `${token}\n`],
    ['a newline inside, at a whole group', `${token.slice(0, 76)}\n${token.slice(76)}`],
    ['a space inside', `${token.slice(0, 40)} ${token.slice(40)}`],
    ['four spaces inside', `${token.slice(0, 40)}    ${token.slice(40)}`],
    ['a letter that is not ASCII', token.replace(/.(?=.{8}$)/, 'é')],
    ['a null character', `${token.slice(0, 40)}\0${token.slice(41)}`],
    ['nothing at all', ''],
  ];
  test.each(spelled)('another spelling: %s', (_case, each) => {
    expect(each).not.toBe(token);
    expect(opened(each)).toBe('malformed');
  });

  test('unused bits that are set, which spell the same bytes', () => {
    const last = token.replace(/=+$/, '').at(-1)!;
    const at = token.lastIndexOf(last);
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const twin = alphabet[alphabet.indexOf(last) + 1]!;
    const each = token.slice(0, at) + twin + token.slice(at + 1);
    expect(Buffer.from(each, 'base64url')).toStrictEqual(raw);
    expect(opened(each)).toBe('malformed');
  });

  test('another version, its HMAC right', () => {
    const blocks = new Uint8Array(16).fill(16);
    expect(opened(forgeToken({ blocks }))).toBe('text: ');
    for (const version of [0x00, 0x7f, 0x81, 0xff])
      expect(opened(forgeToken({ blocks, version }))).toBe('malformed');
  });

  const block = (...end: number[]) => {
    const bytes = new Uint8Array(16).fill(0x61);
    bytes.set(end, 16 - end.length);
    return bytes;
  };
  // The fernet package checks only the last byte. Our engine detects all of these: the plaintext must encrypt to the
  // same token.
  const paddings: [string, Uint8Array][] = [
    ['padding bytes that are not all equal', block(1, 2, 3, 4)],
    ['all padding but the first byte', block(9, ...new Array<number>(15).fill(16))],
    ['a padding of no byte', block(0)],
    ['a padding of seventeen bytes', block(17)],
    ['a padding of 255 bytes', block(255)],
    ['a padding longer than the block, in the second one', Buffer.concat([block(), block(17)])],
    ['no block at all', new Uint8Array(0)],
  ];
  test.each(paddings)('%s, the HMAC right', (_case, blocks) => {
    expect(opened(forgeToken({ blocks }))).toBe('malformed');
  });

  test('a token cut at every length', () => {
    for (let length = 0; length < token.length; length += 1) {
      expect(opened(token.slice(0, length))).toBe('malformed');
      // Also cut at the front, as a line that lost its beginning.
      expect(opened(token.slice(token.length - length))).toBe('malformed');
    }
  });

  test('bytes that were cut and encoded again, unless whole blocks are gone: those fail the HMAC', () => {
    for (let length = 0; length < raw.length; length += 1) {
      const whole = length === raw.length - 16;
      expect(opened(encoded(raw.subarray(0, length)))).toBe(whole ? 'wrong key or tampered' : 'malformed');
    }
  });
});

describe('one bit flipped', () => {
  // The fernet package is slow, so the test flips one bit per byte.
  const bits = new Map([
    ['node:crypto', [0, 1, 2, 3, 4, 5, 6, 7]],
    ['the fernet package', [3]],
    ['noble', [0, 7]],
  ]);

  test.each(engines)('is noticed by %s, wherever it is', (name, cipher) => {
    const seen = new Set<string>();
    for (let at = 0; at < raw.length; at += 1)
      for (const bit of bits.get(name)!) {
        const bytes = Buffer.from(raw);
        bytes[at]! ^= 1 << bit;
        seen.add(`${at === 0 ? 'version' : 'later'}: ${describeOpened(cipher.open(KEY, encoded(bytes)))}`);
      }
    expect([...seen]).toStrictEqual(['version: malformed', 'later: wrong key or tampered']);
  });
});

describe.each(engines)('%s and the time of a token', (_name, cipher) => {
  const opened = (time: number, freshness?: { now: number; ttl: number }) =>
    describeOpened(cipher.open(KEY, forgeToken({ blocks: new Uint8Array(16).fill(16), time }), freshness));

  test('any time opens without freshness: history has no expiry, and other clocks are wrong', () => {
    for (const time of [0, 1, 59, 2 ** 31, 2 ** 32, 2 ** 40, 8.64e12]) expect(opened(time)).toBe('text: ');
  });

  test('with freshness it is judged by the clock given, to the second', () => {
    const freshness = { now: 10_000, ttl: 60 };
    const audited = [9939, 9940, 10_000, 10_060, 10_061, 2 ** 40].map((time) => opened(time, freshness));
    expect(audited).toStrictEqual([
      'expired',
      'text: ',
      'text: ',
      'text: ',
      'from the future',
      'from the future',
    ]);
  });

  test('a wrong HMAC is reported before a wrong time', () => {
    const blocks = new Uint8Array(16).fill(16);
    const stranger = forgeToken({ blocks, key: fernetKeyOf('A'.repeat(43)) });
    expect(describeOpened(cipher.open(KEY, stranger, { now: 10_000, ttl: 60 }))).toBe(
      'wrong key or tampered',
    );
  });
});

describe('what the fernet package cannot do', () => {
  test('open a token of a time beyond what a Date holds: it counts it into the HMAC as garbage', () => {
    const late = forgeToken({ blocks: new Uint8Array(16).fill(16), time: 8.64e12 + 1 });
    expect(describeOpened(nodeCipher().open(KEY, late))).toBe('text: ');
    expect(describeOpened(npm.open(KEY, late))).toBe('wrong key or tampered');
  });

  test('carry bytes that are no text: to seal them is a TypeError, to open them malformed', () => {
    const bytes = new Uint8Array([0xff, 0xfe]) as ReturnType<typeof plaintextOf>;
    const made = nodeCipher().seal(KEY, bytes, 60);
    expect(nodeCipher().open(KEY, made)).toStrictEqual(Buffer.from(bytes));
    expect(describeOpened(npm.open(KEY, made))).toBe('malformed');
    expect(() => npm.seal(KEY, bytes, 60)).toThrow(new TypeError('the fernet package seals text only'));
  });
});
