import { describe, expect, test } from '@jest/globals';
import { NEVER, tap, timer } from 'rxjs';
import { pacedSink } from '../../../streams/classic/clientOutput.js';
import { fanOut } from '../../../streams/relay/delivery/fanOut.js';
import { encodeText } from '../../../streams/wire/encoding.js';
import { fakeConnection } from '../../support/fakeConnection.js';
import { marbles } from '../../support/marbles.js';

/** A queue of messages that a test fills. */
const queue = (...messages: string[]) => ({
  put: (message: string) => void messages.push(message),
  position: 0,
  read: () => {
    const message = messages.shift();
    return message === undefined ? undefined : encodeText(message);
  },
});

describe('pacedSink', () => {
  test('pacedSink writes each message by itself, with a pause after it', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const connection = fakeConnection();
      const sink = pacedSink(connection, timer(3));
      expectObservable(connection.line$).toBe('1--2--3');
      expectObservable(cold('|').pipe(fanOut({ cursor: queue('1', '2', '3'), sink }))).toBe('---------|');
      flush();
      expect(connection.writes).toStrictEqual(['1', '2', '3']);
    });
  });

  test('pacedSink pauses before a later message only when a pause is due', () => {
    marbles(({ cold, expectObservable }) => {
      const cursor = queue();
      const connection = fakeConnection();
      const appended$ = cold('--ab-----c----|').pipe(tap((message) => cursor.put(message)));
      expectObservable(connection.line$).toBe('--a--b---c');
      expectObservable(appended$.pipe(fanOut({ cursor, sink: pacedSink(connection, timer(3)) }))).toBe(
        '--------------|',
      );
    });
  });

  test('pacedSink waits for a full sink, then for the pause', () => {
    marbles(({ cold, hot, expectObservable }) => {
      const connection = fakeConnection({ writeResults: 'ny', writable$: hot('-----w') });
      expectObservable(connection.line$).toBe('1-------2');
      const sink = pacedSink(connection, timer(3));
      expectObservable(cold('|').pipe(fanOut({ cursor: queue('1', '2'), sink }))).toBe('-----------|');
    });
  });

  test('pacedSink holds one message for a sink that never drains, and releases it with its reader', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const connection = fakeConnection({ writeResults: 'n', writable$: NEVER });
      const sink = pacedSink(connection, timer(3));
      expectObservable(cold('-').pipe(fanOut({ cursor: queue('1', '2'), sink })), '^-----!').toBe('-');
      flush();
      expect(connection.writes).toStrictEqual(['1']);
    });
  });
});
