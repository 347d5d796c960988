import { describe, expect, test } from '@jest/globals';
import { Subject } from 'rxjs';
import type { Gap, StoredLog } from '../../../../streams/relay/log/history.js';
import { roomLog } from '../../../../streams/relay/log/roomLog.js';
import { fakeHistory } from '../../../support/fakeHistory.js';
import {
  trimmedLines,
  numberLines,
  appendAndCommit,
  quarterSlabLine,
  quarterSlabLines,
  readAll,
} from '../../../support/logs.js';

const ROOM = 'room';

/** A history that finishes storing on request. */
const retained = (slice?: number) => {
  const stored = new Subject<void>();
  const history = fakeHistory({
    commitDelay: () => stored,
    ...(slice !== undefined && { maxReadBytes: slice }),
  });
  const open = (window: number) => {
    const store = history.open(ROOM, () => 'kept');
    const log = roomLog({ id: store.id, windowBytes: window, stored: store });
    const commit = () => {
      const taken = log.batch();
      store.append(taken).subscribe({ complete: () => log.commit(taken) });
      stored.next();
    };
    const keep = (from: number, to: number) => {
      log.append(quarterSlabLines(from, to));
      commit();
    };
    return { log, keep };
  };
  return { history, open };
};

/** A reopened log of quarters 1 to `to`, with none of them in memory. */
const reopened = (to: number, { window = 4096, slice }: { window?: number; slice?: number } = {}) => {
  const { history, open } = retained(slice);
  open(window).keep(1, to);
  return { history, ...open(window) };
};

describe('a room log with a store', () => {
  test('continues where the store ends', () => {
    const { log, keep } = reopened(10);
    expect([log.id, log.first, log.next, log.end]).toStrictEqual(['kept', 1, 11, 11]);
    const cursor = log.cursor(log.next);
    expect(cursor.read()).toBeUndefined();
    keep(11, 12);
    expect([log.next, readAll(cursor)]).toStrictEqual([13, ['11', '12']]);
  });

  test('begins at 1 when the store is empty', () => {
    const { log, keep } = retained().open(4096);
    expect([log.first, log.next]).toStrictEqual([1, 1]);
    const cursor = log.cursor(1);
    keep(1, 3);
    expect([log.first, readAll(cursor)]).toStrictEqual([1, ['1', '2', '3']]);
  });

  test.each(Array.from({ length: 32 }, (_, n) => [n + 1]))(
    'reads from position %i on from the store and then from memory without a break',
    (from) => {
      const { log, keep } = reopened(9, { slice: 600 });
      keep(10, 10);
      for (let n = 11; n <= 31; n += 1) keep(n, n);
      const cursor = log.cursor(from);
      const read: (string | Gap)[] = [];
      for (let slice = cursor.read(); slice !== undefined; slice = cursor.read()) {
        read.push(...trimmedLines(slice as Uint8Array));
        expect(cursor.position).toBe(from + read.length);
      }
      expect(read).toStrictEqual(numberLines(from, 31));
    },
  );

  test('reports no gap to a reader below its memory while it grows', () => {
    const { log, keep } = reopened(20, { slice: 600 });
    const cursor = log.cursor(1);
    const read: string[] = [];
    for (let n = 21; n <= 80; n += 1) {
      keep(n, n);
      for (const slice of [cursor.read(), cursor.read()])
        if (slice !== undefined) read.push(...trimmedLines(slice as Uint8Array));
    }
    expect([...read, ...readAll(cursor)]).toStrictEqual(numberLines(1, 80));
  });

  test('does not query the store for a reader that keeps up', () => {
    const { history } = reopened(10);
    const requested: number[] = [];
    const store = history.open(ROOM, () => 'kept');
    const watched: StoredLog = {
      ...store,
      first: 1,
      next: 11,
      read: (position) => {
        requested.push(position);
        return store.read(position);
      },
    };
    const log = roomLog({ id: 'kept', windowBytes: 4096, stored: watched });
    const cursor = log.cursor(11);
    const late = log.cursor(10);
    for (let n = 11; n <= 60; n += 1) {
      appendAndCommit(log, quarterSlabLine(n));
      expect(readAll(cursor)).toStrictEqual([`${n}`]);
    }
    expect(requested).toStrictEqual([]);
    late.read();
    expect(requested).toStrictEqual([10]);
  });

  test('holds at most its window and one commit in memory, and reads older entries from the store', () => {
    const { log, keep } = retained().open(4096);
    const pending = new Set<ArrayBufferLike>();
    for (let n = 1; n <= 100; n += 1) keep(n, n);
    const cursor = log.cursor(1);
    expect(trimmedLines(cursor.read() as Uint8Array)).toHaveLength(100);
    for (let n = 1; n <= 100; n += 1) {
      const slice = log.cursor(n).read() as Uint8Array;
      if (slice.buffer.byteLength === 1024) pending.add(slice.buffer);
    }
    expect(pending.size).toBe(4);
  });

  test('begins at the oldest entry that retention kept', () => {
    const { history, log } = reopened(30);
    history.dropBefore(ROOM, 21);
    expect([log.first, log.next]).toStrictEqual([21, 31]);
    expect(readAll(log.cursor(1))).toStrictEqual([{ from: 1, to: 20 }, ...numberLines(21, 30)]);
    expect(readAll(log.cursor(25))).toStrictEqual(numberLines(25, 30));
  });

  test('reports the exact gap to a reader overtaken by retention, and continues', () => {
    const { history, log } = reopened(30, { slice: 600 });
    const cursor = log.cursor(4);
    expect(trimmedLines(cursor.read() as Uint8Array)).toHaveLength(2);
    history.dropBefore(ROOM, 21);
    expect([cursor.read(), cursor.position]).toStrictEqual([{ from: 6, to: 20 }, 21]);
    expect(cursor.skippedCount).toBe(15);
    expect(readAll(cursor)).toStrictEqual(numberLines(21, 30));
  });

  test('does not deliver entries that retention removed, even if they are in memory', () => {
    const { history, log, keep } = reopened(10);
    keep(11, 12);
    const [one, two] = [log.cursor(11), log.cursor(11)];
    expect(readAll(two)).toStrictEqual(['11', '12']);
    keep(13, 18);
    const late = log.cursor(18);
    history.dropBefore(ROOM, 15);
    expect(log.first).toBe(15);
    expect(readAll(one)).toStrictEqual([{ from: 11, to: 14 }, ...numberLines(15, 18)]);
    expect(readAll(two)).toStrictEqual([{ from: 13, to: 14 }, ...numberLines(15, 18)]);
    expect(readAll(late)).toStrictEqual(['18']);
  });

  test('continues at its end when retention removed everything', () => {
    const { history, log, keep } = reopened(10);
    const cursor = log.cursor(3);
    history.dropBefore(ROOM, 11);
    expect([log.first, log.next]).toStrictEqual([11, 11]);
    expect(readAll(cursor)).toStrictEqual([{ from: 3, to: 10 }]);
    keep(11, 12);
    expect(readAll(cursor)).toStrictEqual(['11', '12']);
  });

  test('passes on the gap of a damaged place, and continues after it', () => {
    const { history, log, keep } = reopened(10);
    history.damage(ROOM, 3, 5);
    keep(11, 11);
    expect(readAll(log.cursor(1))).toStrictEqual(['1', '2', { from: 3, to: 5 }, ...numberLines(6, 11)]);
    expect(readAll(log.cursor(4))).toStrictEqual([{ from: 4, to: 5 }, ...numberLines(6, 11)]);
  });

  test('shows no entry before its commit, even if the store already has it', () => {
    // Stored, but not committed yet: the log and its readers still end at 10.
    const { history, open } = retained();
    open(4096).keep(1, 10);
    const behind = open(4096);
    const cursor = behind.log.cursor(9);
    open(4096).keep(11, 14);
    expect(readAll(cursor)).toStrictEqual(['9', '10']);
    history.damage(ROOM, 10, 12);
    const torn = behind.log.cursor(9);
    expect(readAll(torn)).toStrictEqual(['9', { from: 10, to: 10 }]);
    history.dropBefore(ROOM, 13);
    const late = behind.log.cursor(1);
    expect([behind.log.first, readAll(late)]).toStrictEqual([11, [{ from: 1, to: 10 }]]);
  });
});
