import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { clockKeeper } from '../../../src/history/clockKeeper.js';
import {
  aheadOf,
  clockFromEntries,
  tickClock,
  toleratedStep,
  trustedClock,
} from '../../../src/history/retentionClock.js';
import { openDir, readAll, say, tempDirs } from './support.js';
import { type Swept, sweptStore } from './sweeps.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const AGE = 30 * DAY;

describe('the clock of retention', () => {
  /** What happens between two sweeps: time passes, the machine's clock may jump, the relay may be started again. */
  const steps = fc.array(
    fc.record({
      passed: fc.integer({ min: 0, max: 5 * DAY }),
      jump: fc.oneof(
        { weight: 3, arbitrary: fc.constant(0) },
        fc.integer({ min: toleratedStep(AGE) + 1, max: 400 * DAY }),
        fc.integer({ min: -400 * DAY, max: -1 }),
      ),
      isRestart: fc.boolean(),
    }),
    { minLength: 1, maxLength: 40 },
  );

  test('makes no entry too old before its time, however the clock of the machine jumps', () => {
    fc.assert(
      fc.property(steps, (all) => {
        let now = 1000 * DAY;
        let machine = now;
        let clock = trustedClock(machine);
        const entries: { readonly stored: number; readonly stamp: number }[] = [];
        for (const { passed, jump, isRestart } of all) {
          entries.push({ stored: now, stamp: machine });
          now += passed;
          machine += passed + jump;
          clock = tickClock(clock, machine, isRestart ? 0 : passed, AGE);
          for (const { stored, stamp } of entries)
            if (stamp < clock.time - AGE) expect(now - stored).toBeGreaterThan(AGE);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('is the machine’s while that runs evenly, also across restarts and short pauses', () => {
    let clock = trustedClock(0);
    for (let machine = 0; machine < AGE; machine += HOUR) {
      clock = tickClock(clock, machine, machine % (5 * HOUR) === 0 ? 0 : HOUR, AGE);
      expect(clock.time).toBe(machine);
    }
    clock = tickClock(clock, AGE + 20 * HOUR, 0, AGE);
    expect(aheadOf(clock)).toBe(0);
  });

  test('goes on at its own pace after a jump, and is the machine’s once that ran evenly for the age', () => {
    let clock = tickClock(trustedClock(0), 40 * DAY, 60_000, AGE);
    expect([clock.time, aheadOf(clock)]).toStrictEqual([60_000, 40 * DAY - 60_000]);
    for (let day = 1; day < 30; day += 1) clock = tickClock(clock, (40 + day) * DAY, DAY, AGE);
    expect(clock.time).toBe(29 * DAY + 60_000);
    clock = tickClock(clock, 70 * DAY, DAY, AGE);
    expect(clock.time).toBe(70 * DAY);
  });

  test('follows the machine back at once', () => {
    const ahead = tickClock(trustedClock(100 * DAY), 140 * DAY, 60_000, AGE);
    expect(tickClock(ahead, 90 * DAY, 60_000, AGE).time).toBe(90 * DAY);
  });

  test('of an older store begins with its newest entries', () => {
    expect(tickClock(clockFromEntries(10 * DAY, 50 * DAY), 50 * DAY, 0, AGE).time).toBe(10 * DAY);
    expect(tickClock(clockFromEntries(50 * DAY, 50 * DAY + HOUR), 50 * DAY + HOUR, 0, AGE).time).toBe(
      50 * DAY + HOUR,
    );
    expect(clockFromEntries(60 * DAY, 50 * DAY)).toStrictEqual(trustedClock(50 * DAY));
  });
});

describe('a store with a clock', () => {
  const dirs = tempDirs();
  let swept: Swept;
  let passed = 0;
  let events: object[] = [];

  beforeEach(() => {
    swept = sweptStore(dirs.make());
    swept.time = 1000 * DAY;
    passed = 0;
    events = [];
  });

  afterEach(() => {
    swept.store.close();
    dirs.clear();
  });

  /** What a relay does that is started now. */
  const started = (isTrusted = false) =>
    clockKeeper({
      store: swept.store,
      age: AGE,
      now: () => swept.time,
      monotonic: () => passed,
      isTrusted,
      onEvent: (event) => events.push(event),
    });

  const sweepWith = (clock: ReturnType<typeof started>) =>
    swept.sweep({ age: AGE }, { time: clock.time, onCounted: (_, newest) => clock.learn(newest) });

  const pass = (ms: number) => {
    passed += ms;
    swept.time += ms;
  };

  test('loses nothing to a clock that jumps while it is used, and says so once', async () => {
    const clock = started();
    const log = swept.log('lobby');
    await say(log, 'a');
    sweepWith(clock);
    pass(60_000);
    swept.time += 31 * DAY;
    sweepWith(clock);
    pass(60_000);
    sweepWith(clock);
    expect(readAll(log)).toStrictEqual(['a']);
    expect(events).toStrictEqual([{ type: 'clock-ahead', aheadMs: 31 * DAY }]);
    pass(DAY);
    swept.time -= 31 * DAY;
    sweepWith(clock);
    expect(events.slice(1)).toStrictEqual([{ type: 'clock-believed' }]);
    expect(swept.events).toStrictEqual([]);
    for (let day = 1; day <= 30; day += 1) {
      pass(DAY);
      sweepWith(clock);
    }
    expect(readAll(log)).toStrictEqual([]);
    expect(swept.events).toStrictEqual([{ type: 'removed', reason: 'age', rooms: 1, entries: 1, bytes: 2 }]);
  });

  test('loses nothing to starts with a clock that is ahead', async () => {
    const log = swept.log('lobby');
    await say(log, 'a');
    sweepWith(started());
    swept.time += 40 * DAY;
    for (const start of [started(), started()]) {
      await say(log, 'b');
      sweepWith(start);
      pass(HOUR);
      sweepWith(start);
    }
    expect(readAll(log)).toStrictEqual(['a', 'b', 'b']);
    // Each start says it.
    expect(events.map((event) => (event as { type: string }).type)).toStrictEqual([
      'clock-ahead',
      'clock-ahead',
    ]);
    swept.time -= 40 * DAY;
    sweepWith(started());
    expect(readAll(log)).toStrictEqual(['a', 'b', 'b']);
  });

  test('loses nothing to the first start of this version with a clock that is ahead', async () => {
    const log = swept.log('lobby');
    await say(log, 'a');
    swept.time += 40 * DAY;
    const clock = started();
    sweepWith(clock);
    sweepWith(clock);
    expect(readAll(log)).toStrictEqual(['a']);
    expect(events).toStrictEqual([{ type: 'clock-ahead', aheadMs: 40 * DAY }]);
  });

  test('goes by the machine’s clock if it is told to', async () => {
    const log = swept.log('lobby');
    await say(log, 'a');
    sweepWith(started());
    swept.time += 40 * DAY;
    sweepWith(started(true));
    expect(readAll(log)).toStrictEqual([]);
    expect(events).toStrictEqual([]);
  });

  test('that is opened as a history keeps its clock between runs', async () => {
    const dir = dirs.make();
    let now = 1000 * DAY;
    const run = async (sweepMs: number) => {
      const opened = await openDir({
        dir,
        now: () => now,
        monotonic: () => 0,
        keep: { age: AGE },
        sweep: sweepMs,
      });
      return { ...opened, log: opened.history.open('lobby', () => 'id') };
    };
    const first = await run(1);
    await say(first.log, 'a');
    first.close();
    now += 40 * DAY;
    const second = await run(1);
    for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
    expect(readAll(second.log)).toStrictEqual(['a']);
    second.close();
  });
});
