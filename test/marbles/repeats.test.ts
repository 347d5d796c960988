import { describe, expect, test } from '@jest/globals';
import { map, pipe } from 'rxjs';
import { repeats } from '../../streams/client/repeats.js';
import { marbles } from '../support/marbles.js';

const WORDS = { new: 'n', same: 's', other: 'o' };

/** Names in, as capitals with one content and as small letters with another; out how they are recalled: n, s or o. */
const recalled = (keep?: number) => {
  const { recall } = repeats({ ...(keep !== undefined && { keep }) });
  return pipe(map((mark: string) => WORDS[recall(mark.toLowerCase(), mark)]));
};

describe('repeats', () => {
  test('tells what is new, what came before, and what has the name of something that came', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('-a-b-a-A-(aAb)-c-|').pipe(recalled())).toBe('-n-n-s-o-(sss)-n-|');
    });
  });

  test('remembers the newest, forgets the oldest first, and takes no repeat for a reason to remember longer', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('abc-abc').pipe(recalled(3))).toBe('   nnn-sss');
      expectObservable(hot('abcd-bcd-a').pipe(recalled(3))).toBe('nnnn-sss-n');
      expectObservable(hot('abcad-a').pipe(recalled(3))).toBe('   nnnsn-n');
      expectObservable(hot('aab-ba').pipe(recalled(1))).toBe('    nsn-sn');
      expectObservable(hot('aAb-aA').pipe(recalled(2))).toBe('    non-oo');
    });
  });

  test('goes round for good: after many it still keeps so many, and no more', () => {
    const { recall } = repeats({ keep: 8 });
    for (let n = 0; n < 1000; n += 1) {
      expect(recall(`${n}`, 'x')).toBe('new');
      if (n >= 7) expect(recall(`${n - 7}`, 'x')).toBe('same');
    }
  });

  test('keeps 8192 where it is not told otherwise', () => {
    const { recall } = repeats();
    for (let n = 0; n < 8192; n += 1) recall(`${n}`, 'x');
    expect(recall('0', 'x')).toBe('same');
    recall('8192', 'x');
    expect(recall('1', 'x')).toBe('same');
    expect(recall('0', 'x')).toBe('new');
  });

  test('many contents under one name take no more room than as many names', () => {
    const { recall } = repeats({ keep: 3 });
    for (let n = 0; n < 100; n += 1) expect(recall('a', `${n}`)).toBe(n === 0 ? 'new' : 'other');
    expect([99, 98, 97].map((n) => recall('a', `${n}`))).toStrictEqual(['same', 'same', 'same']);
    expect(recall('a', '96')).toBe('other');
  });

  test('two memories share nothing', () => {
    const [one, two] = [repeats(), repeats()];
    expect(one.recall('a', 'x')).toBe('new');
    expect(two.recall('a', 'x')).toBe('new');
  });
});
