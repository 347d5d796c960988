import { describe, expect, test } from '@jest/globals';
import { ProtocolError } from '../../streams/wire/errors.js';
import { countLie, LIES, tellLie } from '../support/lies/index.js';
import { scene } from '../support/lies/scene.js';

/** More with `npm run attacks`. */
const TIMES = 20;

describe('a lie is noticed, and the conversation goes on', () => {
  test.each(LIES)('$lie', (lie) => {
    // First one that shows what was noticed, should it be something else.
    const { signs, noticed } = tellLie(lie, 1);
    expect({ signs, noticed }).toStrictEqual({ signs, noticed: true });
    const times = Math.min(TIMES, lie.atMost ?? TIMES);
    expect(countLie(lie, times, 2)).toStrictEqual({
      tried: times,
      noticed: times,
      fooled: 0,
      wentOn: times,
      falseAlarms: 0,
    });
  });
});

test.each(['a.b', '*', '%00', 'a'.repeat(65)])('nobody enters a log with the id %s', (id) => {
  const room = scene({ seed: 1, warm: false });
  const dave = room.join('dave', undefined, id);
  expect(dave.heard).toStrictEqual([]);
  expect(dave.error).toBeInstanceOf(ProtocolError);
  room.end();
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
