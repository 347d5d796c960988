import { describe, expect, test } from '@jest/globals';
import { asyncScheduler } from 'rxjs';
import { detectWake } from '../../../../streams/client/reconnect/liveness.js';
import { marbles } from '../../../support/marbles.js';

/** Returns the time of day on a machine that sleeps `ms` right after each of these moments. */
const dayWithSleep =
  (ms: number, ...at: number[]) =>
  () =>
    asyncScheduler.now() + ms * at.filter((moment) => asyncScheduler.now() > moment).length;

const out = { w: undefined };

describe('detectWake', () => {
  test('detectWake emits nothing while timers are on time', () => {
    marbles(({ expectObservable }) => {
      expectObservable(detectWake({ now: dayWithSleep(0) }), '60s !').toBe('-');
    });
  });

  test('detectWake emits once for each sleep, at the next tick', () => {
    marbles(({ expectObservable }) => {
      const now = dayWithSleep(3_600_000, 2500, 7100);
      expectObservable(detectWake({ now }), '20s !').toBe('3s w 4999ms w', out);
    });
  });

  test('detectWake emits when a tick is 10 s late, and not when it is 1 ms less', () => {
    marbles(({ expectObservable }) => {
      expectObservable(detectWake({ now: dayWithSleep(10_000, 2500) }), '9s !').toBe('3s w', out);
      expectObservable(detectWake({ now: dayWithSleep(9_999, 2500) }), '9s !').toBe('-');
    });
  });

  test('detectWake uses the interval and the threshold of its options', () => {
    marbles(({ expectObservable }) => {
      const options = { intervalMs: 5, thresholdMs: 20 };
      expectObservable(detectWake({ ...options, now: dayWithSleep(20, 7) }), '50ms !').toBe('10ms w', out);
      expectObservable(detectWake({ ...options, now: dayWithSleep(19, 7) }), '50ms !').toBe('-');
    });
  });

  test('detectWake emits nothing for many ticks that are a little late', () => {
    marbles(({ expectObservable }) => {
      const now = () => asyncScheduler.now() * 9;
      expectObservable(detectWake({ now }), '60s !').toBe('-');
    });
  });

  test('detectWake emits nothing when the clock is set back, and detects the next sleep', () => {
    marbles(({ expectObservable }) => {
      const back = dayWithSleep(-3_600_000, 2500);
      const asleep = dayWithSleep(60_000, 4500);
      expectObservable(detectWake({ now: () => back() + asleep() - asyncScheduler.now() }), '9s !').toBe(
        '5s w',
        out,
      );
    });
  });

  test('detectWake ignores a sleep before its subscription', () => {
    marbles(({ expectObservable }) => {
      const wake$ = detectWake({ now: dayWithSleep(60_000, 2500) });
      expectObservable(wake$, '2800ms ^ 5s !').toBe('-');
    });
  });

  test('detectWake has a timer for each subscriber', () => {
    marbles(({ expectObservable }) => {
      const wake$ = detectWake({ now: dayWithSleep(60_000, 2500) });
      expectObservable(wake$, '^ 9s !').toBe('     3s w', out);
      expectObservable(wake$, '700ms ^ 5s !').toBe('2700ms w', out);
    });
  });

  test('unsubscribing detectWake stops its timer', () => {
    marbles(({ expectObservable, flush }) => {
      expectObservable(detectWake({ now: dayWithSleep(0) }), '1500ms !').toBe('-');
      flush();
      expect(asyncScheduler.now()).toBeLessThan(2000);
    });
  });

  test('detectWake errors when the clock throws', () => {
    marbles(({ expectObservable }) => {
      const fault = new Error('no clock');
      let requested = 0;
      const now = () => {
        if (++requested > 2) throw fault;
        return 0;
      };
      expectObservable(detectWake({ now }), '9s !').toBe('2s #', undefined, fault);
    });
  });
});
