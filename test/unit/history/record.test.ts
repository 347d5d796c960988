import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { countLines, cut, dropLines } from '../../../src/history/cut.js';
import { positionOf, recordKey, roomKey, roomOf } from '../../../src/history/keys.js';
import {
  decodeEntries,
  decodeRoom,
  decodeVersion,
  encodeEntries,
  encodeRoom,
  encodeVersion,
} from '../../../src/history/record.js';
import { bytes } from '../../support/wire.js';

const position = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.maxSafeNat());
const room = fc.string({ unit: 'grapheme', maxLength: 20 });
const state = fc.record(
  {
    id: fc.string({ unit: 'grapheme', maxLength: 20 }),
    first: position,
    start: position,
    next: position,
    end: position,
    oldest: position,
  },
  { noNullPrototype: true },
);

const compare = (a: Uint8Array, b: Uint8Array) => Math.sign(Buffer.compare(a, b));

describe('keys', () => {
  test('of a room name it', () => {
    fc.assert(fc.property(room, (name) => roomOf(roomKey(name)) === name));
  });

  test('of records are in the order of positions, and name them', () => {
    fc.assert(
      fc.property(room, position, position, (name, a, b) => {
        expect(compare(recordKey(name, a), recordKey(name, b))).toBe(Math.sign(a - b));
        expect(positionOf(recordKey(name, a))).toBe(a);
      }),
    );
  });

  test('of one room are not among those of another', () => {
    fc.assert(
      fc.property(room, room, position, (one, other, at) => {
        fc.pre(one !== other);
        const isAfter = compare(recordKey(one, at), recordKey(other, 0)) >= 0;
        const isBefore = compare(recordKey(one, at), recordKey(other, Number.MAX_SAFE_INTEGER)) <= 0;
        expect(isAfter && isBefore).toBe(false);
      }),
    );
  });

  test('are made of names of at most 255 bytes', () => {
    expect(roomKey('é'.repeat(127))).toHaveLength(255);
    expect(() => roomKey('é'.repeat(128))).toThrow("a room's name is longer than 255 bytes: 256");
    expect(() => recordKey('é'.repeat(128), 1)).toThrow(RangeError);
  });
});

describe('values', () => {
  const entries = fc.record({ count: fc.nat(), time: position, offset: position, body: fc.uint8Array() });
  const key = recordKey('lobby', 7);
  const some = encodeEntries(key, { count: 2, time: 1, offset: 2 }, [bytes('one'), bytes('two')]);

  test('of entries give back what went in', () => {
    fc.assert(
      fc.property(entries, fc.nat(20), ({ body, ...rest }, at) => {
        const value = encodeEntries(key, rest, [body.subarray(0, at), body.subarray(at)]);
        expect({ ...decodeEntries(key, value)!, body: undefined }).toStrictEqual({
          ...rest,
          body: undefined,
        });
        expect(Buffer.compare(decodeEntries(key, value)!.body, body)).toBe(0);
      }),
    );
  });

  test('of rooms give back what went in', () => {
    fc.assert(
      fc.property(state, (each) => {
        expect(decodeRoom(roomKey('lobby'), encodeRoom(roomKey('lobby'), each))).toStrictEqual(each);
      }),
    );
  });

  test('of versions give back what went in', () => {
    expect(decodeVersion(key, encodeVersion(key, 7))).toBe(7);
  });

  const values = {
    entries: [some, decodeEntries],
    room: [encodeRoom(key, { id: 'id', first: 1, start: 0, next: 3, end: 8, oldest: 5 }), decodeRoom],
    version: [encodeVersion(key, 1), decodeVersion],
  } as const;

  describe.each(Object.entries(values))('of a %s', (_name, [value, decode]) => {
    test('are refused where any bit of them is another', () => {
      for (let bit = 0; bit < 8 * value.length; bit += 1) {
        const broken = Uint8Array.from(value);
        broken[bit >> 3]! ^= 1 << (bit & 7);
        expect(decode(key, broken)).toBeUndefined();
      }
      expect(decode(key, value)).toBeDefined();
    });

    test('are refused where they are cut off, or longer', () => {
      for (let length = 0; length < value.length; length += 1)
        expect(decode(key, value.slice(0, length))).toBeUndefined();
      expect(decode(key, Uint8Array.of(...value, 0))).toBeUndefined();
    });

    test('are refused under another key', () => {
      expect(decode(recordKey('lobby', 8), value)).toBeUndefined();
      expect(decode(recordKey('cellar', 7), value)).toBeUndefined();
    });

    test('are refused where they are nothing but one byte', () => {
      for (const byte of [0, 255])
        expect(decode(key, new Uint8Array(value.length).fill(byte))).toBeUndefined();
    });
  });
});

describe('cutting a batch', () => {
  const slice = fc
    .array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 8 })
    .map((lengths) => bytes(...lengths.map((length) => 'x'.repeat(length))));

  test('gives the same lines, in pieces as large as they may be', () => {
    fc.assert(
      fc.property(fc.array(slice, { maxLength: 6 }), fc.integer({ min: 1, max: 40 }), (slices, limit) => {
        const pieces = cut(slices, limit)!.map((piece) => ({
          body: Buffer.concat(piece.slices),
          count: piece.count,
        }));
        expect(Buffer.concat(pieces.map(({ body }) => body)).equals(Buffer.concat(slices))).toBe(true);
        pieces.forEach(({ body, count }, at) => {
          expect(count).toBe(countLines(body));
          if (count > 1) expect(body.length).toBeLessThanOrEqual(limit);
          const following = pieces[at + 1]?.body;
          if (following === undefined) return;
          expect(body.length + following.indexOf(10) + 1).toBeGreaterThan(limit);
        });
      }),
    );
  });

  test('refuses slices that do not end with a newline', () => {
    expect(cut([bytes('a'), Buffer.from('b')], 10)).toBeUndefined();
    expect(cut([new Uint8Array(0)], 10)).toBeUndefined();
    expect(cut([], 10)).toStrictEqual([]);
  });

  test('leaves lines away from the front', () => {
    const lines = bytes('a', '', 'ccc');
    expect([0, 1, 2, 3].map((n) => String(Buffer.from(dropLines(lines, n))))).toStrictEqual([
      'a\n\nccc\n',
      '\nccc\n',
      'ccc\n',
      '',
    ]);
  });
});
