import { describe, expect, test } from '@jest/globals';
import { merge, Subject, tap } from 'rxjs';
import { fanOut } from '../../../../streams/relay/delivery/fanOut.js';
import { roomLog, type RoomLog } from '../../../../streams/relay/log/roomLog.js';
import { fakeConnection } from '../../../support/fakeConnection.js';
import { appendAndCommit } from '../../../support/logs.js';
import { marbles } from '../../../support/marbles.js';

const newLog = (window = 1 << 20): RoomLog => roomLog({ id: 'log', windowBytes: window });

/** Each glyph of a drawing becomes a line of the log, and then a notice. */
const appendedTo = (log: RoomLog) => tap((line: string) => appendAndCommit(log, line));

describe('fanOut to a slow reader', () => {
  const cases = [
    {
      name: 'waits while the sink is full, and catches up with one larger write',
      appended: '-1-2-3-4-',
      writable: '--------w',
      answers: 'n',
      lines: '   -1------(234)',
      writes: ['1\n', '2\n3\n4\n'],
    },
    {
      name: 'writes nothing on notices while the sink is full',
      appended: '-1-2-3-4-',
      writable: '---------',
      answers: 'n',
      lines: '   -1-------',
      writes: ['1\n'],
    },
    {
      name: 'continues at the next notice when a drain found nothing to write',
      appended: '-1-----2-',
      writable: '---w-----',
      answers: 'n',
      lines: '   -1-----2-',
      writes: ['1\n', '2\n'],
    },
    {
      name: 'continues at each of several drains',
      appended: '-1-2---3-4-------',
      writable: '----w--------w---',
      answers: 'nn',
      lines: '   -1--2--------(34)',
      writes: ['1\n', '2\n', '3\n4\n'],
    },
    {
      name: 'loses no notification when the drain precedes the notice in one frame',
      appended: '-1-2-----',
      writable: '---w-----',
      answers: 'n',
      lines: '   -1-2-----',
      writes: ['1\n', '2\n'],
    },
  ];

  test.each(cases)('$name', ({ appended, writable, answers, lines, writes }) => {
    marbles(({ hot, expectObservable, flush }) => {
      const log = newLog();
      // Of two drawings the one created first emits first within a frame.
      const writable$ = hot(writable);
      const appended$ = hot(appended).pipe(appendedTo(log));
      const sink = fakeConnection({ writable$, writeResults: answers });
      expectObservable(sink.line$).toBe(lines);
      expectObservable(appended$.pipe(fanOut({ cursor: log.cursor(1), sink }))).toBe('-');
      flush();
      expect(sink.writes).toStrictEqual(writes);
    });
  });

  test('loses no notification when the notice precedes the drain in one frame', () => {
    marbles(({ hot, expectObservable }) => {
      const log = newLog();
      const appended$ = hot('-1-2-----').pipe(appendedTo(log));
      const writable$ = hot('---w-----');
      const sink = fakeConnection({ writable$, writeResults: 'n' });
      expectObservable(sink.line$).toBe('-1-2-----');
      expectObservable(appended$.pipe(fanOut({ cursor: log.cursor(1), sink }))).toBe('-');
    });
  });

  test.each([
    { when: 'that is accepted', at: '1', answers: '', lines: '            -(1+)' },
    { when: 'that is pushed back', at: '1', answers: 'n', lines: '      -1-----+' },
    { when: 'after a drain', at: '2', answers: 'n', lines: '            -1-----(2+)' },
    { when: 'after a drain, pushed back', at: '2', answers: 'nn', lines: '-1-----2-+' },
  ])('writes a line once when it is appended within a write $when', ({ at, answers, lines }) => {
    marbles(({ hot, expectObservable }) => {
      const log = newLog();
      const nested = new Subject<string>();
      const sink = fakeConnection({
        writable$: hot('-------w-w-'),
        writeResults: answers,
        onWrite: (text) => {
          if (text === `${at}\n`) nested.next('+');
        },
      });
      const appended$ = merge(hot(at === '1' ? '-1' : '-1-2'), nested).pipe(appendedTo(log));
      expectObservable(sink.line$).toBe(lines);
      expectObservable(appended$.pipe(fanOut({ cursor: log.cursor(1), sink }))).toBe('-');
    });
  });

  test('neither repeats nor loses lines when the drain of an earlier write arrives within a later one', () => {
    marbles(({ hot, expectObservable }) => {
      const log = newLog();
      const drained = new Subject<void>();
      const sink = fakeConnection({
        writable$: merge(hot('---w-----'), drained),
        writeResults: 'nnn',
        onWrite: (text) => {
          if (text === '2\n') drained.next();
        },
      });
      const appended$ = hot('          -12--3-4-').pipe(appendedTo(log));
      expectObservable(sink.line$).toBe('-1-2-3---');
      expectObservable(appended$.pipe(fanOut({ cursor: log.cursor(1), sink }))).toBe('-');
    });
  });

  test('delays completion of the notices until everything is written', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const log = newLog();
      const writable$ = hot('                 ------w--w');
      const sink = fakeConnection({ writable$, writeResults: 'nn' });
      const appended$ = hot('                 -1-2|').pipe(appendedTo(log));
      expectObservable(sink.line$).toBe('     -1----2');
      expectObservable(appended$.pipe(fanOut({ cursor: log.cursor(1), sink }))).toBe('---------|');
      expectSubscriptions(writable$.subscriptions).toBe('-^-------!');
    });
  });

  test('writes one GAP line for the range that the reader missed, and continues', () => {
    marbles(({ hot, expectObservable }) => {
      const log = newLog(1 << 16);
      const line = (mark: string) => mark.repeat(16_383);
      const values = { a: line('a'), b: line('b'), c: line('c'), d: line('d'), e: line('e'), f: line('f') };
      const sink = fakeConnection({ writable$: hot('--------w-w'), writeResults: 'n' });
      const appended$ = hot('          -abcdef-----', values).pipe(appendedTo(log));
      expectObservable(sink.line$).toBe('-a------(gcdef)', { ...values, g: 'GAP 2 2' });
      expectObservable(appended$.pipe(fanOut({ cursor: log.cursor(1), sink }))).toBe('-');
    });
  });

  test('releases the notices and the sink when unsubscribed', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const log = newLog();
      const writable$ = hot('             ------w-');
      const sink = fakeConnection({ writable$, writeResults: 'n' });
      const appended$ = hot('             -1-2----');
      const unsub = '                     ----!---';
      expectObservable(sink.line$).toBe(' -1------');
      const written$ = appended$.pipe(appendedTo(log), fanOut({ cursor: log.cursor(1), sink }));
      expectObservable(written$, unsub).toBe('----');
      expectSubscriptions(appended$.subscriptions).toBe('^---!');
      expectSubscriptions(writable$.subscriptions).toBe(' -^--!');
    });
  });
});
