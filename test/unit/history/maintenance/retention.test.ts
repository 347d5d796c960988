import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { checkHistory } from '../../../../src/history/index.js';
import type { Retention } from '../../../../src/history/maintenance/retention.js';
import {
  numberedLines,
  openHistory,
  readAll,
  appendLines,
  tempDirs,
} from '../../../support/history/openHistory.js';
import { type SweptStore, sweptStore } from '../../../support/history/sweptStore.js';

const dirs = tempDirs();

/** Time in ms after which a test counts as hanging. */
const HANG = 120_000;

afterEach(() => {
  dirs.clear();
});

describe('a batch of a room', () => {
  const opened = async (keep: Retention) => {
    const dir = dirs.make();
    const { history, close } = await openHistory({ dir, retention: keep });
    const log = history.open('lobby', () => 'id');
    return { dir, history, close, log };
  };

  test('removes the oldest records when the room has too many entries', async () => {
    const { log, history, close, dir } = await opened({ maxEntries: 5 });
    await appendLines(log, ...numberedLines(1, 3));
    await appendLines(log, ...numberedLines(4, 5));
    expect(log.first).toBe(1);
    await appendLines(log, ...numberedLines(6, 6));
    expect([log.first, log.next]).toStrictEqual([4, 7]);
    expect(log.read(1)).toStrictEqual({ from: 1, to: 3 });
    expect(log.read(3)).toStrictEqual({ from: 3, to: 3 });
    expect(readAll(log, 2)).toStrictEqual(['2-3', 'line 4', 'line 5', 'line 6']);
    const again = history.open('lobby', () => 'other');
    expect([again.id, again.first, again.next]).toStrictEqual(['id', 4, 7]);
    close();
    expect(checkHistory(dir)).toStrictEqual({ rooms: 1, entries: 3, bytes: 21 });
  });

  test('removes the oldest records when the room has too many bytes', async () => {
    const { log, close, dir } = await opened({ maxBytes: 20 });
    for (const [line] of Array.from({ length: 9 }, (_, n) => numberedLines(n + 1, n + 1)))
      await appendLines(log, line!);
    expect(readAll(log)).toStrictEqual(numberedLines(8, 9));
    close();
    expect(checkHistory(dir)).toStrictEqual({ rooms: 1, entries: 2, bytes: 14 });
  });

  test('keeps the newest record, however large it is', async () => {
    const { log } = await opened({ maxEntries: 2, maxBytes: 20 });
    await appendLines(log, 'small');
    await appendLines(log, ...numberedLines(2, 11));
    expect(readAll(log)).toStrictEqual(numberedLines(2, 11));
    await appendLines(log, 'after');
    expect(readAll(log)).toStrictEqual(['after']);
  });

  test('with many records removes its own first ones', async () => {
    const { log, close, dir } = await opened({ maxBytes: 100_000 });
    await appendLines(log, ...numberedLines(1, 30_000));
    expect(log.next).toBe(30_001);
    expect(log.first).toBeGreaterThan(15_000);
    expect(readAll(log)).toStrictEqual(numberedLines(log.first, 30_000));
    close();
    expect(checkHistory(dir).bytes).toBeLessThanOrEqual(100_000);
  });

  test('leaves other rooms unchanged', async () => {
    const { log, history } = await opened({ maxEntries: 1 });
    const cellar = history.open('cellar', () => 'c');
    await appendLines(cellar, 'a', 'b');
    for (const line of numberedLines(1, 5)) await appendLines(log, line);
    expect(readAll(cellar)).toStrictEqual(['a', 'b']);
  });
});

describe('a sweep', () => {
  let swept: SweptStore;

  beforeEach(() => {
    swept = sweptStore(dirs.make());
  });

  afterEach(() => {
    swept.store.close();
  });

  test('removes expired entries, and open logs see it at once', async () => {
    const [lobby, cellar] = [swept.log('lobby'), swept.log('cellar')];
    for (const time of [1, 2, 3, 4, 5]) {
      swept.time = time;
      await appendLines(lobby, `${time}`);
      if (time === 2) await appendLines(cellar, `${time}`);
    }
    swept.time = 10;
    swept.sweep({ maxAgeMs: 7 });
    expect([lobby.first, lobby.next, ...readAll(lobby, 1)]).toStrictEqual([3, 6, '1-2', '3', '4', '5']);
    expect([cellar.first, cellar.next]).toStrictEqual([2, 2]);
    expect(cellar.read(1)).toStrictEqual({ from: 1, to: 1 });
    expect(cellar.read(2)).toBeUndefined();
    expect(swept.events).toStrictEqual([{ type: 'removed', reason: 'age', rooms: 2, entries: 3, bytes: 6 }]);
  });

  test('keeps the id and position of a room that it empties', async () => {
    const { log, store } = swept;
    const lobby = log('lobby');
    await appendLines(lobby, ...numberedLines(1, 3));
    swept.time = 10;
    swept.sweep({ maxAgeMs: 5 });
    expect([log('lobby').id, log('lobby').first, log('lobby').next]).toStrictEqual(['lobby', 4, 4]);
    await appendLines(lobby, 'four');
    expect(readAll(lobby, 1)).toStrictEqual(['1-3', 'four']);
    swept.sweep({ maxAgeMs: 5 });
    expect(readAll(lobby)).toStrictEqual(['four']);
    store.close();
    expect(checkHistory(store.dir)).toStrictEqual({ rooms: 1, entries: 1, bytes: 5 });
  });

  test('removes nothing when nothing is expired or too much', async () => {
    const { log, store } = swept;
    await appendLines(log('lobby'), 'a');
    const before = store.lastTransaction();
    swept.sweep({ maxAgeMs: 100, maxTotalBytes: 4 });
    expect(store.lastTransaction()).toBe(before);
    expect(swept.events).toStrictEqual([]);
  });

  test('runs in small steps, between which batches are stored', async () => {
    const { log, store } = swept;
    const lobby = log('lobby');
    const many = Array.from({ length: 1200 }, (_, n) => log(`room ${n}`));
    await Promise.all(many.map((each) => appendLines(each, 'x')));
    swept.time = 10;
    const steps = swept.steps({ maxAgeMs: 5, maxTotalBytes: 0 });
    let taken = 0;
    while (steps.next().done !== true) {
      taken += 1;
      await appendLines(lobby, `${taken}`);
    }
    expect(taken).toBeGreaterThanOrEqual(5);
    // Entries that arrived meanwhile are not old. They may count in this sweep's total or not.
    for (const room of many) expect([room.first, room.next]).toStrictEqual([2, 2]);
    expect(lobby.next).toBe(taken + 1);
    store.close();
    expect(checkHistory(store.dir).rooms).toBe(1201);
  });

  test('runs when a history is opened, and again after each interval', async () => {
    const dir = dirs.make();
    const first = await openHistory({ dir, now: () => 0 });
    await appendLines(
      first.history.open('lobby', () => 'id'),
      'old',
    );
    first.close();

    let now = 100;
    const { history, close } = await openHistory({
      dir,
      now: () => now,
      retention: { maxAgeMs: 50 },
      sweepIntervalMs: 1,
      trustClock: true,
    });
    const lobby = history.open('lobby', () => 'id');
    const gone = async (position: number) => {
      for (const began = performance.now(); lobby.first < position; await new Promise(setImmediate))
        if (performance.now() - began > HANG) throw new Error('nothing goes');
    };
    await gone(2);
    await appendLines(lobby, 'newer');
    now = 200;
    await gone(3);
    expect([lobby.id, lobby.first, lobby.next]).toStrictEqual(['id', 3, 3]);
    close();
  });
});
