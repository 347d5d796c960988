import { describe, expect, test } from '@jest/globals';
import { map, pipe } from 'rxjs';
import { duplicateFilter } from '../../../../streams/client/integrity/senderState.js';
import { marbles } from '../../../support/marbles.js';

const WORDS = { new: 'n', same: 's', other: 'o' };

/** Input: names, as capitals with one content and as small letters with another. Output: new, same or other. */
const recalled = (keep?: number) => {
  const { check } = duplicateFilter({ ...(keep !== undefined && { maxEntries: keep }) });
  return pipe(map((mark: string) => WORDS[check(mark.toLowerCase(), mark)]));
};

describe('duplicateFilter', () => {
  test('duplicateFilter distinguishes new, same and other content of a name', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('-a-b-a-A-(aAb)-c-|').pipe(recalled())).toBe('-n-n-s-o-(sss)-n-|');
    });
  });

  test('duplicateFilter evicts the oldest entry first, also when it was repeated', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('abc-abc').pipe(recalled(3))).toBe('   nnn-sss');
      expectObservable(hot('abcd-bcd-a').pipe(recalled(3))).toBe('nnnn-sss-n');
      expectObservable(hot('abcad-a').pipe(recalled(3))).toBe('   nnnsn-n');
      expectObservable(hot('aab-ba').pipe(recalled(1))).toBe('    nsn-sn');
      expectObservable(hot('aAb-aA').pipe(recalled(2))).toBe('    non-oo');
    });
  });

  test('duplicateFilter keeps maxEntries entries after many calls', () => {
    const { check } = duplicateFilter({ maxEntries: 8 });
    for (let n = 0; n < 1000; n += 1) {
      expect(check(`${n}`, 'x')).toBe('new');
      if (n >= 7) expect(check(`${n - 7}`, 'x')).toBe('same');
    }
  });

  test('duplicateFilter keeps 8192 entries by default', () => {
    const { check } = duplicateFilter();
    for (let n = 0; n < 8192; n += 1) check(`${n}`, 'x');
    expect(check('0', 'x')).toBe('same');
    check('8192', 'x');
    expect(check('1', 'x')).toBe('same');
    expect(check('0', 'x')).toBe('new');
  });

  test('duplicateFilter counts each content of a name as an entry', () => {
    const { check } = duplicateFilter({ maxEntries: 3 });
    for (let n = 0; n < 100; n += 1) expect(check('a', `${n}`)).toBe(n === 0 ? 'new' : 'other');
    expect([99, 98, 97].map((n) => check('a', `${n}`))).toStrictEqual(['same', 'same', 'same']);
    expect(check('a', '96')).toBe('other');
  });

  test('two duplicate filters share nothing', () => {
    const [one, two] = [duplicateFilter(), duplicateFilter()];
    expect(one.check('a', 'x')).toBe('new');
    expect(two.check('a', 'x')).toBe('new');
  });
});
