import { createHmac, hkdfSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseBytes } from '../../../../streams/client/group/bytes.js';
import {
  advance,
  chainKeyAt,
  createRatchet,
  deriveSenderRatchets,
  forgetUsed,
  formatRatchet,
  hasUsedKeys,
  keyOf,
  MAX_LOOK_AHEAD,
  type MessageRatchet,
  readRatchet,
} from '../../../../streams/client/group/ratchet.js';

const hmac = (key: Uint8Array, message: Uint8Array) => createHmac('sha256', key).update(message).digest();
const suite = { hmac };

const FIRST = { generation: 0, key: new Uint8Array(32).fill(5) };

/** The message keys by the definition. */
const KEYS: Uint8Array[] = [];
for (let chainKey: Uint8Array = FIRST.key; KEYS.length < 3000; chainKey = hmac(chainKey, Uint8Array.of(2)))
  KEYS.push(hmac(chainKey, Uint8Array.of(1)));

const keyAt = (ratchet: MessageRatchet, generation: number) => keyOf(ratchet, generation, suite)?.key;
const read = (ratchet: MessageRatchet, generation: number, isRetained: boolean): MessageRatchet => {
  const found = keyOf(ratchet, generation, suite);
  return found === undefined ? ratchet : advance(ratchet, found.following, { isRetained });
};
const generations = fc.array(fc.nat(120), { minLength: 1, maxLength: 40 });

describe('a message ratchet', () => {
  test('gives the same keys in any order of lookups', () => {
    fc.assert(
      fc.property(generations, (order) => {
        const ratchet = createRatchet(FIRST);
        for (const generation of order) expect(keyAt(ratchet, generation)).toStrictEqual(KEYS[generation]);
      }),
    );
  });

  test('gives the same keys after reading in any order, as long as all are retained', () => {
    fc.assert(
      fc.property(generations, generations, (order, lookups) => {
        const ratchet = order.reduce(
          (each, generation) => read(each, generation, true),
          createRatchet(FIRST),
        );
        for (const generation of [...lookups, 0])
          expect(keyAt(ratchet, generation)).toStrictEqual(KEYS[generation]);
      }),
    );
  });

  test('forgets all keys up to the newest that was used, unless they are retained', () => {
    fc.assert(
      fc.property(generations, (order) => {
        const ratchet = order.reduce(
          (each, generation) => read(each, generation, false),
          createRatchet(FIRST),
        );
        // A generation that was forgotten when its turn came changes nothing.
        const next = Math.max(...order) + 1;
        for (let generation = 0; generation < next + 3; generation += 1)
          expect(keyAt(ratchet, generation)).toStrictEqual(generation < next ? undefined : KEYS[generation]);
        for (const { generation } of [ratchet.oldest, ratchet.next, ratchet.lastRead])
          expect(generation).toBe(next);
        const retained = order.reduce(
          (each, generation) => read(each, generation, true),
          createRatchet(FIRST),
        );
        expect(forgetUsed(retained)).toStrictEqual(ratchet);
        expect([hasUsedKeys(retained), hasUsedKeys(ratchet)]).toStrictEqual([true, false]);
      }),
    );
  });

  test('that retains no keys has no key of a message that was read, in its format either', () => {
    const ratchet = read(createRatchet(FIRST), 7, false);
    expect(keyAt(ratchet, 7)).toBeUndefined();
    expect(keyAt(ratchet, 8)).toStrictEqual(KEYS[8]);
    const parsed = parseBytes(formatRatchet(ratchet), readRatchet)!;
    expect(keyAt(parsed, 7)).toBeUndefined();
    expect(keyAt(parsed, 8)).toStrictEqual(KEYS[8]);
  });

  test('looks ahead by its limit, from the next generation', () => {
    const ratchet = read(createRatchet(FIRST), 9, false);
    expect(keyAt(ratchet, 9 + MAX_LOOK_AHEAD)).toStrictEqual(KEYS[9 + MAX_LOOK_AHEAD]);
    expect(keyAt(ratchet, 10 + MAX_LOOK_AHEAD)).toBeUndefined();
    expect(keyAt(ratchet, 2 ** 32 - 1)).toBeUndefined();
  });

  test('looks up a key without a change', () => {
    const ratchet = read(createRatchet(FIRST), 3, true);
    const before = formatRatchet(ratchet).slice();
    keyAt(ratchet, 50);
    keyAt(ratchet, 2);
    expect(formatRatchet(ratchet)).toStrictEqual(before);
  });

  test('takes one step for each message that is read again in order', () => {
    let steps = 0;
    const count = { hmac: (key: Uint8Array, message: Uint8Array) => ((steps += 1), hmac(key, message)) };
    let ratchet = read(createRatchet(FIRST), 999, true);
    for (let generation = 0; generation < 500; generation += 1) {
      const { following } = keyOf(ratchet, generation, count)!;
      ratchet = advance(ratchet, following, { isRetained: true });
    }
    expect(steps).toBe(1000);
  });

  test('is parsed as it was formatted, and refused if it is cut short or ends before it begins', () => {
    fc.assert(
      fc.property(generations, fc.boolean(), (order, isRetained) => {
        const ratchet = order.reduce(
          (each, generation) => read(each, generation, isRetained),
          createRatchet(FIRST),
        );
        const bytes = formatRatchet(ratchet);
        const parsed = parseBytes(bytes, readRatchet)!;
        expect(formatRatchet(parsed)).toStrictEqual(bytes);
        for (let length = 0; length < bytes.length; length += 1)
          expect(parseBytes(bytes.subarray(0, length), readRatchet)).toBeUndefined();
      }),
      { numRuns: 30 },
    );
    const { next } = read(createRatchet(FIRST), 3, false);
    expect(
      parseBytes(formatRatchet({ oldest: next, next: FIRST, lastRead: next }), readRatchet),
    ).toBeUndefined();
  });
});

test('chainKeyAt derives the chain key from which a sender continues', () => {
  const resumed = createRatchet(chainKeyAt(FIRST, 64, suite));
  expect(keyAt(resumed, 63)).toBeUndefined();
  expect(keyAt(resumed, 64)).toStrictEqual(KEYS[64]);
});

test('deriveSenderRatchets gives each leaf and slot its own first key', () => {
  const secret = new Uint8Array(32).fill(8);
  const hkdfExpand = (key: Uint8Array, info: Uint8Array, length: number) =>
    new Uint8Array(hkdfSync('sha256', key, '', info, length));
  const first = [0, 1, 256].flatMap((leaf) =>
    deriveSenderRatchets(secret, leaf, { hkdfExpand }).map((each) =>
      Buffer.from(each!.next.key).toString('hex'),
    ),
  );
  expect(first).toHaveLength(12);
  expect(new Set(first).size).toBe(12);
});
