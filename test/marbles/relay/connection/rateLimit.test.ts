import { describe, test } from '@jest/globals';
import { rateLimit, type RateLimits } from '../../../../streams/relay/connection/rateLimit.js';
import { fakeConnection } from '../../../support/fakeConnection.js';
import { marbles } from '../../../support/marbles.js';
import { batch } from '../../../support/wire.js';

const lines = { a: batch('a'), b: batch('b'), c: batch('c'), m: batch('1', '2', '3', '4') };
const flow = { p: 'pause', r: 'resume' };

/** One line per 5 ms, with a burst of two. */
const lineRate = { perSecond: 200, burst: 2 };

const paced = (limits: RateLimits = { lineRate }) => {
  const connection = fakeConnection();
  return { flow$: connection.flow$, operator: rateLimit({ connection, ...limits }) };
};

describe('rateLimit', () => {
  test('passes a burst within the limit without a pause', () => {
    marbles(({ hot, expectObservable }) => {
      const { flow$, operator } = paced();
      expectObservable(hot('  -a-b-----------', lines).pipe(operator)).toBe('-a-b-----------', lines);
      expectObservable(flow$).toBe('---------------', flow);
    });
  });

  test('passes what exceeds the limit, and pauses the connection until the excess is repaid', () => {
    marbles(({ hot, expectObservable }) => {
      const { flow$, operator } = paced();
      expectObservable(hot('  -(ab)(mc)-----', lines).pipe(operator)).toBe('-(ab)(mc)-----', lines);
      // Five lines beyond the burst, less those of 4 ms: 25 ms after the first.
      expectObservable(flow$).toBe('-----p 20ms r', flow);
    });
  });

  test('limits bytes as it limits lines', () => {
    marbles(({ hot, expectObservable }) => {
      const { flow$, operator } = paced({ byteRate: { perSecond: 1000, burst: 4 } });
      expectObservable(hot('  -m-c----', lines).pipe(operator)).toBe('-m-c----', lines);
      expectObservable(flow$).toBe('-p-----r', flow);
    });
  });

  test('does not limit when no limit is set', () => {
    marbles(({ hot, expectObservable }) => {
      const { flow$, operator } = paced({});
      expectObservable(hot('(mmmmmmm)|', lines).pipe(operator)).toBe('(mmmmmmm)|', lines);
      expectObservable(flow$).toBe('-');
    });
  });

  test.each([
    { name: 'its end', source: '-m-|', unsub: '' },
    { name: 'its error', source: '-m-#', unsub: '' },
    { name: 'unsubscribing', source: '-m--', unsub: '---!' },
  ])('$name resumes the connection', ({ source, unsub }) => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const { flow$, operator } = paced();
      const line$ = hot(source, lines);
      expectObservable(line$.pipe(operator), unsub === '' ? undefined : unsub).toBe(source, lines);
      expectObservable(flow$).toBe('-p-r', flow);
      expectSubscriptions(line$.subscriptions).toBe('^--!');
    });
  });

  test('limits two connections of one operator value independently', () => {
    marbles(({ hot, expectObservable }) => {
      const { flow$, operator } = paced();
      expectObservable(hot('-a-b', lines).pipe(operator)).toBe('-a-b', lines);
      expectObservable(hot('-a-b', lines).pipe(operator)).toBe('-a-b', lines);
      expectObservable(flow$).toBe('-');
    });
  });
});
