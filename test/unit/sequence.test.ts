import { describe, expect, test } from '@jest/globals';
import { sequence } from '../../streams/client/sequence.js';

/** Takes numbers, and tells what becomes of each: `-` new, `had`, or what is wrong. A `~` before it is a break. */
const told = (numbers: string, stored = 0): string => {
  const one = sequence();
  return numbers
    .split(' ')
    .map((word, at, all) => {
      if (at === all.length - 1) one.confirm(stored);
      const { had, reason } = one.take(Number(word.replace('~', '')), word.startsWith('~'));
      return reason === undefined ? (had ? 'had' : '-') : `${had ? 'had ' : ''}${reason}`;
    })
    .join(', ');
};

describe('the numbers of a session', () => {
  test.each<[string, string, string, number]>([
    ['one after the other', '1 2 3', '-, -, -', 0],
    ['from where one begins to read', '7 8', '-, -', 0],
    ['with a hole', '1 3', '-, hole', 0],
    ['with a hole behind a break, which may have hidden it', '1 ~3', '-, -', 0],
    ['sent again', '1 2 3 2', '-, -, -, had', 0],
    ['again although that was stored', '1 2 3 2', '-, -, -, had replayed', 2],
    ['in another order', '1 3 2', '-, hole, reordered', 0],
    ['in another order, and again', '1 3 2 2', '-, hole, reordered, had', 0],
    ['late, behind a break', '1 ~4 2', '-, -, -', 0],
    ['late, from before one began to read', '7 5', '-, -', 0],
    ['late, from before, and stored', '7 5', '-, replayed', 6],
    ['late, from the middle of a hole', '1 9 5 4 6 5', '-, hole, reordered, reordered, reordered, had', 0],
  ])('come %s', (_name, numbers, expected, stored) => {
    expect(told(numbers, stored)).toBe(expected);
  });

  test('owe what was not stored: it is missing, and told once', () => {
    const one = sequence();
    one.take(4, false);
    expect(one.isMissing(4, 3)).toBe(false);
    expect(one.isMissing(3, 3)).toBe(true);
    expect(one.isMissing(3, 3)).toBe(false);
    expect(one.take(2, false)).toStrictEqual({ had: false, reason: 'reordered' });
  });

  test('are remembered with 16 ranges of missing ones; older ones count as had', () => {
    const one = sequence();
    for (let n = 1; n <= 17; n += 1) one.take(2 * n, true);
    expect(one.take(1, false)).toStrictEqual({ had: true });
    expect(one.take(3, false)).toStrictEqual({ had: false });
    expect(one.take(33, false)).toStrictEqual({ had: false });
  });
});
