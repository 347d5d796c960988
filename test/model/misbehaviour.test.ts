import { describe, expect, test } from '@jest/globals';
import { ProtocolError } from '../../streams/wire/errors.js';
import { countOutcomes, MISBEHAVIOURS, runMisbehaviour } from '../support/misbehaviour/index.js';
import { hostileRoom } from '../support/misbehaviour/hostileRoom.js';

/** More with `npm run attacks`. */
const TIMES = 20;

describe('clients detect misbehaviour and continue when', () => {
  test.each(MISBEHAVIOURS)('$title', (misbehaviour) => {
    // First one run that shows what was detected, in case it is something else.
    const { signs, noticed } = runMisbehaviour(misbehaviour, 1);
    expect({ signs, noticed }).toStrictEqual({ signs, noticed: true });
    const times = Math.min(TIMES, misbehaviour.atMost ?? TIMES);
    expect(countOutcomes(misbehaviour, times, 2)).toStrictEqual({
      tried: times,
      noticed: times,
      acceptedForgery: 0,
      deliveredHonest: times,
      falseAlarms: 0,
    });
  });
});

test.each(['a.b', '*', '%00', 'a'.repeat(65)])('no client joins a log with the id %s', (id) => {
  const room = hostileRoom({ seed: 1, hasTraffic: false });
  const dave = room.join('dave', undefined, id);
  expect(dave.events).toStrictEqual([]);
  expect(dave.error).toBeInstanceOf(ProtocolError);
  room.dispose();
});

test('clients report nothing without misbehaviour', () => {
  const truth = { title: 'none', by: 'relay', signs: [], summarize: () => undefined } as const;
  const { signs, before, noticed, acceptedForgery, deliveredHonest } = runMisbehaviour(truth, 1);
  expect({ signs, before, noticed, acceptedForgery, deliveredHonest }).toStrictEqual({
    signs: [],
    before: [],
    noticed: false,
    acceptedForgery: false,
    deliveredHonest: true,
  });
});
