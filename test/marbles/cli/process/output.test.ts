import { describe, test } from '@jest/globals';
import { timer } from 'rxjs';
import { type TickSlice, sliceTicks } from '../../../../src/cli/process/output.js';
import { marbles } from '../../../support/marbles.js';

const slice = (values: string, next?: string): TickSlice<string> => ({ values: values.split(' '), next });

const slices: Record<string, TickSlice<string>> = {
  a: slice('a'),
  b: slice('b'),
  A: slice('a b'),
  B: slice('a b', 'c'),
  C: slice('c'),
  D: slice('c d', 'e'),
  E: slice('e'),
};

describe('slicesOfTurn', () => {
  test.each([
    ['what comes in one turn', '                  (ab)--------- ', '----A'],
    ['each turn by itself', '                     a---------b-- ', '----a---------b'],
    ['a full one as soon as its next is known', ' (abc)-------- ', 'B---C'],
    ['and more of them', '                        (abcde)------ ', '(BD)E'],
    ['what is left at the end', '                 (ab|)         ', '----(A|)'],
    ['an error', '                                a--#          ', '---#'],
  ])('%s', (_name, rendered, expected) => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot(rendered.trim()).pipe(sliceTicks(2, timer(4)))).toBe(expected, slices);
    });
  });
});
