import { describe, expect, test } from '@jest/globals';
import { senderTimes } from '../../streams/client/senderTimes.js';

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const NOW = 20_000 * DAY;

const reader = (more: Partial<Parameters<typeof senderTimes>[0]> = {}) =>
  senderTimes({ now: () => NOW, ...more });

describe('the times of senders', () => {
  test('a message is old if the same key has said something more than a minute later', () => {
    const times = reader();
    times.enter({ log: 'log', next: 9, from: 1 });
    const take = (time: number, key = 'alice') => times.take({ key, time }, 3);
    expect(take(NOW - DAY)).toStrictEqual({});
    expect(take(NOW - DAY - MINUTE)).toStrictEqual({});
    expect(take(NOW - DAY - MINUTE - 1)).toStrictEqual({ old: true });
    expect(take(0, 'bob')).toStrictEqual({});
  });

  test('a time ahead of the clock makes nothing that comes later old', () => {
    const times = reader();
    times.enter({ log: 'log', next: 9, from: 1 });
    times.take({ key: 'alice', time: NOW + 1000 * DAY }, 3);
    expect(times.take({ key: 'alice', time: NOW }, 4)).toStrictEqual({});
    expect(times.take({ key: 'alice', time: NOW - 2 * MINUTE }, 5)).toStrictEqual({ old: true });
  });

  test('the times of earlier runs count for what those have not read', () => {
    const newestTimeMs = new Map([['alice', NOW - DAY]]);
    const said = { key: 'alice', time: NOW - 2 * DAY };
    const again = reader({ newestTimeMs });
    again.enter({ log: 'log', next: 9, from: 1 });
    expect(again.take(said, 8)).toStrictEqual({});
    expect(again.take(said, 9)).toMatchObject({ old: true });

    const back = reader({ newestTimeMs, after: { log: 'log', n: 5 } });
    back.enter({ log: 'log', next: 9, from: 6 });
    expect(back.take(said, 6)).toStrictEqual({ old: true });

    // Over the next connection too.
    again.enter({ log: 'log', next: 20, from: 10 });
    expect(again.take(said, 10)).toStrictEqual({ old: true });
  });

  test('a clock that is far from this one is told of what comes now, and of nothing else', () => {
    const times = reader();
    times.enter({ log: 'log', next: 9, from: 1 });
    expect(times.take({ key: 'alice', time: NOW - 6 * MINUTE }, 8)).toStrictEqual({});
    expect(times.take({ key: 'alice', time: NOW - 5 * MINUTE }, 9)).toStrictEqual({});
    expect(times.take({ key: 'alice', time: NOW + 6 * MINUTE }, 9)).toStrictEqual({
      timeDifferenceMs: 6 * MINUTE,
    });
  });

  test('so many keys are remembered, and those of earlier runs', () => {
    const times = reader({ keep: 2, newestTimeMs: new Map([['known', NOW]]) });
    times.enter({ log: 'log', next: 1, from: 1 });
    for (const key of ['alice', 'bob', 'carol']) times.take({ key, time: NOW }, 2);
    const old = (key: string) => times.take({ key, time: NOW - 2 * MINUTE }, 2).old;
    expect([old('bob'), old('known'), old('alice')]).toStrictEqual([true, true, undefined]);
  });
});
