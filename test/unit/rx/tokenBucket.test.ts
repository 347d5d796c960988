import { describe, expect, test } from '@jest/globals';
import { tokenBucket, UNLIMITED } from '../../../streams/rx/tokenBucket.js';

describe('tokenBucket', () => {
  test('gives a burst, then as many a second, and after a pause no more than a burst', () => {
    let now = 0;
    const { tryTake } = tokenBucket({ perSecond: 10, burst: 2 }, () => now);
    const taken = [0, 0, 0, 99, 100, 100, 60_000, 60_000, 60_000].map((at) => {
      now = at;
      return tryTake();
    });
    expect(taken).toStrictEqual([true, true, false, false, true, false, true, true, false]);
  });

  test('lends, and tells how long until that is made good', () => {
    let now = 0;
    const { take, debtMs } = tokenBucket({ perSecond: 10, burst: 20 }, () => now);
    take(20);
    expect(debtMs()).toBe(0);
    take(5);
    expect(debtMs()).toBe(500);
    now = 400;
    expect(debtMs()).toBe(100);
    now = 500;
    expect(debtMs()).toBe(0);
  });

  test('a clock that is set back fills nothing, and does not stop it', () => {
    let now = 1000;
    const { tryTake } = tokenBucket({ perSecond: 1, burst: 1 }, () => now);
    expect(tryTake()).toBe(true);
    now = 0;
    expect(tryTake()).toBe(false);
    now = 1000;
    expect(tryTake()).toBe(true);
  });

  test('has no limit where none was said', () => {
    const { take, tryTake, debtMs } = tokenBucket(UNLIMITED);
    take(1e12);
    expect([tryTake(), debtMs()]).toStrictEqual([true, 0]);
  });
});
