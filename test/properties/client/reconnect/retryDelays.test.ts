import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { backoff, retryDelays } from '../../../../streams/client/reconnect/reconnect.js';

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const randomValues = fc.array(random, { minLength: 100, maxLength: 100 });
/** The delay that a stopping relay requests, in ms. */
const REQUESTED_MS = 1000;

const delaysOf = (given: readonly number[]) => {
  let n = 0;
  return retryDelays({ random: () => given[n++ % given.length] ?? 0 });
};

describe('retryDelays', () => {
  test('retryDelays reconnects within 1.5 s to a relay that requested 1 s and restarts within 5 s', () => {
    fc.assert(
      fc.property(randomValues, fc.nat({ max: 4999 }), (given, away) => {
        const { next } = delaysOf(given);
        let at = next(REQUESTED_MS);
        expect(at).toBeGreaterThanOrEqual(REQUESTED_MS);
        while (at < away) at += next(0);
        expect(at).toBeLessThanOrEqual(Math.max(away, REQUESTED_MS) + 1.5 * REQUESTED_MS);
      }),
    );
  });

  test('retryDelays waits at least as long as requested, up to an hour', () => {
    fc.assert(
      fc.property(
        randomValues,
        fc.array(fc.nat({ max: 20_000 })),
        fc.integer({ min: 1 }),
        (given, before, requested) => {
          const { next } = delaysOf(given);
          for (const each of before) next(each);
          const wait = next(requested);
          const least = Math.min(requested, 3_600_000);
          expect(wait).toBeGreaterThanOrEqual(least);
          expect(wait).toBeLessThanOrEqual(1.5 * least + 1);
        },
      ),
    );
  });

  test('retryDelays waits at least for the first backoff delay without a request', () => {
    fc.assert(
      fc.property(randomValues, fc.array(fc.nat({ max: 2 })), (given, before) => {
        const { next } = delaysOf(given);
        for (const each of before) next(each);
        expect(next(0)).toBeGreaterThanOrEqual(500);
        expect(next(0)).toBeLessThanOrEqual(30_000);
      }),
    );
  });

  test('retryDelays equals the backoff without a request, and is reset by a stable connection', () => {
    fc.assert(
      fc.property(random, fc.integer({ min: 1, max: 9 }), (x, attempts) => {
        const { next, reset } = retryDelays({ random: () => x });
        const exponential = backoff({ random: () => x });
        for (let round = 0; round < 2; round += 1) {
          for (let n = 0; n < attempts; n += 1) expect(next(0)).toBe(Math.round(exponential(n)));
          reset();
        }
      }),
    );
  });
});
