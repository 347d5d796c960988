import { describe, expect, test } from '@jest/globals';
import {
  type Cursor,
  type Gap,
  roomLog,
  type RoomLog,
  SMALLEST_WINDOW,
} from '../../streams/relay/roomLog.js';
import { batch, bytes, textOf } from '../support/wire.js';

const newLog = (window = SMALLEST_WINDOW): RoomLog => roomLog({ id: 'log', window });

/** The smallest log there can be: four slabs of 1 KiB, and lines of a quarter of that. */
const small = () => newLog(4096);
const quarter = (n: number): string => `${n}`.padEnd(255, '.');
const appendQuarters = (log: RoomLog, from: number, to: number) => {
  for (let n = from; n <= to; n += 1) log.append(batch(quarter(n)));
};

/** All that a cursor gives: numbers of lines, and gaps as they are. */
const readAll = (cursor: Cursor): (string | Gap)[] => {
  const all: (string | Gap)[] = [];
  for (let read = cursor.read(); read !== undefined; read = cursor.read())
    all.push(...(read instanceof Uint8Array ? textOf(read).map((line) => line.replace(/\.*$/, '')) : [read]));
  return all;
};

describe('roomLog', () => {
  test('begins at 1, empty', () => {
    const log = newLog();
    expect([log.id, log.first, log.next, log.cursor(1).read()]).toStrictEqual(['log', 1, 1, undefined]);
  });

  test('the n-th line is number n', () => {
    const log = newLog();
    log.append(batch('one'));
    log.append(batch('two', 'three'));
    expect([log.first, log.next]).toStrictEqual([1, 4]);
    for (const [n, line] of ['one', 'two', 'three'].entries())
      expect(readAll(log.cursor(n + 1))[0]).toBe(line);
  });

  test('keeps a copy, for the chunk is used again', () => {
    const log = newLog();
    const chunk = bytes('one');
    log.append({ bytes: chunk, count: 1 });
    chunk.fill(33);
    expect(readAll(log.cursor(1))).toStrictEqual(['one']);
  });

  test('gives all readers slices of one memory', () => {
    const log = newLog();
    log.append(batch('one', 'two'));
    const [a, b] = [log.cursor(1).read(), log.cursor(2).read()] as Uint8Array[];
    expect(a!.buffer).toBe(b!.buffer);
    expect([textOf(a!), textOf(b!)]).toStrictEqual([['one', 'two'], ['two']]);
  });

  test('what was read once stays as it is, whatever is appended and forgotten', () => {
    const log = small();
    appendQuarters(log, 1, 4);
    const slice = log.cursor(1).read() as Uint8Array;
    const before = textOf(slice);
    appendQuarters(log, 5, 100);
    expect(textOf(slice)).toStrictEqual(before);
  });
});

describe('a cursor', () => {
  test('gives what is new since it read last, and nothing twice', () => {
    const log = newLog();
    const cursor = log.cursor(1);
    expect(cursor.read()).toBeUndefined();
    log.append(batch('one'));
    log.append(batch('two'));
    expect([cursor.position, readAll(cursor), cursor.position]).toStrictEqual([1, ['one', 'two'], 3]);
    expect(cursor.read()).toBeUndefined();
    log.append(batch('three'));
    expect([readAll(cursor), cursor.position]).toStrictEqual([['three'], 4]);
  });

  test('does not move other cursors', () => {
    const log = newLog();
    log.append(batch('one'));
    const [a, b] = [log.cursor(1), log.cursor(1)];
    readAll(a);
    expect([b.position, readAll(b)]).toStrictEqual([1, ['one']]);
  });

  test('begins at 1 where it was asked for less, and at the end where it was asked for more', () => {
    const log = newLog();
    log.append(batch('one', 'two'));
    expect([0, -5].map((n) => log.cursor(n).position)).toStrictEqual([1, 1]);
    const late = log.cursor(99);
    expect([late.position, late.read()]).toStrictEqual([3, undefined]);
    log.append(batch('three'));
    expect(readAll(late)).toStrictEqual(['three']);
  });

  test.each(Array.from({ length: 18 }, (_, n) => [n + 1]))(
    'from position %i reads on to the end, over all slabs',
    (from) => {
      const log = small();
      appendQuarters(log, 1, 16);
      const cursor = log.cursor(from);
      appendQuarters(log, 17, 17);
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
    appendQuarters(log, 1, 16);
    expect(log.first).toBe(1);
    appendQuarters(log, 17, 17);
    expect([log.first, log.next]).toStrictEqual([5, 18]);
  });

  test('is one gap to who had not read it, exactly that, and then it goes on', () => {
    const log = small();
    const cursor = log.cursor(1);
    appendQuarters(log, 1, 2);
    expect(readAll(cursor)).toStrictEqual(['1', '2']);
    appendQuarters(log, 3, 21);
    expect(cursor.read()).toStrictEqual({ from: 3, to: 8 });
    expect(cursor.position).toBe(9);
    expect(readAll(cursor)).toStrictEqual(Array.from({ length: 13 }, (_, n) => `${9 + n}`));
  });

  test('is no gap to who had read just that', () => {
    const log = small();
    appendQuarters(log, 1, 4);
    const cursor = log.cursor(1);
    expect(readAll(cursor)).toStrictEqual(['1', '2', '3', '4']);
    appendQuarters(log, 5, 20);
    expect(log.first).toBe(5);
    expect(readAll(cursor)[0]).toBe('5');
  });

  test('is one gap, though it grew before the reader came to read it', () => {
    const log = small();
    const cursor = log.cursor(1);
    appendQuarters(log, 1, 20);
    appendQuarters(log, 21, 60);
    expect(cursor.read()).toStrictEqual({ from: 1, to: log.first - 1 });
  });

  test('is a gap to a newcomer who asks for it', () => {
    const log = small();
    appendQuarters(log, 1, 40);
    expect(readAll(log.cursor(3))[0]).toStrictEqual({ from: 3, to: log.first - 1 });
  });

  test('is not what an empty log never had', () => {
    const log = small();
    const cursor = log.cursor(1);
    appendQuarters(log, 1, 3);
    expect(readAll(cursor)).toStrictEqual(['1', '2', '3']);
  });
});

describe('the slabs of a log', () => {
  test('take a batch that is larger than one, each line whole and numbered', () => {
    const log = small();
    const lines = Array.from({ length: 10 }, (_, n) => quarter(n + 1));
    log.append(batch(...lines));
    expect(log.next).toBe(11);
    for (let n = 1; n <= 10; n += 1) expect(readAll(log.cursor(n))[0]).toBe(`${n}`);
  });

  test('take a line that is longer than one', () => {
    const log = small();
    const long = 'x'.repeat(2000);
    log.append(batch('one', long, 'three'));
    expect(readAll(log.cursor(1))).toStrictEqual(['one', long, 'three']);
    expect(readAll(log.cursor(3))).toStrictEqual(['three']);
  });

  test('begin small and double: a quiet room costs 4 KiB', () => {
    const log = newLog(1 << 24);
    const sizes = new Set<number>();
    const cursor = log.cursor(1);
    for (let n = 1; n <= 4000; n += 1) {
      log.append(batch(quarter(n)));
      sizes.add((cursor.read() as Uint8Array).buffer.byteLength);
    }
    expect(Array.from(sizes)).toStrictEqual([12, 13, 14, 15, 16, 17, 18].map((power) => 2 ** power));
  });
});
