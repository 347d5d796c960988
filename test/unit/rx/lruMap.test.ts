import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type LruMap, lruMap } from '../../../streams/rx/lruMap.js';

const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'];

/** Returns the keys of a map, oldest first. */
const keysOf = (map: Pick<LruMap<string, unknown>, 'entries'>): string =>
  Array.from(map.entries(), ([key]) => key).join('');

const mapOf = (limit: number, keys: string): LruMap<string, number> => {
  const map = lruMap<string, number>(limit);
  for (const key of Array.from(keys)) map.set(key, 1);
  return map;
};

describe('lruMap', () => {
  test('lruMap returns the value that was set last, and undefined for other keys', () => {
    const map = lruMap<string, number>(2);
    map.set('a', 1);
    map.set('a', 2);
    expect([map.get('a'), map.get('b'), map.size]).toStrictEqual([2, undefined, 1]);
  });

  test('lruMap evicts the oldest entry when a new one exceeds the limit', () => {
    const map = mapOf(3, 'abcd');
    expect(keysOf(map)).toBe('bcd');
    map.set('e', 1);
    expect([keysOf(map), map.size]).toStrictEqual(['cde', 3]);
  });

  test('lruMap makes an entry the newest when it is set again, and not when it is read', () => {
    const map = mapOf(3, 'abca');
    map.get('b');
    expect(keysOf(map)).toBe('bca');
    map.set('d', 1);
    expect(keysOf(map)).toBe('cad');
  });

  test('lruMap deletes an entry and returns whether there was one', () => {
    const map = mapOf(3, 'abc');
    expect([map.delete('b'), map.delete('b'), keysOf(map)]).toStrictEqual([true, false, 'ac']);
    for (const key of ['d', 'e']) map.set(key, 1);
    expect(keysOf(map)).toBe('cde');
  });

  test('lruMap has its initial entries, and evicts the oldest of them when one is set', () => {
    const map = lruMap(2, new Map([['a', 1], ['b', 2], ['c', 3]])); // prettier-ignore
    expect(Array.from(map.entries())).toStrictEqual([['a', 1], ['b', 2], ['c', 3]]); // prettier-ignore
    map.set('a', 4);
    expect(keysOf(map)).toBe('ca');
  });

  test('lruMap holds nothing when its limit is 0', () => {
    expect(mapOf(0, 'a').size).toBe(0);
  });

  test('two maps share no entries', () => {
    const [one, other] = [mapOf(2, 'a'), mapOf(2, '')];
    expect([one.size, other.size]).toStrictEqual([1, 0]);
  });

  test('lruMap agrees with a plain list of keys for any sequence of calls', () => {
    const call = fc.tuple(fc.constantFrom('get', 'set', 'delete'), fc.constantFrom(...KEYS));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4 }), fc.array(call, { maxLength: 60 }), (limit, calls) => {
        const map = lruMap<string, string>(limit);
        let keys: readonly string[] = [];
        for (const [name, key] of calls) {
          const others = keys.filter((other) => other !== key);
          if (name === 'get') expect(map.get(key)).toBe(keys.includes(key) ? key : undefined);
          else if (name === 'delete') {
            expect(map.delete(key)).toBe(keys.includes(key));
            keys = others;
          } else {
            map.set(key, key);
            keys = [...others, key].slice(Math.max(0, others.length + 1 - limit));
          }
          expect([keysOf(map), map.size]).toStrictEqual([keys.join(''), keys.length]);
        }
      }),
    );
  });
});
