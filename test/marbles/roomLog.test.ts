import { describe, expect, test } from '@jest/globals';
import { roomLog, type RoomLog, SMALLEST_WINDOW } from '../../streams/relay/roomLog.js';
import { namesOf, numbers, put, quarter, quarters, readAll } from '../support/logs.js';
import { batch, bytes, textOf } from '../support/wire.js';

const newLog = (window = SMALLEST_WINDOW): RoomLog => roomLog({ id: 'log', window });

/** The smallest log there can be: four slabs of 1 KiB, and lines of a quarter of that. */
const small = () => newLog(4096);
const putQuarters = (log: RoomLog, from: number, to: number) => {
  for (let n = from; n <= to; n += 1) put(log, quarter(n));
};

describe('roomLog', () => {
  test('begins at 1, empty', () => {
    const log = newLog();
    expect([log.id, log.first, log.next, log.cursor(1).read()]).toStrictEqual(['log', 1, 1, undefined]);
  });

  test('the n-th line is number n', () => {
    const log = newLog();
    put(log, 'one');
    put(log, 'two', 'three');
    expect([log.first, log.next]).toStrictEqual([1, 4]);
    for (const [n, line] of ['one', 'two', 'three'].entries())
      expect(readAll(log.cursor(n + 1))[0]).toBe(line);
  });

  test('keeps a copy, for the chunk is used again', () => {
    const log = newLog();
    const chunk = bytes('one');
    log.append({ bytes: chunk, count: 1 });
    chunk.fill(33);
    log.commit(log.batch());
    expect(readAll(log.cursor(1))).toStrictEqual(['one']);
  });

  test('gives all readers slices of one memory', () => {
    const log = newLog();
    put(log, 'one', 'two');
    const [a, b] = [log.cursor(1).read(), log.cursor(2).read()] as Uint8Array[];
    expect(a!.buffer).toBe(b!.buffer);
    expect([textOf(a!), textOf(b!)]).toStrictEqual([['one', 'two'], ['two']]);
  });

  test('what was read once stays as it is, whatever is appended and forgotten', () => {
    const log = small();
    putQuarters(log, 1, 4);
    const slice = log.cursor(1).read() as Uint8Array;
    const before = textOf(slice);
    putQuarters(log, 5, 100);
    expect(textOf(slice)).toStrictEqual(before);
  });
});

describe('a cursor', () => {
  test('gives what is new since it read last, and nothing twice', () => {
    const log = newLog();
    const cursor = log.cursor(1);
    expect(cursor.read()).toBeUndefined();
    put(log, 'one');
    put(log, 'two');
    expect([cursor.position, readAll(cursor), cursor.position]).toStrictEqual([1, ['one', 'two'], 3]);
    expect(cursor.read()).toBeUndefined();
    put(log, 'three');
    expect([readAll(cursor), cursor.position]).toStrictEqual([['three'], 4]);
  });

  test('does not move other cursors', () => {
    const log = newLog();
    put(log, 'one');
    const [a, b] = [log.cursor(1), log.cursor(1)];
    readAll(a);
    expect([b.position, readAll(b)]).toStrictEqual([1, ['one']]);
  });

  test('begins at 1 where it was asked for less, and at the end where it was asked for more', () => {
    const log = newLog();
    put(log, 'one', 'two');
    expect([0, -5].map((n) => log.cursor(n).position)).toStrictEqual([1, 1]);
    const late = log.cursor(99);
    expect([late.position, late.read()]).toStrictEqual([3, undefined]);
    put(log, 'three');
    expect(readAll(late)).toStrictEqual(['three']);
  });

  test.each(Array.from({ length: 18 }, (_, n) => [n + 1]))(
    'from position %i reads on to the end, over all slabs',
    (from) => {
      const log = small();
      putQuarters(log, 1, 16);
      const cursor = log.cursor(from);
      putQuarters(log, 17, 17);
      const start = Math.min(from, 17);
      const kept = Math.max(start, log.first);
      const expected = [
        ...(start < kept ? [{ from: start, to: kept - 1 }] : []),
        ...Array.from({ length: 18 - kept }, (_, n) => `${kept + n}`),
      ];
      expect(readAll(cursor)).toStrictEqual(expected);
      expect(cursor.position).toBe(18);
    },
  );
});

describe('what a log forgets', () => {
  test('is the oldest slab, when the window is full', () => {
    const log = small();
    putQuarters(log, 1, 16);
    expect(log.first).toBe(1);
    putQuarters(log, 17, 17);
    expect([log.first, log.next]).toStrictEqual([5, 18]);
  });

  test('is one gap to who had not read it, exactly that, and then it goes on', () => {
    const log = small();
    const cursor = log.cursor(1);
    putQuarters(log, 1, 2);
    expect(readAll(cursor)).toStrictEqual(['1', '2']);
    putQuarters(log, 3, 21);
    expect(cursor.read()).toStrictEqual({ from: 3, to: 8 });
    expect(cursor.position).toBe(9);
    expect(readAll(cursor)).toStrictEqual(Array.from({ length: 13 }, (_, n) => `${9 + n}`));
  });

  test('is no gap to who had read just that', () => {
    const log = small();
    putQuarters(log, 1, 4);
    const cursor = log.cursor(1);
    expect(readAll(cursor)).toStrictEqual(['1', '2', '3', '4']);
    putQuarters(log, 5, 20);
    expect(log.first).toBe(5);
    expect(readAll(cursor)[0]).toBe('5');
  });

  test('is one gap, though it grew before the reader came to read it', () => {
    const log = small();
    const cursor = log.cursor(1);
    putQuarters(log, 1, 20);
    putQuarters(log, 21, 60);
    expect(cursor.read()).toStrictEqual({ from: 1, to: log.first - 1 });
  });

  test('is a gap to a newcomer who asks for it', () => {
    const log = small();
    putQuarters(log, 1, 40);
    expect(readAll(log.cursor(3))[0]).toStrictEqual({ from: 3, to: log.first - 1 });
  });

  test('is not what an empty log never had', () => {
    const log = small();
    const cursor = log.cursor(1);
    putQuarters(log, 1, 3);
    expect(readAll(cursor)).toStrictEqual(['1', '2', '3']);
  });
});

describe('the slabs of a log', () => {
  test('take a batch that is larger than one, each line whole and numbered', () => {
    const log = small();
    const lines = Array.from({ length: 10 }, (_, n) => quarter(n + 1));
    put(log, ...lines);
    expect(log.next).toBe(11);
    for (let n = 1; n <= 10; n += 1) expect(readAll(log.cursor(n))[0]).toBe(`${n}`);
  });

  test('take a line that is longer than one', () => {
    const log = small();
    const long = 'x'.repeat(2000);
    put(log, 'one', long, 'three');
    expect(readAll(log.cursor(1))).toStrictEqual(['one', long, 'three']);
    expect(readAll(log.cursor(3))).toStrictEqual(['three']);
  });

  test('begin small and double: a quiet room costs 4 KiB', () => {
    const log = newLog(1 << 24);
    const sizes = new Set<number>();
    const cursor = log.cursor(1);
    for (let n = 1; n <= 4000; n += 1) {
      put(log, quarter(n));
      sizes.add((cursor.read() as Uint8Array).buffer.byteLength);
    }
    expect(Array.from(sizes)).toStrictEqual([12, 13, 14, 15, 16, 17, 18].map((power) => 2 ** power));
  });
});

/** All that readers see of a log, from its oldest line on. */
const shown = (log: RoomLog) => ({ next: log.next, lines: readAll(log.cursor(1)) });

describe('the memory of a slab', () => {
  /** A borrower that has read a log to its end, and the memory that it read. */
  const borrower = (log: RoomLog, from = 1) => {
    const cursor = log.cursor(from, { borrows: true });
    const read = () => {
      const memory: ArrayBufferLike[] = [];
      for (let each = cursor.read(); each !== undefined; each = cursor.read())
        if (each instanceof Uint8Array) memory.push(each.buffer);
      return memory;
    };
    return { cursor, read };
  };
  /** Where the lines of a slab went, one slab at a time, each read by who keeps up. */
  const slabsOf = (log: RoomLog, reader: ReturnType<typeof borrower>, from: number, to: number) => {
    const memory = new Set<ArrayBufferLike>();
    for (let n = from; n <= to; n += 1) {
      put(log, quarter(n));
      for (const each of reader.read()) memory.add(each);
    }
    return memory;
  };

  test('is used again once all who borrowed of it have read on', () => {
    const log = small();
    const reader = borrower(log);
    const first = slabsOf(log, reader, 1, 20);
    const later = slabsOf(log, reader, 21, 100);
    expect(first.size).toBe(5);
    expect([...later].filter((each) => !first.has(each))).toStrictEqual([]);
    expect(readAll(log.cursor(log.first))).toStrictEqual(numbers(log.first, 100));
  });

  test('is not, while one of them still looks at it', () => {
    const log = small();
    const reader = borrower(log);
    put(log, quarter(1));
    const slice = log.cursor(1, { borrows: true }).read() as Uint8Array;
    const before = textOf(slice);
    const later = slabsOf(log, reader, 2, 100);
    expect(textOf(slice)).toStrictEqual(before);
    expect(later.size).toBe(6);
  });

  test('is not, where a slice of it was kept', () => {
    const log = small();
    const reader = borrower(log);
    put(log, quarter(1));
    const keeper = log.cursor(1);
    const slice = keeper.read() as Uint8Array;
    const before = textOf(slice);
    expect(keeper.read()).toBeUndefined();
    slabsOf(log, reader, 2, 100);
    expect(textOf(slice)).toStrictEqual(before);
  });

  test('is shared by readers who stand at the same place, as one slice', () => {
    const log = newLog();
    const [one, two] = [log.cursor(1, { borrows: true }), log.cursor(1)];
    put(log, 'one', 'two');
    const slice = one.read();
    expect(two.read()).toBe(slice);
    put(log, 'three');
    expect(one.read()).not.toBe(slice);
  });

  test('never shows who comes later what was there before', () => {
    const log = small();
    const reader = borrower(log);
    slabsOf(log, reader, 1, 40);
    put(log, 'short');
    const { cursor } = borrower(log, log.next - 1);
    expect(namesOf(cursor.read() as Uint8Array)).toStrictEqual(['short']);
    expect(cursor.read()).toBeUndefined();
  });
});

describe('what is appended and not committed', () => {
  test('is seen by nobody, and counts for nothing', () => {
    const log = newLog();
    const cursor = log.cursor(1);
    log.append(batch('one', 'two'));
    expect([log.first, log.next, log.end, log.uncommitted]).toStrictEqual([1, 1, 3, 8]);
    expect([cursor.read(), log.cursor(2).position, log.cursor(2).read()]).toStrictEqual([
      undefined,
      1,
      undefined,
    ]);
    log.commit(log.batch());
    expect([log.first, log.next, log.end, log.uncommitted]).toStrictEqual([1, 3, 3, 0]);
    expect(readAll(cursor)).toStrictEqual(['one', 'two']);
  });

  test('is a batch: its position, how many, and the bytes as they are, over all slabs', () => {
    const log = small();
    expect(log.batch()).toStrictEqual({ first: 1, count: 0, slices: [] });
    putQuarters(log, 1, 2);
    log.append(quarters(3, 13));
    const { first, count, slices } = log.batch();
    expect([first, count]).toStrictEqual([3, 11]);
    expect(slices.length).toBeGreaterThan(2);
    expect(Buffer.concat(slices).equals(quarters(3, 13).bytes)).toBe(true);
  });

  test('is a batch that does not change, whatever is appended after it', () => {
    const log = small();
    log.append(quarters(1, 6));
    const { slices } = log.batch();
    log.append(quarters(7, 30));
    expect(Buffer.concat(slices).equals(quarters(1, 6).bytes)).toBe(true);
  });

  const sizes = Array.from({ length: 10 }, (_, n) => n);
  test.each(sizes)(
    'is shown by the batch, exactly, though more was appended since: after %i lines',
    (before) => {
      for (const some of sizes.slice(1))
        for (const more of sizes) {
          const log = newLog(1 << 16);
          const reader = log.cursor(1);
          if (before > 0) log.append(quarters(1, before));
          log.commit(log.batch());
          if (before % 2 > 0) readAll(reader);
          const all = before + some + more;
          log.append(quarters(before + 1, before + some));
          const taken = log.batch();
          if (more > 0) log.append(quarters(before + some + 1, all));
          log.commit(taken);
          expect(shown(log)).toStrictEqual({ next: before + some + 1, lines: numbers(1, before + some) });
          expect(log.uncommitted).toBe(more * 256);
          const read = readAll(reader);
          expect(reader.position).toBe(before + some + 1);
          log.commit(log.batch());
          expect(shown(log)).toStrictEqual({ next: all + 1, lines: numbers(1, all) });
          expect([...read, ...readAll(reader)]).toStrictEqual(numbers(before % 2 > 0 ? before + 1 : 1, all));
        }
    },
  );

  test.each(sizes)('is taken back by rollBack, over all slabs: after %i lines', (before) => {
    for (const some of sizes) {
      const log = newLog(8192);
      const reader = log.cursor(1);
      if (before > 0) put(log, ...numbers(1, before).map((n) => quarter(Number(n))));
      const slice = log.cursor(1).read();
      if (some > 0) log.append(batch(...Array<string>(some).fill(quarter(99))));
      log.rollBack();
      expect([log.next, log.end, log.uncommitted]).toStrictEqual([before + 1, before + 1, 0]);
      expect(log.batch()).toStrictEqual({ first: before + 1, count: 0, slices: [] });
      const read = readAll(reader);
      put(log, 'again', quarter(7), quarter(8), quarter(9), quarter(10));
      const all = [...numbers(1, before), 'again', '7', '8', '9', '10'];
      expect(shown(log)).toStrictEqual({ next: before + 6, lines: all });
      expect([...read, ...readAll(reader)]).toStrictEqual(all);
      expect(reader.position).toBe(before + 6);
      if (slice !== undefined) expect(textOf(slice as Uint8Array)[0]).toBe(quarter(1));
    }
  });

  test('and taken back gives its memory back', () => {
    const log = small();
    putQuarters(log, 1, 12);
    log.append(quarters(13, 60));
    log.rollBack();
    putQuarters(log, 13, 16);
    expect(log.first).toBe(1);
  });
});

describe('the window', () => {
  test('is kept at the next commit, whatever one commit brought', () => {
    const log = small();
    log.append(quarters(1, 100));
    log.commit(log.batch());
    expect(log.first).toBe(1);
    putQuarters(log, 101, 101);
    // Three whole slabs and the one that 101 is in.
    expect(log.first).toBe(89);
  });

  test('is no gap to a reader that keeps up, however much a commit brings', () => {
    const log = small();
    const cursor = log.cursor(1);
    let from = 1;
    for (const count of [1, 100, 1, 3, 200, 1, 1, 50, 7, 300]) {
      log.append(quarters(from, from + count - 1));
      log.commit(log.batch());
      expect(readAll(cursor)).toStrictEqual(numbers(from, from + count - 1));
      from += count;
    }
  });

  test('is not taken from by what is not committed', () => {
    const log = small();
    const cursor = log.cursor(1);
    putQuarters(log, 1, 8);
    log.append(quarters(9, 100));
    expect([log.first, readAll(cursor)]).toStrictEqual([1, numbers(1, 8)]);
  });
});
