import { describe, expect, jest, test } from '@jest/globals';
import { asyncScheduler, EMPTY, merge, NEVER, type Observable, of, Subject } from 'rxjs';
import type { RunHelpers } from 'rxjs/testing';
import { heartbeat } from '../../streams/wire/heartbeat.js';
import { LinkError } from '../../streams/wire/errors.js';
import { marbles } from '../support/marbles.js';

const gone = new LinkError('nothing was heard for 20 ms');

/** A heartbeat of period 10, so with ticks at 5, 10, 15, …, and when it pinged. */
const beating = () => {
  const pings: number[] = [];
  const ping = () => pings.push(asyncScheduler.now());
  const beat = heartbeat<string>({ period: 10, ping });
  return { beat, pings };
};

/** What was drawn happens; then the pings, and the virtual time at which no timer was left. */
const drawn = (draw: (helpers: RunHelpers, beat: (v$: Observable<string>) => Observable<string>) => void) => {
  const { beat, pings } = beating();
  let end = 0;
  marbles((helpers) => {
    draw(helpers, beat);
    helpers.flush();
    end = asyncScheduler.now();
  });
  return { pings, end };
};

describe('heartbeat', () => {
  test('passes everything on, and asks nothing while something comes', () => {
    const { pings } = drawn(({ hot, expectObservable }, beat) => {
      const value$ = hot('                  --a----b----c----d----e----(fg)-|');
      expectObservable(value$.pipe(beat)).toBe('--a----b----c----d----e----(fg)-|');
    });
    expect(pings).toStrictEqual([]);
  });

  test('asks at the second silent tick, and errors at the fourth', () => {
    const { pings } = drawn(({ hot, expectObservable, expectSubscriptions }, beat) => {
      const value$ = hot('-------a');
      expectObservable(value$.pipe(beat), '99ms !').toBe('-------a 17ms #', undefined, gone);
      expectSubscriptions(value$.subscriptions).toBe('^ 24ms !');
    });
    expect(pings).toStrictEqual([15]);
  });

  test('from the start on: who never says anything is gone after two periods', () => {
    const { pings } = drawn(({ cold, expectObservable }, beat) => {
      expectObservable(cold('-').pipe(beat), '99ms !').toBe('20ms #', undefined, gone);
    });
    expect(pings).toStrictEqual([10]);
  });

  test.each([
    { heard: 0, asks: 10, ends: 20 },
    { heard: 1, asks: 10, ends: 20 },
    { heard: 4, asks: 10, ends: 20 },
    { heard: 6, asks: 15, ends: 25 },
    { heard: 9, asks: 15, ends: 25 },
  ])('heard last at $heard, so asked by $asks and given up by $ends', ({ heard, asks, ends }) => {
    const { pings } = drawn(({ cold, expectObservable }, beat) => {
      expectObservable(cold(`${heard}ms a`).pipe(beat)).toBe(
        `${heard}ms a ${ends - heard - 1}ms #`,
        undefined,
        gone,
      );
    });
    expect(pings).toStrictEqual([asks]);
    expect(ends - heard).toBeLessThanOrEqual(20);
    expect(ends - asks).toBeGreaterThanOrEqual(10);
  });

  test('an answer, at the last moment too, is a sign of life like any other', () => {
    const { pings } = drawn(({ hot, expectObservable }, beat) => {
      const value$ = hot('                      --a 16ms p 9ms -');
      expectObservable(value$.pipe(beat), '99ms !').toBe('--a 16ms p 15ms #', undefined, gone);
    });
    expect(pings).toStrictEqual([10, 25]);
  });

  test('an answer that comes within the question counts', () => {
    marbles(({ expectObservable }) => {
      const answer = new Subject<string>();
      const beat = heartbeat<string>({ period: 10, ping: () => answer.next('p') });
      expectObservable(answer.pipe(beat), '36ms !').toBe('10ms p 9ms p 9ms p');
    });
  });

  test('completes with its source, an empty one too, and its timer is gone', () => {
    const { end, pings } = drawn(({ cold, expectObservable }, beat) => {
      expectObservable(cold('-a-|').pipe(beat)).toBe('-a-|');
      expectObservable(cold('|').pipe(beat)).toBe('|');
      expectObservable(of('a').pipe(beat)).toBe('(a|)');
      expectObservable(EMPTY.pipe(beat)).toBe('|');
    });
    expect(pings).toStrictEqual([]);
    expect(end).toBeLessThan(5);
  });

  test('errors with its source, and its timer is gone', () => {
    const { end, pings } = drawn(({ cold, expectObservable }, beat) => {
      expectObservable(cold('-a-#', undefined, 'reset').pipe(beat)).toBe('-a-#', undefined, 'reset');
    });
    expect(pings).toStrictEqual([]);
    expect(end).toBeLessThan(5);
  });

  test('unsubscribing lets go of the source and of the timer', () => {
    const { end, pings } = drawn(({ cold, expectObservable, expectSubscriptions }, beat) => {
      const value$ = cold('-a-a');
      expectObservable(value$.pipe(beat), '--!').toBe('-a');
      expectSubscriptions(value$.subscriptions).toBe('^-!');
    });
    expect(pings).toStrictEqual([]);
    expect(end).toBeLessThan(5);
  });

  test('a ping that throws is an error, and lets go of the source', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const fault = new Error('the sink broke');
      const ping = () => {
        throw fault;
      };
      const value$ = cold('a');
      expectObservable(value$.pipe(heartbeat({ period: 10, ping }))).toBe('a 9ms #', undefined, fault);
      expectSubscriptions(value$.subscriptions).toBe('^ 9ms !');
    });
  });

  test('one operator value serves two sources, each with its own silence', () => {
    const { pings } = drawn(({ cold, expectObservable }, beat) => {
      expectObservable(cold('--a---').pipe(beat), '99ms !').toBe('--a 17ms #', undefined, gone);
      expectObservable(cold('6ms b').pipe(beat), '99ms !').toBe(' 6ms b 18ms #', undefined, gone);
    });
    expect(pings).toStrictEqual([10, 15]);
  });

  test('a value costs no timer: there is one for each subscription, and it is never set anew', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const value$ = merge(hot('abcdefgh'), NEVER);
      const schedule = jest.spyOn(asyncScheduler, 'schedule');
      try {
        expectObservable(value$.pipe(beating().beat), '---------!').toBe('abcdefgh');
        flush();
        expect(schedule).toHaveBeenCalledTimes(1);
      } finally {
        schedule.mockRestore();
      }
    });
  });
});
