import { describe, expect, test } from '@jest/globals';
import { sequence } from '../../../../streams/client/integrity/senderState.js';

/**
 * Receives counters, and returns the result of each: `-` new, `isDuplicate`, or the alarm. A `~` before one is a gap.
 */
const reportedBy = (numbers: string, stored = 0): string => {
  const one = sequence();
  return numbers
    .split(' ')
    .map((word, at, all) => {
      if (at === all.length - 1) one.confirm(stored);
      const { isDuplicate, reason } = one.record(Number(word.replace('~', '')), word.startsWith('~'));
      return reason === undefined ? (isDuplicate ? 'had' : '-') : `${isDuplicate ? 'had ' : ''}${reason}`;
    })
    .join(', ');
};

describe('sequence', () => {
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
  ])('sequence classifies numbers: %s', (_name, numbers, expected, stored) => {
    expect(reportedBy(numbers, stored)).toBe(expected);
  });

  test('sequence reports a missing unconfirmed number once', () => {
    const one = sequence();
    one.record(4, false);
    expect(one.reportMissing(4, 3)).toBe(false);
    expect(one.reportMissing(3, 3)).toBe(true);
    expect(one.reportMissing(3, 3)).toBe(false);
    expect(one.record(2, false)).toStrictEqual({ isDuplicate: false, reason: 'reordered' });
  });

  test('sequence remembers 16 missing ranges, and older numbers count as duplicates', () => {
    const one = sequence();
    for (let n = 1; n <= 17; n += 1) one.record(2 * n, true);
    expect(one.record(1, false)).toStrictEqual({ isDuplicate: true });
    expect(one.record(3, false)).toStrictEqual({ isDuplicate: false });
    expect(one.record(33, false)).toStrictEqual({ isDuplicate: false });
  });
});
