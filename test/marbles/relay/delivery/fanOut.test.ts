import { describe, expect, test } from '@jest/globals';
import { NEVER, tap } from 'rxjs';
import { fanOut } from '../../../../streams/relay/delivery/fanOut.js';
import { roomLog, type RoomLog } from '../../../../streams/relay/log/roomLog.js';
import { fakeConnection } from '../../../support/fakeConnection.js';
import { appendAndCommit } from '../../../support/logs.js';
import { marbles } from '../../../support/marbles.js';

const newLog = (window = 1 << 20): RoomLog => roomLog({ id: 'log', windowBytes: window });

/** Each glyph of a drawing becomes a line of the log, and then a notice. */
const appendedTo = (log: RoomLog) => tap((line: string) => appendAndCommit(log, line));

describe('fanOut', () => {
  test('writes the existing entries at the start without a notice', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const log = newLog();
      appendAndCommit(log, '1', '2');
      const sink = fakeConnection();
      const appended$ = cold('-');
      expectObservable(sink.line$).toBe('(12)');
      expectObservable(appended$.pipe(fanOut({ cursor: log.cursor(1), sink }))).toBe('-');
      expectSubscriptions(appended$.subscriptions).toBe('^');
    });
  });

  test('completes with empty notices once everything is written', () => {
    marbles(({ cold, expectObservable }) => {
      const log = newLog();
      appendAndCommit(log, '1');
      const sink = fakeConnection();
      expectObservable(sink.line$).toBe('1');
      expectObservable(cold('|').pipe(fanOut({ cursor: log.cursor(1), sink }))).toBe('|');
    });
  });

  test('makes one write per notice, for any number of lines', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const log = newLog();
      const sink = fakeConnection();
      const appended$ = hot('-n-|').pipe(tap(() => appendAndCommit(log, '1', '2', '3')));
      expectObservable(sink.line$).toBe('-(123)');
      expectObservable(appended$.pipe(fanOut({ cursor: log.cursor(1), sink }))).toBe('---|');
      flush();
      expect(sink.writes).toStrictEqual(['1\n2\n3\n']);
    });
  });

  test('writes at each notice of an endless source', () => {
    marbles(({ hot, expectObservable }) => {
      const log = newLog();
      const sink = fakeConnection();
      const appended$ = hot('         -1-2--3-').pipe(appendedTo(log));
      expectObservable(sink.line$).toBe('-1-2--3-');
      expectObservable(appended$.pipe(fanOut({ cursor: log.cursor(1), sink }))).toBe('-');
    });
  });

  test('writes nothing when a notice brings no new entries', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const log = newLog();
      const sink = fakeConnection();
      expectObservable(hot('-nn-|').pipe(fanOut({ cursor: log.cursor(1), sink }))).toBe('----|');
      flush();
      expect(sink.writes).toStrictEqual([]);
    });
  });

  test('errors at once when the notices error, even if the sink is full', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const log = newLog();
      const writable$ = hot('-----w-');
      const sink = fakeConnection({ writable$, writeResults: 'n' });
      const appended$ = hot('-1-#', undefined, 'fault').pipe(appendedTo(log));
      expectObservable(appended$.pipe(fanOut({ cursor: log.cursor(1), sink }))).toBe('---#', {}, 'fault');
      expectSubscriptions(writable$.subscriptions).toBe('-^-!');
    });
  });

  test.each([
    { when: 'at a notice', answers: 'y!', error: '---#' },
    { when: 'at a drain', answers: 'n!', error: ' -----#' },
  ])('errors when a sink throws $when', ({ answers, error }) => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const log = newLog();
      const sink = fakeConnection({ writable$: hot('-----w'), writeResults: answers });
      const appended$ = hot('-1-2---');
      const written$ = appended$.pipe(appendedTo(log), fanOut({ cursor: log.cursor(1), sink }));
      expectObservable(written$).toBe(error, {}, new Error('the sink broke'));
      expectSubscriptions(appended$.subscriptions).toBe(error.replace('-', '^').replace('#', '!'));
    });
  });

  test('errors when the log throws', () => {
    marbles(({ expectObservable }) => {
      const fault = new Error('the log broke');
      const cursor = {
        read: () => {
          throw fault;
        },
      };
      expectObservable(NEVER.pipe(fanOut({ cursor, sink: fakeConnection() }))).toBe('#', {}, fault);
    });
  });

  test('waits and resumes independently for two pipelines of one operator value', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const log = newLog();
      appendAndCommit(log, '0');
      const writable$ = hot('---------w');
      const sink = fakeConnection({ writable$, writeResults: 'n' });
      const operator = fanOut({ cursor: log.cursor(1), sink });
      expectObservable(sink.line$).toBe('0----2');
      expectObservable(hot('-----|').pipe(operator)).toBe('         ---------|');
      expectObservable(hot('-----2---|').pipe(appendedTo(log), operator)).toBe('---------|');
      expectSubscriptions(writable$.subscriptions).toBe('^--------!');
    });
  });
});
