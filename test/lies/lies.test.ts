import { describe, expect, test } from '@jest/globals';
import { countLie, LIES, tellLie } from '../support/lies/index.js';

/** More with `npm run attacks`. */
const TIMES = 20;

describe('a lie is noticed, and the conversation goes on', () => {
  test.each(LIES)('$lie', (lie) => {
    // First one that shows what was noticed, should it be something else.
    const { signs, noticed } = tellLie(lie, 1);
    expect({ signs, noticed }).toStrictEqual({ signs, noticed: true });
    expect(countLie(lie, TIMES, 2)).toStrictEqual({
      tried: TIMES,
      noticed: TIMES,
      fooled: 0,
      wentOn: TIMES,
      falseAlarms: 0,
    });
  });
});

test('where nobody lies nothing is noticed: a lie that is none', () => {
  const truth = { lie: 'none', by: 'relay', signs: [], tell: () => undefined } as const;
  const { signs, before, noticed, fooled, wentOn } = tellLie(truth, 1);
  expect({ signs, before, noticed, fooled, wentOn }).toStrictEqual({
    signs: [],
    before: [],
    noticed: false,
    fooled: false,
    wentOn: true,
  });
});
