import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  parseRecordPosition,
  parseRoomKey,
  recordKey,
  roomKey,
} from '../../../../src/history/layout/keys.js';
import {
  countLines,
  decodeEntries,
  decodeRoom,
  decodeHead,
  encodeEntries,
  encodeRoom,
  encodeHead,
  type StoreHead,
  skipLines,
} from '../../../../src/history/layout/records.js';
import { splitBatch } from '../../../../src/history/transactionQueue.js';
import { bytes } from '../../../support/wire.js';

const position = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.maxSafeNat());
const room = fc.string({ unit: 'grapheme', maxLength: 20 });
const state = fc.record(
  {
    id: fc.base64String({ maxLength: 20 }).map((text) => text.replace(/[+/=]/g, '-')),
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
  test('of a room contain its name', () => {
    fc.assert(fc.property(room, (name) => parseRoomKey(roomKey(name)) === name));
  });

  test('of records sort by position, and contain it', () => {
    fc.assert(
      fc.property(room, position, position, (name, a, b) => {
        expect(compare(recordKey(name, a), recordKey(name, b))).toBe(Math.sign(a - b));
        expect(parseRecordPosition(recordKey(name, a))).toBe(a);
      }),
    );
  });

  test('of one room do not mix with those of another', () => {
    fc.assert(
      fc.property(room, room, position, (one, other, at) => {
        fc.pre(one !== other);
        const isAfter = compare(recordKey(one, at), recordKey(other, 0)) >= 0;
        const isBefore = compare(recordKey(one, at), recordKey(other, Number.MAX_SAFE_INTEGER)) <= 0;
        expect(isAfter && isBefore).toBe(false);
      }),
    );
  });

  test('accept names of at most 255 bytes', () => {
    expect(roomKey('é'.repeat(127))).toHaveLength(255);
    expect(() => roomKey('é'.repeat(128))).toThrow("a room's name is longer than 255 bytes: 256");
    expect(() => recordKey('é'.repeat(128), 1)).toThrow(RangeError);
  });
});

describe('values', () => {
  const entries = fc.record({ count: fc.nat(), time: position, offset: position, body: fc.uint8Array() });
  const key = recordKey('lobby', 7);
  const some = encodeEntries(key, { count: 2, time: 1, offset: 2 }, [bytes('one'), bytes('two')]);

  test('of entries decode to what was encoded', () => {
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

  test('of rooms decode to what was encoded', () => {
    fc.assert(
      fc.property(state, (each) => {
        expect(decodeRoom(roomKey('lobby'), encodeRoom(roomKey('lobby'), each))).toStrictEqual(each);
      }),
    );
  });

  test('of rooms with ancestors decode to what was encoded', () => {
    const ancestors = [
      { log: 'second', n: 9 },
      { log: 'first', n: 4 },
    ];
    const room = { id: 'third', first: 1, start: 0, next: 3, end: 8, oldest: 5, incarnation: 2, ancestors };
    expect(decodeRoom(key, encodeRoom(key, room))).toStrictEqual(room);
  });

  test.each<StoreHead>([
    { version: 7, incarnation: 0 },
    { version: 1, incarnation: 0, clock: { time: 1, machine: 2, evenMs: 3 } },
    { version: 1, incarnation: 0, file: '42 7' },
    { version: 2, incarnation: 3, file: '42', clock: { time: 1, machine: 2, evenMs: 3 } },
    { version: 2, incarnation: 1 },
  ])('of heads decode to what was encoded: %j', (head) => {
    expect(decodeHead(key, encodeHead(key, head))).toStrictEqual(head);
  });

  const values = {
    entries: [some, decodeEntries],
    room: [encodeRoom(key, { id: 'id', first: 1, start: 0, next: 3, end: 8, oldest: 5 }), decodeRoom],
    head: [encodeHead(key, { version: 1, incarnation: 0, file: '42 7' }), decodeHead],
  } as const;

  describe.each(Object.entries(values))('a stored %s', (_name, [value, decode]) => {
    test('is rejected if any bit changed', () => {
      for (let bit = 0; bit < 8 * value.length; bit += 1) {
        const broken = Uint8Array.from(value);
        broken[bit >> 3]! ^= 1 << (bit & 7);
        expect(decode(key, broken)).toBeUndefined();
      }
      expect(decode(key, value)).toBeDefined();
    });

    test('is rejected if it is truncated or longer', () => {
      for (let length = 0; length < value.length; length += 1)
        expect(decode(key, value.slice(0, length))).toBeUndefined();
      expect(decode(key, Uint8Array.of(...value, 0))).toBeUndefined();
    });

    test('is rejected under another key', () => {
      expect(decode(recordKey('lobby', 8), value)).toBeUndefined();
      expect(decode(recordKey('cellar', 7), value)).toBeUndefined();
    });

    test('is rejected if it is a single byte', () => {
      for (const byte of [0, 255])
        expect(decode(key, new Uint8Array(value.length).fill(byte))).toBeUndefined();
    });
  });
});

describe('splitBatch', () => {
  const slice = fc
    .array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 8 })
    .map((lengths) => bytes(...lengths.map((length) => 'x'.repeat(length))));

  test('returns the same lines in chunks of at most the limit', () => {
    fc.assert(
      fc.property(fc.array(slice, { maxLength: 6 }), fc.integer({ min: 1, max: 40 }), (slices, limit) => {
        const chunks = splitBatch(slices, limit)!.map((chunk) => ({
          body: Buffer.concat(chunk.slices),
          count: chunk.count,
        }));
        expect(Buffer.concat(chunks.map(({ body }) => body)).equals(Buffer.concat(slices))).toBe(true);
        chunks.forEach(({ body, count }, at) => {
          expect(count).toBe(countLines(body));
          if (count > 1) expect(body.length).toBeLessThanOrEqual(limit);
          const following = chunks[at + 1]?.body;
          if (following === undefined) return;
          expect(body.length + following.indexOf(10) + 1).toBeGreaterThan(limit);
        });
      }),
    );
  });

  test('rejects slices that do not end with a newline', () => {
    expect(splitBatch([bytes('a'), Buffer.from('b')], 10)).toBeUndefined();
    expect(splitBatch([new Uint8Array(0)], 10)).toBeUndefined();
    expect(splitBatch([], 10)).toStrictEqual([]);
  });

  test('skipLines drops lines from the start', () => {
    const lines = bytes('a', '', 'ccc');
    expect([0, 1, 2, 3].map((n) => String(Buffer.from(skipLines(lines, n))))).toStrictEqual([
      'a\n\nccc\n',
      '\nccc\n',
      'ccc\n',
      '',
    ]);
  });
});
