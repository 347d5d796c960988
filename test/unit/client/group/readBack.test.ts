import { describe, expect, test } from '@jest/globals';
import { createNewcomer } from '../../../../streams/client/group/groupState.js';
import {
  createReadBack,
  FIRST_READ_ENTRIES,
  MAX_READ_ENTRIES,
  READ_GROWTH,
} from '../../../../streams/client/group/readBack.js';
import type { FakeInfo, FakeState } from '../../../support/group/fakeEngine.js';
import { testRoom } from '../../../support/group/room.js';

const newcomer = createNewcomer<FakeState, FakeInfo>();

/** A newcomer that found a group info. */
const informed = (() => {
  const room = testRoom();
  const [alice, bob] = [room.device(1), room.device(2)];
  room.create(alice);
  room.readAll(alice, bob);
  if (bob.state.phase !== 'newcomer') throw new Error('a newcomer');
  return bob.state;
})();

describe('how far back an external sender reads', () => {
  test('is a few entries at first, more at each attempt, and then the whole log', () => {
    const readBack = createReadBack();
    const starts = [readBack.start];
    for (let n = 0; n < 4; n += 1) {
      readBack.readMore();
      starts.push(readBack.start);
    }
    expect(starts).toStrictEqual([
      { after: undefined, last: FIRST_READ_ENTRIES },
      { after: undefined, last: FIRST_READ_ENTRIES * READ_GROWTH },
      { after: undefined, last: FIRST_READ_ENTRIES * READ_GROWTH ** 2 },
      { after: undefined, last: FIRST_READ_ENTRIES * READ_GROWTH ** 3 },
      { after: { log: '*', n: 0 }, last: undefined },
    ]);
    expect(FIRST_READ_ENTRIES * READ_GROWTH ** 3).toBeLessThanOrEqual(MAX_READ_ENTRIES);
  });

  test('is enough with a group info that no other contradicts', () => {
    const readBack = createReadBack();
    readBack.onWelcome({ from: 100, first: 1 });
    expect(readBack.isEnough(newcomer)).toBe(false);
    expect(readBack.isEnough(informed)).toBe(true);
    expect(readBack.isEnough({ ...informed, hasIgnoredGroupInfo: true })).toBe(false);
    expect(readBack.isEnough({ ...newcomer, isWithdrawn: true })).toBe(false);
  });

  test('is enough at the beginning of the log, whatever the log has', () => {
    const readBack = createReadBack();
    readBack.onWelcome({ from: 7, first: 7 });
    expect(readBack.isEnough(newcomer)).toBe(true);
    expect(readBack.isEnough({ ...informed, hasIgnoredGroupInfo: true })).toBe(true);
  });

  test('does not change by a connection that continues an attempt', () => {
    const readBack = createReadBack();
    readBack.onWelcome({ from: 1, first: 1 });
    readBack.onWelcome({ from: 100, first: 1 });
    expect(readBack.isEnough(newcomer)).toBe(true);
    readBack.readMore();
    readBack.onWelcome({ from: 100, first: 1 });
    readBack.onWelcome({ from: 120, first: 120 });
    expect(readBack.isEnough(newcomer)).toBe(false);
  });
});
