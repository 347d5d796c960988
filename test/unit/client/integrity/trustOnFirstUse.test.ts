import { describe, expect, test } from '@jest/globals';
import { trustOnFirstUse } from '../../../../streams/client/integrity/senderState.js';

const bob = (key: string, nick = 'bob') => ({ nick, key });

describe('trustOnFirstUse', () => {
  test('trustOnFirstUse reports a new nick once', () => {
    const { observe } = trustOnFirstUse();
    expect(observe(bob('K1'), 3)).toStrictEqual([
      { type: 'first-seen', position: 3, nick: 'bob', key: 'K1' },
    ]);
    expect(observe(bob('K1'), 4)).toStrictEqual([]);
    expect(observe(bob('K1', 'robert'), 5)).toMatchObject([{ type: 'first-seen', nick: 'robert' }]);
  });

  test('trustOnFirstUse reports each change of a key for any spelling of the nick', () => {
    const { observe } = trustOnFirstUse({ knownKeys: new Map([['Bob', 'K1']]) });
    expect(observe(bob('K1'), 1)).toStrictEqual([]);
    expect(observe(bob('K2', 'BOB'), 2)).toStrictEqual([
      { type: 'key-changed', position: 2, nick: 'BOB', key: 'K2', before: 'K1' },
    ]);
    expect(observe(bob('K2', 'ｂｏｂ'), 3)).toStrictEqual([]);
    expect(observe(bob('K1'), 4)).toMatchObject([{ type: 'key-changed', before: 'K2' }]);
  });

  test('trustOnFirstUse keeps the known nicks and the newest others', () => {
    const { observe } = trustOnFirstUse({ knownKeys: new Map([['bob', 'K1']]), maxNicks: 2 });
    observe(bob('K2'), 1);
    for (const nick of ['a', 'b', 'a', 'c']) observe({ nick, key: nick }, 2);
    expect(observe({ nick: 'a', key: 'a' }, 3)).toStrictEqual([]);
    expect(observe({ nick: 'b', key: 'b' }, 4)).toMatchObject([{ type: 'first-seen' }]);
    // Keys that were known at the start are never evicted.
    expect(observe(bob('K2'), 5)).toMatchObject([{ type: 'key-changed', before: 'K1' }]);
  });

  test('trustOnFirstUse keeps 4096 nicks by default', () => {
    const { observe } = trustOnFirstUse();
    for (let n = 0; n < 4097; n += 1) observe({ nick: `${n}`, key: 'K' }, 1);
    expect(observe({ nick: '1', key: 'K' }, 2)).toStrictEqual([]);
    expect(observe({ nick: '0', key: 'K' }, 2)).toHaveLength(1);
  });
});
