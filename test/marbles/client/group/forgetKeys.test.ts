import { describe, expect, test } from '@jest/globals';
import { asyncScheduler, map, merge } from 'rxjs';
import { FORGET_INTERVAL_MS, forgetKeys } from '../../../../streams/client/group/forgetKeys.js';
import { memberState, type TestDevice, testRoom } from '../../../support/group/room.js';
import { sessionOf } from '../../../support/group/session.js';
import { marbles } from '../../../support/marbles.js';

/** A member that read a message in each of two epochs. The first ended at 10 s, the second goes on. */
const quietRoom = (forgetMs: number): TestDevice => {
  const room = testRoom();
  const [alice, bob] = [room.device(1), room.device(2, { forgetMs })];
  room.create(alice);
  room.readAll(alice, bob);
  room.join(bob);
  room.readAll(alice, bob);
  room.send(alice, 'one');
  room.commit(alice);
  room.nowMs = 10_000;
  room.readAll(alice, bob);
  room.send(alice, 'two');
  room.readAll(alice, bob);
  expect(memberState(bob).pastEpochs).toHaveLength(1);
  return bob;
};

/** Emits the number of past epochs with message keys, at each change of the state. */
const pastEpochCounts = (forgetMs: number) => {
  const device = quietRoom(forgetMs);
  const session = sessionOf(device, () => asyncScheduler.now());
  return merge(
    session.state$.pipe(map((state) => memberState({ ...device, state }).pastEpochs.length)),
    forgetKeys(session, { forgetMs }),
  );
};

describe('forgetKeys', () => {
  test('a quiet room forgets the keys of an ended epoch within half a minute after they are due', () => {
    marbles(
      ({ expectObservable }) => {
        // Due at 110 s.
        expectObservable(pastEpochCounts(100_000)).toBe('a 119999ms b', { a: 1, b: 0 });
      },
      { untilMs: 300_000 },
    );
    expect(FORGET_INTERVAL_MS).toBe(30_000);
  });

  test('a setting below the interval holds too', () => {
    marbles(
      ({ expectObservable }) => {
        expectObservable(pastEpochCounts(1000)).toBe('a 29999ms b', { a: 1, b: 0 });
      },
      { untilMs: 300_000 },
    );
  });

  test.each([
    ['7 days', 7 * 86_400_000],
    ['never', Infinity],
  ])('nothing changes before its time: %s', (_name, forgetMs) => {
    marbles(
      ({ expectObservable }) => {
        expectObservable(pastEpochCounts(forgetMs)).toBe('a', { a: 1 });
      },
      { untilMs: 300_000 },
    );
  });

  test.each([
    [0, 0],
    [1000, 10],
    [Infinity, 0],
  ])('with the setting %d ms, the keys are examined %d times in 5 minutes', (forgetMs, count) => {
    let calls = 0;
    marbles(
      ({ expectObservable }) => {
        expectObservable(forgetKeys({ forget: () => (calls += 1) }, { forgetMs })).toBe('');
      },
      { untilMs: 300_000 },
    );
    expect(calls).toBe(count);
  });
});
