import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  advanceClock,
  clockFromEntries,
  leadMs,
  maxStepMs,
  persistentClock,
  trustedClock,
} from '../../../../src/history/maintenance/retentionClock.js';
import { openHistory, readAll, appendLines, tempDirs } from '../../../support/history/openHistory.js';
import { type SweptStore, sweptStore } from '../../../support/history/sweptStore.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const AGE = 30 * DAY;

describe('the retention clock', () => {
  /** What happens between two sweeps: time passes, the machine's clock may jump, the relay may restart. */
  const steps = fc.array(
    fc.record({
      passed: fc.integer({ min: 0, max: 5 * DAY }),
      jump: fc.oneof(
        { weight: 3, arbitrary: fc.constant(0) },
        fc.integer({ min: maxStepMs(AGE) + 1, max: 400 * DAY }),
        fc.integer({ min: -400 * DAY, max: -1 }),
      ),
      isRestart: fc.boolean(),
    }),
    { minLength: 1, maxLength: 40 },
  );

  test('expires no entry early, however the system clock jumps', () => {
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
          clock = advanceClock(clock, machine, isRestart ? 0 : passed, AGE);
          for (const { stored, stamp } of entries)
            if (stamp < clock.time - AGE) expect(now - stored).toBeGreaterThan(AGE);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('follows the system clock while that runs steadily, also across restarts and short pauses', () => {
    let clock = trustedClock(0);
    for (let machine = 0; machine < AGE; machine += HOUR) {
      clock = advanceClock(clock, machine, machine % (5 * HOUR) === 0 ? 0 : HOUR, AGE);
      expect(clock.time).toBe(machine);
    }
    clock = advanceClock(clock, AGE + 20 * HOUR, 0, AGE);
    expect(leadMs(clock)).toBe(0);
  });

  test('continues at its own pace after a jump, and follows the system clock again once that ran steadily for the maximum age', () => {
    let clock = advanceClock(trustedClock(0), 40 * DAY, 60_000, AGE);
    expect([clock.time, leadMs(clock)]).toStrictEqual([60_000, 40 * DAY - 60_000]);
    for (let day = 1; day < 30; day += 1) clock = advanceClock(clock, (40 + day) * DAY, DAY, AGE);
    expect(clock.time).toBe(29 * DAY + 60_000);
    clock = advanceClock(clock, 70 * DAY, DAY, AGE);
    expect(clock.time).toBe(70 * DAY);
  });

  test('follows the system clock back at once', () => {
    const ahead = advanceClock(trustedClock(100 * DAY), 140 * DAY, 60_000, AGE);
    expect(advanceClock(ahead, 90 * DAY, 60_000, AGE).time).toBe(90 * DAY);
  });

  test('of an older store starts with its newest entries', () => {
    expect(advanceClock(clockFromEntries(10 * DAY, 50 * DAY), 50 * DAY, 0, AGE).time).toBe(10 * DAY);
    expect(advanceClock(clockFromEntries(50 * DAY, 50 * DAY + HOUR), 50 * DAY + HOUR, 0, AGE).time).toBe(
      50 * DAY + HOUR,
    );
    expect(clockFromEntries(60 * DAY, 50 * DAY)).toStrictEqual(trustedClock(50 * DAY));
  });
});

describe('a store with a retention clock', () => {
  const dirs = tempDirs();
  let swept: SweptStore;
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

  /** Opens the clock as a starting relay does. */
  const started = (isTrusted = false) =>
    persistentClock({
      store: swept.store,
      maxAgeMs: AGE,
      now: () => swept.time,
      monotonicNow: () => passed,
      isTrusted,
      onEvent: (event) => events.push(event),
    });

  const sweepWith = (clock: ReturnType<typeof started>) =>
    swept.sweep(
      { maxAgeMs: AGE },
      { retentionTime: clock.time, onAllRoomsVisited: (_, newest) => clock.setNewestEntryTime(newest) },
    );

  const pass = (ms: number) => {
    passed += ms;
    swept.time += ms;
  };

  test('loses nothing when the clock jumps during use, and reports it once', async () => {
    const clock = started();
    const log = swept.log('lobby');
    await appendLines(log, 'a');
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

  test('loses nothing when it is opened with a clock that is ahead', async () => {
    const log = swept.log('lobby');
    await appendLines(log, 'a');
    sweepWith(started());
    swept.time += 40 * DAY;
    for (const start of [started(), started()]) {
      await appendLines(log, 'b');
      sweepWith(start);
      pass(HOUR);
      sweepWith(start);
    }
    expect(readAll(log)).toStrictEqual(['a', 'b', 'b']);
    // Each start reports it.
    expect(events.map((event) => (event as { type: string }).type)).toStrictEqual([
      'clock-ahead',
      'clock-ahead',
    ]);
    swept.time -= 40 * DAY;
    sweepWith(started());
    expect(readAll(log)).toStrictEqual(['a', 'b', 'b']);
  });

  test('loses nothing at the first start of this version with a clock that is ahead', async () => {
    const log = swept.log('lobby');
    await appendLines(log, 'a');
    swept.time += 40 * DAY;
    const clock = started();
    sweepWith(clock);
    sweepWith(clock);
    expect(readAll(log)).toStrictEqual(['a']);
    expect(events).toStrictEqual([{ type: 'clock-ahead', aheadMs: 40 * DAY }]);
  });

  test('uses the system clock when it is trusted', async () => {
    const log = swept.log('lobby');
    await appendLines(log, 'a');
    sweepWith(started());
    swept.time += 40 * DAY;
    sweepWith(started(true));
    expect(readAll(log)).toStrictEqual([]);
    expect(events).toStrictEqual([]);
  });

  test('keeps its clock between runs of a history', async () => {
    const dir = dirs.make();
    let now = 1000 * DAY;
    const run = async (sweepMs: number) => {
      const opened = await openHistory({
        dir,
        now: () => now,
        monotonicNow: () => 0,
        retention: { maxAgeMs: AGE },
        sweepIntervalMs: sweepMs,
      });
      return { ...opened, log: opened.history.open('lobby', () => 'id') };
    };
    const first = await run(1);
    await appendLines(first.log, 'a');
    first.close();
    now += 40 * DAY;
    const second = await run(1);
    for (let ticks = 0; ticks < 20; ticks += 1) await new Promise(setImmediate);
    expect(readAll(second.log)).toStrictEqual(['a']);
    second.close();
  });
});
