import { describe, expect, test } from '@jest/globals';
import { roomLog, type RoomLog, MIN_WINDOW_BYTES } from '../../../../streams/relay/log/roomLog.js';
import {
  trimmedLines,
  numberLines,
  appendAndCommit,
  quarterSlabLine,
  quarterSlabLines,
  readAll,
} from '../../../support/logs.js';
import { batch, bytes, splitLines } from '../../../support/wire.js';

const newLog = (window = MIN_WINDOW_BYTES): RoomLog => roomLog({ id: 'log', windowBytes: window });

/** The smallest log possible: four slabs of 1 KiB, and lines of a quarter of that. */
const small = () => newLog(4096);
const putQuarters = (log: RoomLog, from: number, to: number) => {
  for (let n = from; n <= to; n += 1) appendAndCommit(log, quarterSlabLine(n));
};

describe('roomLog', () => {
  test('begins empty at position 1', () => {
    const log = newLog();
    expect([log.id, log.first, log.next, log.cursor(1).read()]).toStrictEqual(['log', 1, 1, undefined]);
  });

  test('numbers the n-th line n', () => {
    const log = newLog();
    appendAndCommit(log, 'one');
    appendAndCommit(log, 'two', 'three');
    expect([log.first, log.next]).toStrictEqual([1, 4]);
    for (const [n, line] of ['one', 'two', 'three'].entries())
      expect(readAll(log.cursor(n + 1))[0]).toBe(line);
  });

  test('copies lines, since the chunk is reused', () => {
    const log = newLog();
    const chunk = bytes('one');
    log.append({ bytes: chunk, count: 1 });
    chunk.fill(33);
    log.commit(log.batch());
    expect(readAll(log.cursor(1))).toStrictEqual(['one']);
  });

  test('gives all readers slices of the same memory', () => {
    const log = newLog();
    appendAndCommit(log, 'one', 'two');
    const [a, b] = [log.cursor(1).read(), log.cursor(2).read()] as Uint8Array[];
    expect(a!.buffer).toBe(b!.buffer);
    expect([splitLines(a!), splitLines(b!)]).toStrictEqual([['one', 'two'], ['two']]);
  });

  test('leaves slices unchanged after they were read, whatever is appended and dropped', () => {
    const log = small();
    putQuarters(log, 1, 4);
    const slice = log.cursor(1).read() as Uint8Array;
    const before = splitLines(slice);
    putQuarters(log, 5, 100);
    expect(splitLines(slice)).toStrictEqual(before);
  });
});

describe('a cursor of roomLog', () => {
  test('reads what is new since its last read, and nothing twice', () => {
    const log = newLog();
    const cursor = log.cursor(1);
    expect(cursor.read()).toBeUndefined();
    appendAndCommit(log, 'one');
    appendAndCommit(log, 'two');
    expect([cursor.position, readAll(cursor), cursor.position]).toStrictEqual([1, ['one', 'two'], 3]);
    expect(cursor.read()).toBeUndefined();
    appendAndCommit(log, 'three');
    expect([readAll(cursor), cursor.position]).toStrictEqual([['three'], 4]);
  });

  test('does not move other cursors', () => {
    const log = newLog();
    appendAndCommit(log, 'one');
    const [a, b] = [log.cursor(1), log.cursor(1)];
    readAll(a);
    expect([b.position, readAll(b)]).toStrictEqual([1, ['one']]);
  });

  test('begins at 1 when it requests less, and at the end when it requests more', () => {
    const log = newLog();
    appendAndCommit(log, 'one', 'two');
    expect([0, -5].map((n) => log.cursor(n).position)).toStrictEqual([1, 1]);
    const late = log.cursor(99);
    expect([late.position, late.read()]).toStrictEqual([3, undefined]);
    appendAndCommit(log, 'three');
    expect(readAll(late)).toStrictEqual(['three']);
  });

  test.each(Array.from({ length: 18 }, (_, n) => [n + 1]))(
    'reads from position %i on to the end, over all slabs',
    (from) => {
      const log = small();
      putQuarters(log, 1, 16);
      const cursor = log.cursor(from);
      putQuarters(log, 17, 17);
      const start = Math.min(from, 17);
      const retained = Math.max(start, log.first);
      const expected = [
        ...(start < retained ? [{ from: start, to: retained - 1 }] : []),
        ...Array.from({ length: 18 - retained }, (_, n) => `${retained + n}`),
      ];
      expect(readAll(cursor)).toStrictEqual(expected);
      expect(cursor.position).toBe(18);
    },
  );
});

describe('roomLog when it drops old entries', () => {
  test('drops the oldest slab when the window is full', () => {
    const log = small();
    putQuarters(log, 1, 16);
    expect(log.first).toBe(1);
    putQuarters(log, 17, 17);
    expect([log.first, log.next]).toStrictEqual([5, 18]);
  });

  test('reports one exact gap to a reader that had not read them, and continues', () => {
    const log = small();
    const cursor = log.cursor(1);
    putQuarters(log, 1, 2);
    expect(readAll(cursor)).toStrictEqual(['1', '2']);
    putQuarters(log, 3, 21);
    expect(cursor.read()).toStrictEqual({ from: 3, to: 8 });
    expect(cursor.position).toBe(9);
    expect(readAll(cursor)).toStrictEqual(Array.from({ length: 13 }, (_, n) => `${9 + n}`));
  });

  test('reports no gap to a reader that had just read them', () => {
    const log = small();
    putQuarters(log, 1, 4);
    const cursor = log.cursor(1);
    expect(readAll(cursor)).toStrictEqual(['1', '2', '3', '4']);
    putQuarters(log, 5, 20);
    expect(log.first).toBe(5);
    expect(readAll(cursor)[0]).toBe('5');
  });

  test('reports one gap although it grew before the reader read it', () => {
    const log = small();
    const cursor = log.cursor(1);
    putQuarters(log, 1, 20);
    putQuarters(log, 21, 60);
    expect(cursor.read()).toStrictEqual({ from: 1, to: log.first - 1 });
  });

  test('reports a gap to a newcomer that requests them', () => {
    const log = small();
    putQuarters(log, 1, 40);
    expect(readAll(log.cursor(3))[0]).toStrictEqual({ from: 3, to: log.first - 1 });
  });

  test('reports no gap for entries that an empty log never had', () => {
    const log = small();
    const cursor = log.cursor(1);
    putQuarters(log, 1, 3);
    expect(readAll(cursor)).toStrictEqual(['1', '2', '3']);
  });
});

describe('the slabs of roomLog', () => {
  test('hold a batch larger than one slab, each line whole and numbered', () => {
    const log = small();
    const lines = Array.from({ length: 10 }, (_, n) => quarterSlabLine(n + 1));
    appendAndCommit(log, ...lines);
    expect(log.next).toBe(11);
    for (let n = 1; n <= 10; n += 1) expect(readAll(log.cursor(n))[0]).toBe(`${n}`);
  });

  test('hold a line longer than one slab', () => {
    const log = small();
    const long = 'x'.repeat(2000);
    appendAndCommit(log, 'one', long, 'three');
    expect(readAll(log.cursor(1))).toStrictEqual(['one', long, 'three']);
    expect(readAll(log.cursor(3))).toStrictEqual(['three']);
  });

  test('start at 4 KiB and double in size', () => {
    const log = newLog(1 << 24);
    const sizes = new Set<number>();
    const cursor = log.cursor(1);
    for (let n = 1; n <= 4000; n += 1) {
      appendAndCommit(log, quarterSlabLine(n));
      sizes.add((cursor.read() as Uint8Array).buffer.byteLength);
    }
    expect(Array.from(sizes)).toStrictEqual([12, 13, 14, 15, 16, 17, 18].map((power) => 2 ** power));
  });
});

/** All that readers see of a log, from its oldest line on. */
const printed = (log: RoomLog) => ({ next: log.next, lines: readAll(log.cursor(1)) });

describe('the memory of a slab', () => {
  /** A borrower that has read a log to its end, and the memory that it read. */
  const borrower = (log: RoomLog, from = 1) => {
    const cursor = log.cursor(from, { releasesSlices: true });
    const read = () => {
      const memory: ArrayBufferLike[] = [];
      for (let each = cursor.read(); each !== undefined; each = cursor.read())
        if (each instanceof Uint8Array) memory.push(each.buffer);
      return memory;
    };
    return { cursor, read };
  };
  /** The places of the lines of each slab, each read by a reader that keeps up. */
  const slabsOf = (log: RoomLog, reader: ReturnType<typeof borrower>, from: number, to: number) => {
    const memory = new Set<ArrayBufferLike>();
    for (let n = from; n <= to; n += 1) {
      appendAndCommit(log, quarterSlabLine(n));
      for (const each of reader.read()) memory.add(each);
    }
    return memory;
  };

  test('is reused once all borrowers have read on', () => {
    const log = small();
    const reader = borrower(log);
    const first = slabsOf(log, reader, 1, 20);
    const next = slabsOf(log, reader, 21, 100);
    expect(first.size).toBe(5);
    expect([...next].filter((each) => !first.has(each))).toStrictEqual([]);
    expect(readAll(log.cursor(log.first))).toStrictEqual(numberLines(log.first, 100));
  });

  test('is not reused while a borrower still uses it', () => {
    const log = small();
    const reader = borrower(log);
    appendAndCommit(log, quarterSlabLine(1));
    const slice = log.cursor(1, { releasesSlices: true }).read() as Uint8Array;
    const before = splitLines(slice);
    const next = slabsOf(log, reader, 2, 100);
    expect(splitLines(slice)).toStrictEqual(before);
    expect(next.size).toBe(6);
  });

  test('is not reused when a slice of it was kept', () => {
    const log = small();
    const reader = borrower(log);
    appendAndCommit(log, quarterSlabLine(1));
    const keeper = log.cursor(1);
    const slice = keeper.read() as Uint8Array;
    const before = splitLines(slice);
    expect(keeper.read()).toBeUndefined();
    slabsOf(log, reader, 2, 100);
    expect(splitLines(slice)).toStrictEqual(before);
  });

  test('is shared as one slice by readers at the same position', () => {
    const log = newLog();
    const [one, two] = [log.cursor(1, { releasesSlices: true }), log.cursor(1)];
    appendAndCommit(log, 'one', 'two');
    const slice = one.read();
    expect(two.read()).toBe(slice);
    appendAndCommit(log, 'three');
    expect(one.read()).not.toBe(slice);
  });

  test('never shows earlier content to a later reader', () => {
    const log = small();
    const reader = borrower(log);
    slabsOf(log, reader, 1, 40);
    appendAndCommit(log, 'short');
    const { cursor } = borrower(log, log.next - 1);
    expect(trimmedLines(cursor.read() as Uint8Array)).toStrictEqual(['short']);
    expect(cursor.read()).toBeUndefined();
  });
});

describe('uncommitted entries of roomLog', () => {
  test('are neither visible nor counted', () => {
    const log = newLog();
    const cursor = log.cursor(1);
    log.append(batch('one', 'two'));
    expect([log.first, log.next, log.end, log.uncommittedBytes]).toStrictEqual([1, 1, 3, 8]);
    expect([cursor.read(), log.cursor(2).position, log.cursor(2).read()]).toStrictEqual([
      undefined,
      1,
      undefined,
    ]);
    log.commit(log.batch());
    expect([log.first, log.next, log.end, log.uncommittedBytes]).toStrictEqual([1, 3, 3, 0]);
    expect(readAll(cursor)).toStrictEqual(['one', 'two']);
  });

  test('form a batch of position, count and exact bytes over all slabs', () => {
    const log = small();
    expect(log.batch()).toStrictEqual({ first: 1, count: 0, slices: [] });
    putQuarters(log, 1, 2);
    log.append(quarterSlabLines(3, 13));
    const { first, count, slices } = log.batch();
    expect([first, count]).toStrictEqual([3, 11]);
    expect(slices.length).toBeGreaterThan(2);
    expect(Buffer.concat(slices).equals(quarterSlabLines(3, 13).bytes)).toBe(true);
  });

  test('form a batch that later appends do not change', () => {
    const log = small();
    log.append(quarterSlabLines(1, 6));
    const { slices } = log.batch();
    log.append(quarterSlabLines(7, 30));
    expect(Buffer.concat(slices).equals(quarterSlabLines(1, 6).bytes)).toBe(true);
  });

  const sizes = Array.from({ length: 10 }, (_, n) => n);
  test.each(sizes)(
    'are returned exactly by the batch, even if more was appended since: after %i lines',
    (before) => {
      for (const some of sizes.slice(1))
        for (const more of sizes) {
          const log = newLog(1 << 16);
          const reader = log.cursor(1);
          if (before > 0) log.append(quarterSlabLines(1, before));
          log.commit(log.batch());
          if (before % 2 > 0) readAll(reader);
          const all = before + some + more;
          log.append(quarterSlabLines(before + 1, before + some));
          const taken = log.batch();
          if (more > 0) log.append(quarterSlabLines(before + some + 1, all));
          log.commit(taken);
          expect(printed(log)).toStrictEqual({
            next: before + some + 1,
            lines: numberLines(1, before + some),
          });
          expect(log.uncommittedBytes).toBe(more * 256);
          const read = readAll(reader);
          expect(reader.position).toBe(before + some + 1);
          log.commit(log.batch());
          expect(printed(log)).toStrictEqual({ next: all + 1, lines: numberLines(1, all) });
          expect([...read, ...readAll(reader)]).toStrictEqual(
            numberLines(before % 2 > 0 ? before + 1 : 1, all),
          );
        }
    },
  );

  test.each(sizes)('are removed by rollBack over all slabs: after %i lines', (before) => {
    for (const some of sizes) {
      const log = newLog(8192);
      const reader = log.cursor(1);
      if (before > 0) appendAndCommit(log, ...numberLines(1, before).map((n) => quarterSlabLine(Number(n))));
      const slice = log.cursor(1).read();
      if (some > 0) log.append(batch(...Array<string>(some).fill(quarterSlabLine(99))));
      log.rollBack();
      expect([log.next, log.end, log.uncommittedBytes]).toStrictEqual([before + 1, before + 1, 0]);
      expect(log.batch()).toStrictEqual({ first: before + 1, count: 0, slices: [] });
      const read = readAll(reader);
      appendAndCommit(
        log,
        'again',
        quarterSlabLine(7),
        quarterSlabLine(8),
        quarterSlabLine(9),
        quarterSlabLine(10),
      );
      const all = [...numberLines(1, before), 'again', '7', '8', '9', '10'];
      expect(printed(log)).toStrictEqual({ next: before + 6, lines: all });
      expect([...read, ...readAll(reader)]).toStrictEqual(all);
      expect(reader.position).toBe(before + 6);
      if (slice !== undefined) expect(splitLines(slice as Uint8Array)[0]).toBe(quarterSlabLine(1));
    }
  });

  test('free their memory when they are rolled back', () => {
    const log = small();
    putQuarters(log, 1, 12);
    log.append(quarterSlabLines(13, 60));
    log.rollBack();
    putQuarters(log, 13, 16);
    expect(log.first).toBe(1);
  });
});

describe('the window of roomLog', () => {
  test('is enforced at the next commit after a commit of any size', () => {
    const log = small();
    log.append(quarterSlabLines(1, 100));
    log.commit(log.batch());
    expect(log.first).toBe(1);
    putQuarters(log, 101, 101);
    // Three whole slabs and the one that contains 101.
    expect(log.first).toBe(89);
  });

  test('causes no gap to a reader that keeps up, for a commit of any size', () => {
    const log = small();
    const cursor = log.cursor(1);
    let from = 1;
    for (const count of [1, 100, 1, 3, 200, 1, 1, 50, 7, 300]) {
      log.append(quarterSlabLines(from, from + count - 1));
      log.commit(log.batch());
      expect(readAll(cursor)).toStrictEqual(numberLines(from, from + count - 1));
      from += count;
    }
  });

  test('is not reduced by uncommitted entries', () => {
    const log = small();
    const cursor = log.cursor(1);
    putQuarters(log, 1, 8);
    log.append(quarterSlabLines(9, 100));
    expect([log.first, readAll(cursor)]).toStrictEqual([1, numberLines(1, 8)]);
  });
});
