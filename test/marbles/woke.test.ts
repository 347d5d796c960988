import { describe, expect, test } from '@jest/globals';
import { asyncScheduler } from 'rxjs';
import { woke } from '../../streams/client/woke.js';
import { marbles } from '../support/marbles.js';

/** The time of day on a machine that sleeps `ms` right after each of the moments `at`. */
const dayWithSleep =
  (ms: number, ...at: number[]) =>
  () =>
    asyncScheduler.now() + ms * at.filter((moment) => asyncScheduler.now() > moment).length;

const out = { w: undefined };

describe('woke', () => {
  test('says nothing while timers come in time', () => {
    marbles(({ expectObservable }) => {
      expectObservable(woke({ now: dayWithSleep(0) }), '60s !').toBe('-');
    });
  });

  test('emits once for each sleep, at the next look', () => {
    marbles(({ expectObservable }) => {
      const now = dayWithSleep(3_600_000, 2500, 7100);
      expectObservable(woke({ now }), '20s !').toBe('3s w 4999ms w', out);
    });
  });

  test('takes a tick that is late by 10 s for a sleep, and one by a millisecond less for a busy machine', () => {
    marbles(({ expectObservable }) => {
      expectObservable(woke({ now: dayWithSleep(10_000, 2500) }), '9s !').toBe('3s w', out);
      expectObservable(woke({ now: dayWithSleep(9_999, 2500) }), '9s !').toBe('-');
    });
  });

  test('looks as often as it is told, and takes what it is told for late', () => {
    marbles(({ expectObservable }) => {
      const options = { every: 5, late: 20 };
      expectObservable(woke({ ...options, now: dayWithSleep(20, 7) }), '50ms !').toBe('10ms w', out);
      expectObservable(woke({ ...options, now: dayWithSleep(19, 7) }), '50ms !').toBe('-');
    });
  });

  test('many late ticks in a row, none of them late enough, are no sleep', () => {
    marbles(({ expectObservable }) => {
      const now = () => asyncScheduler.now() * 9;
      expectObservable(woke({ now }), '60s !').toBe('-');
    });
  });

  test('a clock that is set back is no sleep, and does not hide the next one', () => {
    marbles(({ expectObservable }) => {
      const back = dayWithSleep(-3_600_000, 2500);
      const asleep = dayWithSleep(60_000, 4500);
      expectObservable(woke({ now: () => back() + asleep() - asyncScheduler.now() }), '9s !').toBe(
        '5s w',
        out,
      );
    });
  });

  test('begins when it is subscribed: a sleep before is none', () => {
    marbles(({ expectObservable }) => {
      const woke$ = woke({ now: dayWithSleep(60_000, 2500) });
      expectObservable(woke$, '2800ms ^ 5s !').toBe('-');
    });
  });

  test('serves two subscribers, each with its own looks', () => {
    marbles(({ expectObservable }) => {
      const woke$ = woke({ now: dayWithSleep(60_000, 2500) });
      expectObservable(woke$, '^ 9s !').toBe('     3s w', out);
      expectObservable(woke$, '700ms ^ 5s !').toBe('2700ms w', out);
    });
  });

  test('unsubscribing leaves no timer behind', () => {
    marbles(({ expectObservable, flush }) => {
      expectObservable(woke({ now: dayWithSleep(0) }), '1500ms !').toBe('-');
      flush();
      expect(asyncScheduler.now()).toBeLessThan(2000);
    });
  });

  test('a clock that throws is an error', () => {
    marbles(({ expectObservable }) => {
      const fault = new Error('no clock');
      let asked = 0;
      const now = () => {
        if (++asked > 2) throw fault;
        return 0;
      };
      expectObservable(woke({ now }), '9s !').toBe('2s #', undefined, fault);
    });
  });
});
