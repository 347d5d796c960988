import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkHistory } from '../../../src/history/index.js';
import { bytesFor, largestRooms, levelFor, mostRooms } from '../../../src/history/share.js';
import { EMPTY_FOR } from '../../../src/history/sweepRooms.js';
import { openDir, readAll, say, tempDirs, thrown } from './support.js';
import { type Swept, sweptStore } from './sweeps.js';

const KIB = 1024;
const dirs = tempDirs();
let swept: Swept;

beforeEach(() => {
  swept = sweptStore(dirs.make());
});

afterEach(() => {
  swept.store.close();
  dirs.clear();
});

/** A line of so many bytes, with its newline. */
const lineOf = (bytes: number, mark: string): string => mark.padEnd(bytes - 1, '.');

const sizeOf = (room: string): number => {
  const { start = 0, end = 0 } = swept.store.room(room) ?? {};
  return end - start;
};

describe('the size that rooms are cut to', () => {
  const sizes = fc
    .array(fc.nat(100_000), { minLength: 1, maxLength: 60 })
    .map((all) => all.sort((a, b) => b - a).map((bytes, n) => ({ room: `${n}`, bytes })));

  test('frees what is too much, and is an equal share at least', () => {
    fc.assert(
      fc.property(sizes, fc.nat(3_000_000), (all, total) => {
        const allowed = bytesFor(total, all.length);
        const excess = all.reduce((sum, { bytes }) => sum + bytes, 0) - allowed;
        fc.pre(excess > 0);
        const level = levelFor(all, excess, 0);
        const left = all.reduce((sum, { bytes }) => sum + Math.min(bytes, level), 0);
        expect(left).toBeLessThanOrEqual(allowed);
        // No larger one would do.
        expect(left + all.length).toBeGreaterThanOrEqual(Math.floor(allowed));
        expect(level).toBeGreaterThanOrEqual(Math.floor(allowed / all.length));
      }),
    );
  });

  test('is found among the largest of many', () => {
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

describe('what all rooms may have together', () => {
  test('is taken from the largest, however new, and not from the oldest', async () => {
    const quiet = swept.log('quiet');
    await say(quiet, ...Array.from({ length: 50 }, (_, n) => lineOf(100, `${n}`)));
    const loud = swept.log('loud');
    for (let n = 0; n < 40; n += 1) {
      swept.time += 1;
      await say(loud, lineOf(KIB, `${n}`));
    }
    swept.sweep({ total: 22 * KIB });
    expect(readAll(quiet)).toHaveLength(50);
    expect(readAll(loud).at(-1)).toBe(lineOf(KIB, '39'));
    expect(sizeOf('loud')).toBeGreaterThan(14 * KIB);
    expect(sizeOf('loud')).toBeLessThanOrEqual(22 * KIB - 5000 - 2 * KIB);
    const [removed] = swept.events as { entries: number; bytes: number }[];
    expect(removed).toMatchObject({ type: 'removed', reason: 'total', rooms: 1 });
    expect(removed!.bytes).toBe(removed!.entries * KIB);
    expect(swept.sweep({ total: 22 * KIB })).toBe(0);
  });

  test('is kept to within a line, also where a record is larger than what a room may keep', async () => {
    const rooms = ['a', 'b', 'c'].map((name) => swept.log(name));
    for (const room of rooms) await say(room, ...Array.from({ length: 60 }, (_, n) => lineOf(KIB, `${n}`)));
    swept.sweep({ total: 63 * KIB });
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

  test('costs a room nothing that has its share or less, whatever others store', async () => {
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
          await say(swept.log(`${room}`), ...lines.map((bytes) => lineOf(bytes, 'x')));
        }
        const names = [...new Set(all.map(({ room }) => `${room}`))];
        const before = new Map(names.map((name) => [name, readAll(swept.log(name))]));
        const share = Math.floor(bytesFor(total, names.length) / names.length);
        swept.sweep({ total });
        let left = 0;
        for (const name of names) {
          const was = before.get(name)!;
          const now = readAll(swept.log(name));
          const size = was.reduce((sum, { length }) => sum + length + 1, 0);
          if (size <= share) expect(now).toStrictEqual(was);
          // What is left is the newest, and less than a line below the share.
          else expect(sizeOf(name)).toBeGreaterThan(share - 9000);
          expect(now).toStrictEqual(now.length === 0 ? [] : was.slice(-now.length));
          left += sizeOf(name);
        }
        expect(left).toBeLessThanOrEqual(bytesFor(total, names.length));
        swept.store.close();
        checkHistory(swept.store.dir);
        swept = sweptStore(swept.store.dir);
      }),
      { numRuns: 60 },
    );
  });

  test('makes more than a thousand rooms equal', async () => {
    const rooms = Array.from({ length: 1500 }, (_, n) => swept.log(`room ${n}`));
    await Promise.all(rooms.map((room) => say(room, ...Array.from({ length: 8 }, () => lineOf(500, 'x')))));
    swept.sweep({ total: 1500 * (KIB + 1000) });
    for (const room of rooms) expect(room.next - room.first).toBe(2);
  });
});

describe('a store with as many rooms as it takes', () => {
  test('takes one for each 16 KiB of its total, and some in any case', () => {
    expect([mostRooms(2 ** 30), mostRooms(2 ** 20), mostRooms(0)]).toStrictEqual([65_536, 64, 64]);
  });

  test('refuses new ones, and those that it has go on', async () => {
    const { history, close } = await openDir({ dir: dirs.make(), keep: { total: 0 } });
    const logs = Array.from({ length: 64 }, (_, n) => history.open(`${n}`, () => `id ${n}`));
    const late = history.open('late', () => 'late');
    await Promise.all(logs.map((log) => say(log, 'x')));
    expect(thrown(() => history.open('another', () => 'id')).code).toBe('full');
    await expect(say(late, 'x')).rejects.toMatchObject({ code: 'full' });
    await say(logs[0]!, 'y');
    expect(history.open('7', () => 'other').id).toBe('id 7');
    close();
  });
});

describe('a room without entries', () => {
  const emptied = async () => {
    const log = swept.log('lobby');
    await say(log, 'a', 'b');
    swept.time = 1000;
    swept.sweep({ age: 10 });
    expect([log.first, log.next]).toStrictEqual([3, 3]);
    return log;
  };

  test('is known for a week, and then forgotten', async () => {
    await emptied();
    swept.time += EMPTY_FOR - 1;
    swept.sweep({ age: 10 });
    expect(swept.store.room('lobby')?.next).toBe(3);
    swept.time += 1;
    swept.sweep({ age: 10 });
    expect(swept.store.room('lobby')).toBeUndefined();
    expect(swept.events).toContainEqual({ type: 'forgotten', rooms: 1 });
    expect(swept.log('lobby').next).toBe(1);
  });

  test('is forgotten at once in a store that is full', async () => {
    await emptied();
    swept.sweep({ age: 10 }, { isFull: () => true });
    expect(swept.store.room('lobby')).toBeUndefined();
  });

  test('goes on where it was if its log is in use', async () => {
    const log = await emptied();
    swept.time += EMPTY_FOR;
    swept.sweep({ age: 10 });
    await say(log, 'c');
    expect([log.id, log.first, log.next, ...readAll(log)]).toStrictEqual(['lobby', 3, 4, 'c']);
    swept.store.close();
    expect(checkHistory(swept.store.dir)).toStrictEqual({ rooms: 1, entries: 1, bytes: 2 });
    swept = sweptStore(swept.store.dir);
  });

  test('of a store that did not note since when has its week from now on', async () => {
    await emptied();
    const { store } = swept;
    store.write(() => {
      store.putRoom('lobby', { ...store.room('lobby')!, oldest: 0 });
    });
    swept.time += 2 * EMPTY_FOR;
    swept.sweep({ age: 10 });
    expect(store.room('lobby')?.oldest).toBe(swept.time);
    swept.time += EMPTY_FOR;
    swept.sweep({ age: 10 });
    expect(store.room('lobby')).toBeUndefined();
  });
});
