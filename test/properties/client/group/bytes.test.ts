import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  ByteReader,
  BytesError,
  concatBytes,
  equalBytes,
  formatList,
  lengthPrefixed,
  parseBytes,
  u16,
  u32,
  u64,
  u8,
} from '../../../../streams/client/group/bytes.js';

const anyRecord = fc.record({
  small: fc.integer({ min: 0, max: 255 }),
  medium: fc.integer({ min: 0, max: 65_535 }),
  large: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  largest: fc.maxSafeNat(),
  content: fc.uint8Array(),
  items: fc.array(fc.uint8Array({ maxLength: 5 }), { maxLength: 5 }),
  rest: fc.uint8Array(),
});
type AnyRecord = typeof anyRecord extends fc.Arbitrary<infer T> ? T : never;

const format = ({ small, medium, large, largest, content, items }: AnyRecord): Uint8Array =>
  concatBytes(
    u8(small),
    u16(medium),
    u32(large),
    u64(largest),
    lengthPrefixed(content),
    formatList(items, lengthPrefixed),
  );
const read = (reader: ByteReader) => ({
  small: reader.u8(),
  medium: reader.u16(),
  large: reader.u32(),
  largest: reader.u64(),
  content: reader.lengthPrefixed(),
  items: reader.list(() => reader.lengthPrefixed()),
});

describe('ByteReader', () => {
  test('reads what was formatted, and the rest', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const bytes = concatBytes(format(record), record.rest);
        const parsed = parseBytes(bytes, (reader) => ({ ...read(reader), rest: reader.rest() }));
        expect(parsed).toStrictEqual({ ...record });
      }),
    );
  });

  test('refuses every truncation and every extra byte', () => {
    fc.assert(
      fc.property(anyRecord, fc.uint8Array({ minLength: 1, maxLength: 3 }), (record, extra) => {
        const bytes = format(record);
        expect(parseBytes(bytes, read)).toBeDefined();
        expect(parseBytes(concatBytes(bytes, extra), read)).toBeUndefined();
        for (let length = 0; length < bytes.length; length += 1)
          expect(parseBytes(bytes.subarray(0, length), read)).toBeUndefined();
      }),
      { numRuns: 30 },
    );
  });

  test('throws nothing but a BytesError, for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          read(new ByteReader(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(BytesError);
        }
      }),
    );
  });

  test.each([
    ['Uint8Array', Uint8Array.of(1, 2, 3)],
    ['Buffer', Buffer.of(1, 2, 3)],
  ])('returns copies of a %s', (_, input) => {
    const bytes = new ByteReader(input).bytes(2);
    input.fill(0);
    expect(bytes).toStrictEqual(Uint8Array.of(1, 2));
  });

  test('refuses a number beyond the safe integers, and a length beyond the input', () => {
    expect(() => new ByteReader(new Uint8Array(8).fill(255)).u64()).toThrow(BytesError);
    expect(() => new ByteReader(new Uint8Array(8).fill(255)).lengthPrefixed()).toThrow(BytesError);
  });
});

test('parseBytes throws on an error that is not about bytes', () => {
  const fault = new TypeError('a fault');
  expect(() =>
    parseBytes(new Uint8Array(0), () => {
      throw fault;
    }),
  ).toThrow(fault);
});

test.each([
  ['u8', u8, 256],
  ['u16', u16, 65_536],
  ['u32', u32, 2 ** 32],
  ['u64', u64, 2 ** 53],
] as const)('%s refuses what does not fit', (_, formatNumber, tooLarge) => {
  for (const value of [tooLarge, -1, 0.5, Number.NaN]) expect(() => formatNumber(value)).toThrow(RangeError);
  expect(formatNumber(tooLarge - 1)).toBeInstanceOf(Uint8Array);
});

test('equalBytes compares lengths and every byte', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (bytes, at, change) => {
        const other = bytes.slice();
        expect(equalBytes(bytes, other)).toBe(true);
        other[at % other.length]! ^= change;
        expect(equalBytes(bytes, other)).toBe(false);
        expect(equalBytes(bytes, bytes.subarray(1))).toBe(false);
      },
    ),
  );
});
