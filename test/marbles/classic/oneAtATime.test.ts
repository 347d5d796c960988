import { describe, expect, test } from '@jest/globals';
import { NEVER, tap, timer } from 'rxjs';
import { oneAtATime } from '../../../streams/classic/oneAtATime.js';
import { fanOut } from '../../../streams/relay/fanOut.js';
import { encodeText } from '../../../streams/wire/utf8.js';
import { fakeConnection } from '../../support/fakeConnection.js';
import { marbles } from '../../support/marbles.js';

/** Something to read, by hand. */
const queue = (...messages: string[]) => ({
  put: (message: string) => void messages.push(message),
  position: 0,
  read: () => {
    const message = messages.shift();
    return message === undefined ? undefined : encodeText(message);
  },
});

describe('oneAtATime', () => {
  test('each message is a write of its own, with a gap behind it', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const connection = fakeConnection();
      const sink = oneAtATime(connection, timer(3));
      expectObservable(connection.line$).toBe('1--2--3');
      expectObservable(cold('|').pipe(fanOut({ cursor: queue('1', '2', '3'), sink }))).toBe('---------|');
      flush();
      expect(connection.writes).toStrictEqual(['1', '2', '3']);
    });
  });

  test('what comes later has a gap before it only where one is due', () => {
    marbles(({ cold, expectObservable }) => {
      const cursor = queue();
      const connection = fakeConnection();
      const appended$ = cold('--ab-----c----|').pipe(tap((message) => cursor.put(message)));
      expectObservable(connection.line$).toBe('--a--b---c');
      expectObservable(appended$.pipe(fanOut({ cursor, sink: oneAtATime(connection, timer(3)) }))).toBe(
        '--------------|',
      );
    });
  });

  test('a sink that pushes back is waited for, and then the gap', () => {
    marbles(({ cold, hot, expectObservable }) => {
      const connection = fakeConnection({ answers: 'ny', writable$: hot('-----w') });
      expectObservable(connection.line$).toBe('1-------2');
      const sink = oneAtATime(connection, timer(3));
      expectObservable(cold('|').pipe(fanOut({ cursor: queue('1', '2'), sink }))).toBe('-----------|');
    });
  });

  test('a sink that never takes anything holds one message, and is let go with its reader', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const connection = fakeConnection({ answers: 'n', writable$: NEVER });
      const sink = oneAtATime(connection, timer(3));
      expectObservable(cold('-').pipe(fanOut({ cursor: queue('1', '2'), sink })), '^-----!').toBe('-');
      flush();
      expect(connection.writes).toStrictEqual(['1']);
    });
  });
});
