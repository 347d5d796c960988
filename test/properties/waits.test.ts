import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { backoff } from '../../streams/client/backoff.js';
import { waits } from '../../streams/client/waits.js';

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const chances = fc.array(random, { minLength: 100, maxLength: 100 });
/** What a relay asks for that stops, in ms. */
const ASKED = 1000;

const waitsOf = (given: readonly number[]) => {
  let n = 0;
  return waits({ random: () => given[n++ % given.length] ?? 0 });
};

describe('the waits', () => {
  test('bring everybody back within 1.5 s to a relay that asked for 1 s and restarts within 5 s', () => {
    fc.assert(
      fc.property(chances, fc.nat({ max: 4999 }), (given, away) => {
        const { next } = waitsOf(given);
        let at = next(ASKED);
        expect(at).toBeGreaterThanOrEqual(ASKED);
        while (at < away) at += next(0);
        expect(at).toBeLessThanOrEqual(Math.max(away, ASKED) + 1.5 * ASKED);
      }),
    );
  });

  test('keep to what was asked for, or to more, whenever it is asked for, up to an hour', () => {
    fc.assert(
      fc.property(
        chances,
        fc.array(fc.nat({ max: 20_000 })),
        fc.integer({ min: 1 }),
        (given, before, asked) => {
          const { next } = waitsOf(given);
          for (const each of before) next(each);
          const wait = next(asked);
          const least = Math.min(asked, 3_600_000);
          expect(wait).toBeGreaterThanOrEqual(least);
          expect(wait).toBeLessThanOrEqual(1.5 * least + 1);
        },
      ),
    );
  });

  test('are never shorter than the first of the backoff where nothing was asked for', () => {
    fc.assert(
      fc.property(chances, fc.array(fc.nat({ max: 2 })), (given, before) => {
        const { next } = waitsOf(given);
        for (const each of before) next(each);
        expect(next(0)).toBeGreaterThanOrEqual(500);
        expect(next(0)).toBeLessThanOrEqual(30_000);
      }),
    );
  });

  test('are the backoff where nobody asked for anything, and begin anew where a link was stable', () => {
    fc.assert(
      fc.property(random, fc.integer({ min: 1, max: 9 }), (x, attempts) => {
        const { next, reset } = waits({ random: () => x });
        const slackening = backoff({ random: () => x });
        for (let round = 0; round < 2; round += 1) {
          for (let n = 0; n < attempts; n += 1) expect(next(0)).toBe(Math.round(slackening(n)));
          reset();
        }
      }),
    );
  });
});
