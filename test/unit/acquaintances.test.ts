import { describe, expect, test } from '@jest/globals';
import { acquaintances } from '../../streams/client/acquaintances.js';

const bob = (key: string, nick = 'bob') => ({ nick, key });

describe('acquaintances', () => {
  test('tell the first sight of a nick, once', () => {
    const { meet } = acquaintances();
    expect(meet(bob('K1'), 3)).toStrictEqual([{ type: 'first-sight', position: 3, nick: 'bob', key: 'K1' }]);
    expect(meet(bob('K1'), 4)).toStrictEqual([]);
    expect(meet(bob('K1', 'robert'), 5)).toMatchObject([{ type: 'first-sight', nick: 'robert' }]);
  });

  test('tell each change of a key, in whatever letters the nick stands', () => {
    const { meet } = acquaintances({ known: new Map([['Bob', 'K1']]) });
    expect(meet(bob('K1'), 1)).toStrictEqual([]);
    expect(meet(bob('K2', 'BOB'), 2)).toStrictEqual([
      { type: 'key-changed', position: 2, nick: 'BOB', key: 'K2', before: 'K1' },
    ]);
    expect(meet(bob('K2', 'ｂｏｂ'), 3)).toStrictEqual([]);
    expect(meet(bob('K1'), 4)).toMatchObject([{ type: 'key-changed', before: 'K2' }]);
  });

  test('keep the newest besides those that were known, and no more', () => {
    const { meet } = acquaintances({ known: new Map([['bob', 'K1']]), keep: 2 });
    meet(bob('K2'), 1);
    for (const nick of ['a', 'b', 'a', 'c']) meet({ nick, key: nick }, 2);
    expect(meet({ nick: 'a', key: 'a' }, 3)).toStrictEqual([]);
    expect(meet({ nick: 'b', key: 'b' }, 4)).toMatchObject([{ type: 'first-sight' }]);
    // What was known from the beginning is not forgotten.
    expect(meet(bob('K2'), 5)).toMatchObject([{ type: 'key-changed', before: 'K1' }]);
  });

  test('are 4096 where nothing else is said', () => {
    const { meet } = acquaintances();
    for (let n = 0; n < 4097; n += 1) meet({ nick: `${n}`, key: 'K' }, 1);
    expect(meet({ nick: '1', key: 'K' }, 2)).toStrictEqual([]);
    expect(meet({ nick: '0', key: 'K' }, 2)).toHaveLength(1);
  });
});
