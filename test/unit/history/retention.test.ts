import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { checkHistory } from '../../../src/history/index.js';
import type { Retention } from '../../../src/history/retention.js';
import { numbered, openDir, readAll, say, tempDirs } from './support.js';
import { type Swept, sweptStore } from './sweeps.js';

const dirs = tempDirs();

/** How long, in ms, anything may take before it counts as hanging. */
const HANG = 10_000;

afterEach(() => {
  dirs.clear();
});

describe('with each batch of a room', () => {
  const opened = async (keep: Retention) => {
    const dir = dirs.make();
    const { history, close } = await openDir({ dir, keep });
    const log = history.open('lobby', () => 'id');
    return { dir, history, close, log };
  };

  test('its oldest records go while it has too many entries', async () => {
    const { log, history, close, dir } = await opened({ entries: 5 });
    await say(log, ...numbered(1, 3));
    await say(log, ...numbered(4, 5));
    expect(log.first).toBe(1);
    await say(log, ...numbered(6, 6));
    expect([log.first, log.next]).toStrictEqual([4, 7]);
    expect(log.read(1)).toStrictEqual({ from: 1, to: 3 });
    expect(log.read(3)).toStrictEqual({ from: 3, to: 3 });
    expect(readAll(log, 2)).toStrictEqual(['2-3', 'line 4', 'line 5', 'line 6']);
    const again = history.open('lobby', () => 'other');
    expect([again.id, again.first, again.next]).toStrictEqual(['id', 4, 7]);
    close();
    expect(checkHistory(dir)).toStrictEqual({ rooms: 1, entries: 3, bytes: 21 });
  });

  test('its oldest records go while it has too many bytes', async () => {
    const { log, close, dir } = await opened({ bytes: 20 });
    for (const [line] of Array.from({ length: 9 }, (_, n) => numbered(n + 1, n + 1))) await say(log, line!);
    expect(readAll(log)).toStrictEqual(numbered(8, 9));
    close();
    expect(checkHistory(dir)).toStrictEqual({ rooms: 1, entries: 2, bytes: 14 });
  });

  test('its newest record stays, however large', async () => {
    const { log } = await opened({ entries: 2, bytes: 20 });
    await say(log, 'small');
    await say(log, ...numbered(2, 11));
    expect(readAll(log)).toStrictEqual(numbered(2, 11));
    await say(log, 'after');
    expect(readAll(log)).toStrictEqual(['after']);
  });

  test('a batch of many records loses its own first ones', async () => {
    const { log, close, dir } = await opened({ bytes: 100_000 });
    await say(log, ...numbered(1, 30_000));
    expect(log.next).toBe(30_001);
    expect(log.first).toBeGreaterThan(15_000);
    expect(readAll(log)).toStrictEqual(numbered(log.first, 30_000));
    close();
    expect(checkHistory(dir).bytes).toBeLessThanOrEqual(100_000);
  });

  test('other rooms keep what they have', async () => {
    const { log, history } = await opened({ entries: 1 });
    const cellar = history.open('cellar', () => 'c');
    await say(cellar, 'a', 'b');
    for (const line of numbered(1, 5)) await say(log, line);
    expect(readAll(cellar)).toStrictEqual(['a', 'b']);
  });
});

describe('a sweep', () => {
  let swept: Swept;

  beforeEach(() => {
    swept = sweptStore(dirs.make());
  });

  afterEach(() => {
    swept.store.close();
  });

  test('removes what is too old, and open logs know at once', async () => {
    const [lobby, cellar] = [swept.log('lobby'), swept.log('cellar')];
    for (const time of [1, 2, 3, 4, 5]) {
      swept.time = time;
      await say(lobby, `${time}`);
      if (time === 2) await say(cellar, `${time}`);
    }
    swept.time = 10;
    swept.sweep({ age: 7 });
    expect([lobby.first, lobby.next, ...readAll(lobby, 1)]).toStrictEqual([3, 6, '1-2', '3', '4', '5']);
    expect([cellar.first, cellar.next]).toStrictEqual([2, 2]);
    expect(cellar.read(1)).toStrictEqual({ from: 1, to: 1 });
    expect(cellar.read(2)).toBeUndefined();
    expect(swept.events).toStrictEqual([{ type: 'removed', reason: 'age', rooms: 2, entries: 3, bytes: 6 }]);
  });

  test('leaves a room of which everything went under its id and at its position', async () => {
    const { log, store } = swept;
    const lobby = log('lobby');
    await say(lobby, ...numbered(1, 3));
    swept.time = 10;
    swept.sweep({ age: 5 });
    expect([log('lobby').id, log('lobby').first, log('lobby').next]).toStrictEqual(['lobby', 4, 4]);
    await say(lobby, 'four');
    expect(readAll(lobby, 1)).toStrictEqual(['1-3', 'four']);
    swept.sweep({ age: 5 });
    expect(readAll(lobby)).toStrictEqual(['four']);
    store.close();
    expect(checkHistory(store.dir)).toStrictEqual({ rooms: 1, entries: 1, bytes: 5 });
  });

  test('leaves everything where nothing is too old or too much', async () => {
    const { log, store } = swept;
    await say(log('lobby'), 'a');
    const before = store.transactions();
    swept.sweep({ age: 100, total: 4 });
    expect(store.transactions()).toBe(before);
    expect(swept.events).toStrictEqual([]);
  });

  test('does a little at a time, and batches are stored meanwhile', async () => {
    const { log, store } = swept;
    const lobby = log('lobby');
    const many = Array.from({ length: 1200 }, (_, n) => log(`room ${n}`));
    await Promise.all(many.map((each) => say(each, 'x')));
    swept.time = 10;
    const steps = swept.steps({ age: 5, total: 0 });
    let taken = 0;
    while (steps.next().done !== true) {
      taken += 1;
      await say(lobby, `${taken}`);
    }
    expect(taken).toBeGreaterThanOrEqual(5);
    // What came meanwhile is not old; whether it counts for this sweep's total is open.
    for (const room of many) expect([room.first, room.next]).toStrictEqual([2, 2]);
    expect(lobby.next).toBe(taken + 1);
    store.close();
    expect(checkHistory(store.dir).rooms).toBe(1201);
  });

  test('of an opened history happens by itself, at opening and then again and again', async () => {
    const dir = dirs.make();
    const first = await openDir({ dir, now: () => 0 });
    await say(
      first.history.open('lobby', () => 'id'),
      'old',
    );
    first.close();

    let now = 100;
    const { history, close } = await openDir({
      dir,
      now: () => now,
      keep: { age: 50 },
      sweep: 1,
      trustClock: true,
    });
    const lobby = history.open('lobby', () => 'id');
    const gone = async (position: number) => {
      for (const began = performance.now(); lobby.first < position; await new Promise(setImmediate))
        if (performance.now() - began > HANG) throw new Error('nothing goes');
    };
    await gone(2);
    await say(lobby, 'newer');
    now = 200;
    await gone(3);
    expect([lobby.id, lobby.first, lobby.next]).toStrictEqual(['id', 3, 3]);
    close();
  });
});
