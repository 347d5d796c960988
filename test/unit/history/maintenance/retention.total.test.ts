import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { checkHistory } from '../../../../src/history/index.js';
import {
  entryBudget,
  largestRooms,
  trimTarget,
  maxRoomsFor,
} from '../../../../src/history/maintenance/retention.js';
import { EMPTY_ROOM_TTL_MS } from '../../../../src/history/maintenance/sweepRooms.js';
import {
  openHistory,
  readAll,
  appendLines,
  tempDirs,
  historyErrorOf,
} from '../../../support/history/openHistory.js';
import { type SweptStore, sweptStore } from '../../../support/history/sweptStore.js';

const KIB = 1024;
const dirs = tempDirs();
let swept: SweptStore;

beforeEach(() => {
  swept = sweptStore(dirs.make());
});

afterEach(() => {
  swept.store.close();
  dirs.clear();
});

/** Returns a line of that many bytes, including its newline. */
const lineOf = (bytes: number, mark: string): string => mark.padEnd(bytes - 1, '.');

const sizeOf = (room: string): number => {
  const { start = 0, end = 0 } = swept.store.room(room) ?? {};
  return end - start;
};

describe('the size that the largest rooms are trimmed to', () => {
  const sizes = fc
    .array(fc.nat(100_000), { minLength: 1, maxLength: 60 })
    .map((all) => all.sort((a, b) => b - a).map((bytes, n) => ({ room: `${n}`, bytes })));

  test('frees the excess, and is at least an equal share', () => {
    fc.assert(
      fc.property(sizes, fc.nat(3_000_000), (all, total) => {
        const allowed = entryBudget(total, all.length);
        const excess = all.reduce((sum, { bytes }) => sum + bytes, 0) - allowed;
        fc.pre(excess > 0);
        const level = trimTarget(all, excess, 0);
        const left = all.reduce((sum, { bytes }) => sum + Math.min(bytes, level), 0);
        expect(left).toBeLessThanOrEqual(allowed);
        // A higher level would exceed the total.
        expect(left + all.length).toBeGreaterThanOrEqual(Math.floor(allowed));
        expect(level).toBeGreaterThanOrEqual(Math.floor(allowed / all.length));
      }),
    );
  });

  test('is computed from the largest of many rooms', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 20 }), (all, most) => {
        const largest = largestRooms(most);
        for (const size of [...all].sort((a, b) => a.room.localeCompare(b.room))) largest.add(size);
        expect(largest.sizes.map(({ bytes }) => bytes)).toStrictEqual(
          all.slice(0, most).map(({ bytes }) => bytes),
        );
        expect(largest.isLimited).toBe(all.length > most);
      }),
    );
  });
});

describe('the total limit', () => {
  test('takes from the largest rooms, however new, and not from the oldest', async () => {
    const quiet = swept.log('quiet');
    await appendLines(quiet, ...Array.from({ length: 50 }, (_, n) => lineOf(100, `${n}`)));
    const loud = swept.log('loud');
    for (let n = 0; n < 40; n += 1) {
      swept.time += 1;
      await appendLines(loud, lineOf(KIB, `${n}`));
    }
    swept.sweep({ maxTotalBytes: 22 * KIB });
    expect(readAll(quiet)).toHaveLength(50);
    expect(readAll(loud).at(-1)).toBe(lineOf(KIB, '39'));
    expect(sizeOf('loud')).toBeGreaterThan(14 * KIB);
    expect(sizeOf('loud')).toBeLessThanOrEqual(22 * KIB - 5000 - 2 * KIB);
    const [removed] = swept.events as { entries: number; bytes: number }[];
    expect(removed).toMatchObject({ type: 'removed', reason: 'total', rooms: 1 });
    expect(removed!.bytes).toBe(removed!.entries * KIB);
    expect(swept.sweep({ maxTotalBytes: 22 * KIB })).toBe(0);
  });

  test('is met to within a line, also when a record is larger than the allowed size', async () => {
    const rooms = ['a', 'b', 'c'].map((name) => swept.log(name));
    for (const room of rooms)
      await appendLines(room, ...Array.from({ length: 60 }, (_, n) => lineOf(KIB, `${n}`)));
    swept.sweep({ maxTotalBytes: 63 * KIB });
    for (const [n, room] of rooms.entries()) {
      expect(sizeOf('abc'.charAt(n))).toBe(20 * KIB);
      expect([room.first, room.next]).toStrictEqual([41, 61]);
      expect(readAll(room)).toStrictEqual(
        Array.from({ length: 20 }, (_, line) => lineOf(KIB, `${40 + line}`)),
      );
      expect(room.read(1)).toStrictEqual({ from: 1, to: 40 });
    }
    swept.store.close();
    expect(checkHistory(swept.store.dir)).toStrictEqual({ rooms: 3, entries: 60, bytes: 60 * KIB });
    swept = sweptStore(swept.store.dir);
  });

  test('costs nothing to a room with its share or less, whatever other rooms store', async () => {
    const writes = fc.array(
      fc.record({
        room: fc.nat(9),
        lines: fc.array(fc.integer({ min: 2, max: 9000 }), { minLength: 1, maxLength: 12 }),
      }),
      { minLength: 1, maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(writes, fc.integer({ min: 0, max: 300_000 }), async (all, total) => {
        swept.store.close();
        swept = sweptStore(dirs.make());
        for (const { room, lines } of all) {
          swept.time += 1;
          await appendLines(swept.log(`${room}`), ...lines.map((bytes) => lineOf(bytes, 'x')));
        }
        const names = [...new Set(all.map(({ room }) => `${room}`))];
        const before = new Map(names.map((name) => [name, readAll(swept.log(name))]));
        const share = Math.floor(entryBudget(total, names.length) / names.length);
        swept.sweep({ maxTotalBytes: total });
        let left = 0;
        for (const name of names) {
          const was = before.get(name)!;
          const now = readAll(swept.log(name));
          const size = was.reduce((sum, { length }) => sum + length + 1, 0);
          if (size <= share) expect(now).toStrictEqual(was);
          // The rest is the newest, and less than a line below the share.
          else expect(sizeOf(name)).toBeGreaterThan(share - 9000);
          expect(now).toStrictEqual(now.length === 0 ? [] : was.slice(-now.length));
          left += sizeOf(name);
        }
        expect(left).toBeLessThanOrEqual(entryBudget(total, names.length));
        swept.store.close();
        checkHistory(swept.store.dir);
        swept = sweptStore(swept.store.dir);
      }),
      { numRuns: 60 },
    );
  });

  test('trims more than a thousand rooms to the same size', async () => {
    const rooms = Array.from({ length: 1500 }, (_, n) => swept.log(`room ${n}`));
    await Promise.all(
      rooms.map((room) => appendLines(room, ...Array.from({ length: 8 }, () => lineOf(500, 'x')))),
    );
    swept.sweep({ maxTotalBytes: 1500 * (KIB + 1000) });
    for (const room of rooms) expect(room.next - room.first).toBe(2);
  });
});

describe('the maximum number of rooms of a store', () => {
  test('is one per 16 KiB of its total limit, and has a minimum', () => {
    expect([maxRoomsFor(2 ** 30), maxRoomsFor(2 ** 20), maxRoomsFor(0)]).toStrictEqual([65_536, 64, 64]);
  });

  test('rejects new rooms, while existing ones continue', async () => {
    const { history, close } = await openHistory({ dir: dirs.make(), retention: { maxTotalBytes: 0 } });
    const logs = Array.from({ length: 64 }, (_, n) => history.open(`${n}`, () => `id ${n}`));
    const late = history.open('late', () => 'late');
    await Promise.all(logs.map((log) => appendLines(log, 'x')));
    expect(historyErrorOf(() => history.open('another', () => 'id')).code).toBe('full');
    await expect(appendLines(late, 'x')).rejects.toMatchObject({ code: 'full' });
    await appendLines(logs[0]!, 'y');
    expect(history.open('7', () => 'other').id).toBe('id 7');
    close();
  });
});

test('a flood that arrives between two sweeps makes the file no larger than four times the total', async () => {
  const dir = dirs.make();
  const total = 2048 * KIB;
  const { history, close } = await openHistory({
    dir,
    retention: { maxTotalBytes: total },
    sweepIntervalMs: 3_600_000,
  });
  const logs = Array.from({ length: 10 }, (_, n) => history.open(`${n}`, () => `id ${n}`));
  for (let written = 0; written < 16 * total; written += 10 * 8 * KIB)
    await Promise.all(logs.map((log) => appendLines(log, lineOf(8 * KIB - 1, 'x'))));
  expect(statSync(join(dir, 'rooms.mdb')).size).toBeLessThan(4 * total);
  close();
});

describe('a room without entries', () => {
  const emptied = async () => {
    const log = swept.log('lobby');
    await appendLines(log, 'a', 'b');
    swept.time = 1000;
    swept.sweep({ maxAgeMs: 10 });
    expect([log.first, log.next]).toStrictEqual([3, 3]);
    return log;
  };

  test('is remembered for a week, and then forgotten', async () => {
    await emptied();
    swept.time += EMPTY_ROOM_TTL_MS - 1;
    swept.sweep({ maxAgeMs: 10 });
    expect(swept.store.room('lobby')?.next).toBe(3);
    swept.time += 1;
    swept.sweep({ maxAgeMs: 10 });
    expect(swept.store.room('lobby')).toBeUndefined();
    expect(swept.events).toContainEqual({ type: 'forgotten', rooms: 1 });
    expect(swept.log('lobby').next).toBe(1);
  });

  test('is forgotten immediately when the store is full', async () => {
    await emptied();
    swept.sweep({ maxAgeMs: 10 }, { isFull: () => true });
    expect(swept.store.room('lobby')).toBeUndefined();
  });

  test('continues at its position when its log is in use', async () => {
    const log = await emptied();
    swept.time += EMPTY_ROOM_TTL_MS;
    swept.sweep({ maxAgeMs: 10 });
    await appendLines(log, 'c');
    expect([log.id, log.first, log.next, ...readAll(log)]).toStrictEqual(['lobby', 3, 4, 'c']);
    swept.store.close();
    expect(checkHistory(swept.store.dir)).toStrictEqual({ rooms: 1, entries: 1, bytes: 2 });
    swept = sweptStore(swept.store.dir);
  });

  test('is remembered for a week from now when the store has no time for it', async () => {
    await emptied();
    const { store } = swept;
    store.write(() => {
      store.putRoom('lobby', { ...store.room('lobby')!, oldest: 0 });
    });
    swept.time += 2 * EMPTY_ROOM_TTL_MS;
    swept.sweep({ maxAgeMs: 10 });
    expect(store.room('lobby')?.oldest).toBe(swept.time);
    swept.time += EMPTY_ROOM_TTL_MS;
    swept.sweep({ maxAgeMs: 10 });
    expect(store.room('lobby')).toBeUndefined();
  });
});
