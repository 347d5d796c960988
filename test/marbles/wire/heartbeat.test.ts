import { describe, expect, jest, test } from '@jest/globals';
import { asyncScheduler, EMPTY, merge, NEVER, type Observable, of, Subject } from 'rxjs';
import type { RunHelpers } from 'rxjs/testing';
import { heartbeat } from '../../../streams/wire/heartbeat.js';
import { ConnectionError } from '../../../streams/wire/errors.js';
import { marbles } from '../../support/marbles.js';

const gone = new ConnectionError('the connection is silent');

/** A heartbeat of period 10, so with ticks at 5, 10, 15, …, and the times of its PINGs. */
const beating = () => {
  const pings: number[] = [];
  const ping = () => pings.push(asyncScheduler.now());
  const operator = heartbeat<string>({ periodMs: 10, sendPing: ping });
  return { operator, pings };
};

/** Runs the drawing; expects the PINGs, and the virtual time at which no timer was left. */
const rendered = (
  draw: (helpers: RunHelpers, heartbeat: (v$: Observable<string>) => Observable<string>) => void,
) => {
  const { operator, pings } = beating();
  let end = 0;
  marbles((helpers) => {
    draw(helpers, operator);
    helpers.flush();
    end = asyncScheduler.now();
  });
  return { pings, end };
};

describe('heartbeat', () => {
  test('passes everything on, and sends no PING while something arrives', () => {
    const { pings } = rendered(({ hot, expectObservable }, heartbeat) => {
      const value$ = hot('                  --a----b----c----d----e----(fg)-|');
      expectObservable(value$.pipe(heartbeat)).toBe('--a----b----c----d----e----(fg)-|');
    });
    expect(pings).toStrictEqual([]);
  });

  test('sends a PING at the second silent tick, and errors at the fourth', () => {
    const { pings } = rendered(({ hot, expectObservable, expectSubscriptions }, heartbeat) => {
      const value$ = hot('-------a');
      expectObservable(value$.pipe(heartbeat), '99ms !').toBe('-------a 17ms #', undefined, gone);
      expectSubscriptions(value$.subscriptions).toBe('^ 24ms !');
    });
    expect(pings).toStrictEqual([15]);
  });

  test('errors after two periods when the peer never sends anything', () => {
    const { pings } = rendered(({ cold, expectObservable }, heartbeat) => {
      expectObservable(cold('-').pipe(heartbeat), '99ms !').toBe('20ms #', undefined, gone);
    });
    expect(pings).toStrictEqual([10]);
  });

  test.each([
    { received: 0, asks: 10, ends: 20 },
    { received: 1, asks: 10, ends: 20 },
    { received: 4, asks: 10, ends: 20 },
    { received: 6, asks: 15, ends: 25 },
    { received: 9, asks: 15, ends: 25 },
  ])(
    'heard last at $heard, so asked by $asks and given up by $ends',
    ({ received: receivedLines, asks, ends }) => {
      const { pings } = rendered(({ cold, expectObservable }, heartbeat) => {
        expectObservable(cold(`${receivedLines}ms a`).pipe(heartbeat)).toBe(
          `${receivedLines}ms a ${ends - receivedLines - 1}ms #`,
          undefined,
          gone,
        );
      });
      expect(pings).toStrictEqual([asks]);
      expect(ends - receivedLines).toBeLessThanOrEqual(20);
      expect(ends - asks).toBeGreaterThanOrEqual(10);
    },
  );

  test('counts an answer as a sign of life, even at the last moment', () => {
    const { pings } = rendered(({ hot, expectObservable }, heartbeat) => {
      const value$ = hot('                      --a 16ms p 9ms -');
      expectObservable(value$.pipe(heartbeat), '99ms !').toBe('--a 16ms p 15ms #', undefined, gone);
    });
    expect(pings).toStrictEqual([10, 25]);
  });

  test('counts an answer that arrives while the PING is sent', () => {
    marbles(({ expectObservable }) => {
      const answer = new Subject<string>();
      const operator = heartbeat<string>({ periodMs: 10, sendPing: () => answer.next('p') });
      expectObservable(answer.pipe(operator), '36ms !').toBe('10ms p 9ms p 9ms p');
    });
  });

  test('completes with its source, even an empty one, and leaves no timer', () => {
    const { end, pings } = rendered(({ cold, expectObservable }, heartbeat) => {
      expectObservable(cold('-a-|').pipe(heartbeat)).toBe('-a-|');
      expectObservable(cold('|').pipe(heartbeat)).toBe('|');
      expectObservable(of('a').pipe(heartbeat)).toBe('(a|)');
      expectObservable(EMPTY.pipe(heartbeat)).toBe('|');
    });
    expect(pings).toStrictEqual([]);
    expect(end).toBeLessThan(5);
  });

  test('errors with its source, and leaves no timer', () => {
    const { end, pings } = rendered(({ cold, expectObservable }, heartbeat) => {
      expectObservable(cold('-a-#', undefined, 'reset').pipe(heartbeat)).toBe('-a-#', undefined, 'reset');
    });
    expect(pings).toStrictEqual([]);
    expect(end).toBeLessThan(5);
  });

  test('releases the source and the timer when unsubscribed', () => {
    const { end, pings } = rendered(({ cold, expectObservable, expectSubscriptions }, heartbeat) => {
      const value$ = cold('-a-a');
      expectObservable(value$.pipe(heartbeat), '--!').toBe('-a');
      expectSubscriptions(value$.subscriptions).toBe('^-!');
    });
    expect(pings).toStrictEqual([]);
    expect(end).toBeLessThan(5);
  });

  test('errors and unsubscribes from the source when ping throws', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const fault = new Error('the sink broke');
      const ping = () => {
        throw fault;
      };
      const value$ = cold('a');
      expectObservable(value$.pipe(heartbeat({ periodMs: 10, sendPing: ping }))).toBe(
        'a 9ms #',
        undefined,
        fault,
      );
      expectSubscriptions(value$.subscriptions).toBe('^ 9ms !');
    });
  });

  test('times two sources of one operator value independently', () => {
    const { pings } = rendered(({ cold, expectObservable }, heartbeat) => {
      expectObservable(cold('--a---').pipe(heartbeat), '99ms !').toBe('--a 17ms #', undefined, gone);
      expectObservable(cold('6ms b').pipe(heartbeat), '99ms !').toBe(' 6ms b 18ms #', undefined, gone);
    });
    expect(pings).toStrictEqual([10, 15]);
  });

  test('sets one timer per subscription, and never resets it', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const value$ = merge(hot('abcdefgh'), NEVER);
      const schedule = jest.spyOn(asyncScheduler, 'schedule');
      try {
        expectObservable(value$.pipe(beating().operator), '---------!').toBe('abcdefgh');
        flush();
        expect(schedule).toHaveBeenCalledTimes(1);
      } finally {
        schedule.mockRestore();
      }
    });
  });
});
