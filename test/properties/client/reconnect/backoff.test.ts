import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { backoff } from '../../../../streams/client/reconnect/reconnect.js';

const attempt = fc.oneof(fc.nat({ max: 40 }), fc.maxSafeNat());
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const wait = (x: number, n: number) => backoff({ random: () => x })(n);

describe('backoff', () => {
  test('the backoff is between 500 and 30 000 ms', () => {
    fc.assert(
      fc.property(attempt, random, (n, x) => {
        expect(wait(x, n)).toBeGreaterThanOrEqual(500);
        expect(wait(x, n)).toBeLessThanOrEqual(30_000);
      }),
    );
  });

  test('the backoff doubles with the attempts up to its maximum', () => {
    fc.assert(
      fc.property(attempt, random, (n, x) => {
        expect(wait(x, n + 1)).toBeGreaterThanOrEqual(wait(x, n));
        expect(wait(x, n + 1)).toBe(Math.min(2 * wait(x, n), 15_000 * (1 + x)));
      }),
    );
  });

  test('the backoff is between one and two times its minimum', () => {
    fc.assert(
      fc.property(attempt, random, (n, x) => {
        expect(wait(x, n)).toBe(wait(0, n) * (1 + x));
      }),
    );
  });

  test.each([
    { x: 0, ms: [500, 1000, 2000, 4000, 8000, 15_000, 15_000] },
    { x: 0.5, ms: [750, 1500, 3000, 6000, 12_000, 22_500, 22_500] },
    { x: 0.999, ms: [999.5, 1999, 3998, 7996, 15_992, 29_985, 29_985] },
  ])('the backoff is $ms at random $x', ({ x, ms }) => {
    ms.forEach((each, n) => expect(wait(x, n)).toBeCloseTo(each, 6));
  });

  test('the backoff stays at its maximum for any number of attempts', () => {
    expect([1e3, 1e6, Number.MAX_SAFE_INTEGER, Infinity].map((n) => wait(0, n))).toStrictEqual([
      15_000, 15_000, 15_000, 15_000,
    ]);
  });

  test('the backoff calls random each time', () => {
    const chances = [0, 0.25, 0.75];
    const next = backoff({ random: () => chances.shift() ?? 0 });
    expect([0, 0, 0].map(next)).toStrictEqual([500, 625, 875]);
  });
});
