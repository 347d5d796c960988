import { describe, expect, test } from '@jest/globals';
import { timestampChecker } from '../../../../streams/client/integrity/timestampChecker.js';

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const NOW = 20_000 * DAY;

const reader = (more: Partial<Parameters<typeof timestampChecker>[0]> = {}) =>
  timestampChecker({ now: () => NOW, ...more });

describe('timestampChecker', () => {
  test('a message is old when the same key has sent a message with a time more than a minute later', () => {
    const times = reader();
    times.onWelcome({ log: 'log', next: 9, from: 1 });
    const take = (time: number, key = 'alice') => times.check({ key, time }, 3);
    expect(take(NOW - DAY)).toStrictEqual({});
    expect(take(NOW - DAY - MINUTE)).toStrictEqual({});
    expect(take(NOW - DAY - MINUTE - 1)).toStrictEqual({ old: true });
    expect(take(0, 'bob')).toStrictEqual({});
  });

  test('a time ahead of the clock makes no later message old', () => {
    const times = reader();
    times.onWelcome({ log: 'log', next: 9, from: 1 });
    times.check({ key: 'alice', time: NOW + 1000 * DAY }, 3);
    expect(times.check({ key: 'alice', time: NOW }, 4)).toStrictEqual({});
    expect(times.check({ key: 'alice', time: NOW - 2 * MINUTE }, 5)).toStrictEqual({ old: true });
  });

  test('the times of earlier runs apply to entries that those runs have not read', () => {
    const newestTimeMs = new Map([['alice', NOW - DAY]]);
    const sent = { key: 'alice', time: NOW - 2 * DAY };
    const again = reader({ newestTimeMs });
    again.onWelcome({ log: 'log', next: 9, from: 1 });
    expect(again.check(sent, 8)).toStrictEqual({});
    expect(again.check(sent, 9)).toMatchObject({ old: true });

    const back = reader({ newestTimeMs, after: { log: 'log', n: 5 } });
    back.onWelcome({ log: 'log', next: 9, from: 6 });
    expect(back.check(sent, 6)).toStrictEqual({ old: true });

    // Over the next connection too.
    again.onWelcome({ log: 'log', next: 20, from: 10 });
    expect(again.check(sent, 10)).toStrictEqual({ old: true });
  });

  test('a clock difference is reported for new messages only', () => {
    const times = reader();
    times.onWelcome({ log: 'log', next: 9, from: 1 });
    expect(times.check({ key: 'alice', time: NOW - 6 * MINUTE }, 8)).toStrictEqual({});
    expect(times.check({ key: 'alice', time: NOW - 5 * MINUTE }, 9)).toStrictEqual({});
    expect(times.check({ key: 'alice', time: NOW + 6 * MINUTE }, 9)).toStrictEqual({
      timeDifferenceMs: 6 * MINUTE,
    });
  });

  test('timestampChecker remembers maxKeys keys, and those of earlier runs', () => {
    const times = reader({ maxKeys: 2, newestTimeMs: new Map([['known', NOW]]) });
    times.onWelcome({ log: 'log', next: 1, from: 1 });
    for (const key of ['alice', 'bob', 'carol']) times.check({ key, time: NOW }, 2);
    const old = (key: string) => times.check({ key, time: NOW - 2 * MINUTE }, 2).old;
    expect([old('bob'), old('known'), old('alice')]).toStrictEqual([true, true, undefined]);
  });
});
