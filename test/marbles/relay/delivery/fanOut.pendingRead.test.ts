import { describe, expect, test } from '@jest/globals';
import { NEVER, tap, timer } from 'rxjs';
import { fanOut } from '../../../../streams/relay/delivery/fanOut.js';
import { roomLog } from '../../../../streams/relay/log/roomLog.js';
import { fakeConnection } from '../../../support/fakeConnection.js';
import { appendAndCommit, fetchedLog } from '../../../support/logs.js';
import { marbles } from '../../../support/marbles.js';

/** A log whose entries 1 and 2 have to be fetched, for `fetchMs` each. */
const logToFetch = (fetchMs = 3) =>
  roomLog({ id: 'log', windowBytes: 1 << 20, stored: fetchedLog(['1', '2'], () => timer(fetchMs)) });

describe('fanOut from a log that has to fetch entries', () => {
  test('waits for each fetch, and completes after the last entry', () => {
    marbles(({ cold, expectObservable }) => {
      const log = logToFetch();
      appendAndCommit(log, '3');
      const sink = fakeConnection();
      expectObservable(sink.line$).toBe('                                      ---1--(23)');
      expectObservable(cold('|').pipe(fanOut({ cursor: log.cursor(1), sink }))).toBe('------|');
    });
  });

  test('ignores notices while it waits, and writes what they brought afterwards', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const log = logToFetch();
      const sink = fakeConnection();
      const appended$ = hot('-34--------5-').pipe(tap((line) => appendAndCommit(log, line)));
      expectObservable(sink.line$).toBe('---1--(234)5');
      expectObservable(appended$.pipe(fanOut({ cursor: log.cursor(1), sink }))).toBe('-');
      flush();
      expect(sink.writes).toStrictEqual(['1\n', '2\n', '3\n4\n', '5\n']);
    });
  });

  test('waits for the sink and for the log in turn, with one subscription at a time', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const log = logToFetch();
      const writable$ = hot('-w---w-w--w');
      const sink = fakeConnection({ writable$, writeResults: 'nn' });
      expectObservable(sink.line$).toBe('---1----2');
      expectObservable(hot('--|').pipe(fanOut({ cursor: log.cursor(1), sink }))).toBe('----------|');
      expectSubscriptions(writable$.subscriptions).toBe(['---^-!', '--------^-!']);
    });
  });

  test('errors when the fetch errors', () => {
    marbles(({ cold, expectObservable }) => {
      const stored = fetchedLog(['1'], () => cold('--#', undefined, 'the store is gone'));
      const log = roomLog({ id: 'log', windowBytes: 1 << 20, stored });
      const sink = fakeConnection();
      const written$ = NEVER.pipe(fanOut({ cursor: log.cursor(1), sink }));
      expectObservable(written$).toBe('--#', {}, 'the store is gone');
      expectObservable(sink.line$).toBe('-');
    });
  });

  test('cancels the fetch when unsubscribed', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const fetch$ = cold('-----f');
      const stored = fetchedLog(['1'], () => fetch$);
      const log = roomLog({ id: 'log', windowBytes: 1 << 20, stored });
      const sink = fakeConnection();
      expectObservable(NEVER.pipe(fanOut({ cursor: log.cursor(1), sink })), '^--!').toBe('----');
      expectObservable(sink.line$).toBe('-');
      expectSubscriptions(fetch$.subscriptions).toBe('^--!');
    });
  });
});
