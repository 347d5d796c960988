import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fromBase64url, toBase64url } from '../../../streams/wire/encoding.js';

describe('base64url', () => {
  // RFC 4648 section 10, without padding, and the two letters in which the alphabets differ.
  const vectors: [string, number[]][] = [
    ['', []],
    ['Zg', [0x66]],
    ['Zm8', [0x66, 0x6f]],
    ['Zm9v', [0x66, 0x6f, 0x6f]],
    ['Zm9vYg', [0x66, 0x6f, 0x6f, 0x62]],
    ['Zm9vYmE', [0x66, 0x6f, 0x6f, 0x62, 0x61]],
    ['Zm9vYmFy', [0x66, 0x6f, 0x6f, 0x62, 0x61, 0x72]],
    ['-_8', [0xfb, 0xff]],
  ];

  test.each(vectors)('%j is written and read as in the RFC', (text, bytes) => {
    expect(toBase64url(Uint8Array.from(bytes))).toBe(text);
    expect(fromBase64url(text)).toStrictEqual(Uint8Array.from(bytes));
  });

  test('any bytes come back, and agree with another implementation', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = toBase64url(bytes);
        expect(text).toBe(Buffer.from(bytes).toString('base64url'));
        expect(fromBase64url(text)).toStrictEqual(bytes);
      }),
    );
  });

  test('no two texts name the same bytes', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 90 }), (text) => {
        const bytes = fromBase64url(text);
        if (bytes !== undefined) expect(toBase64url(bytes)).toBe(text);
      }),
    );
  });

  test.each([
    ['padding', 'Zg=='],
    ['an impossible length', 'Z'],
    ['an impossible length, later', 'Zm9vY'],
    ['unused bits that are not zero', 'Zh'],
    ['unused bits that are not zero, after two bytes', 'Zm9'],
    ['the other alphabet', '+/8'],
    ['white space', 'Zm9v '],
    ['a line end', 'Zm9v\n'],
    ['a letter of another script', 'Zm9ѵ'],
    ['a surrogate pair', 'Zm😀'],
    ['a NUL', 'Zm9\0'],
  ])('refuses %s', (_what, text) => {
    expect(fromBase64url(text)).toBeUndefined();
  });
});
