import { describe, expect, test } from '@jest/globals';
import { asyncScheduler, EMPTY, map, NEVER, Subject } from 'rxjs';
import { probe } from '../../streams/client/probe.js';
import { marbles } from '../support/marbles.js';

const dead = { x: undefined };

/** Pings that are counted by the moment. */
const pinging = () => {
  const at: number[] = [];
  return { at, ping: () => at.push(asyncScheduler.now()) };
};

describe('probe', () => {
  test('pings at a doubt, and emits if nothing arrives within 4 s and 100 ms', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const { at, ping } = pinging();
      const doubt$ = hot('--d 9s -');
      expectObservable(doubt$.pipe(probe({ ping, alive$: NEVER })), '9s !').toBe('-- 4100ms x', dead);
      flush();
      expect(at).toStrictEqual([2]);
    });
  });

  test.each([
    { name: 'soon', alive: '   --- 10ms a 9s -' },
    { name: 'in the last moment', alive: '-- 4099ms a 9s -' },
    { name: 'several times', alive: '   ---a--b 9s -' },
  ])('does not if something arrives: $name', ({ alive }) => {
    marbles(({ hot, expectObservable }) => {
      const doubt$ = hot('--d 9s -');
      expectObservable(doubt$.pipe(probe({ ping: () => 0, alive$: hot(alive) })), '9s !').toBe('-');
    });
  });

  test('takes an answer that comes within the ping', () => {
    marbles(({ hot, expectObservable }) => {
      const alive$ = new Subject<void>();
      expectObservable(hot('d 9s -').pipe(probe({ ping: () => alive$.next(), alive$ })), '9s !').toBe('-');
    });
  });

  test('what arrived before the doubt is no answer', () => {
    marbles(({ hot, expectObservable }) => {
      const alive$ = hot('-a 9s -');
      expectObservable(hot('--d 9s -').pipe(probe({ ping: () => 0, alive$ })), '9s !').toBe(
        '-- 4100ms x',
        dead,
      );
    });
  });

  test('doubts during a ping join it, and do not put its deadline off; a later doubt pings again', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const { at, ping } = pinging();
      const doubt$ = hot('d-d 3s d 1200ms d 9s -');
      expectObservable(doubt$.pipe(probe({ ping, alive$: NEVER })), '9s !').toBe('4100ms x 4203ms x', {
        x: undefined,
      });
      flush();
      expect(at).toStrictEqual([0, 4204]);
    });
  });

  test('leaves an answer that arrived during a late deadline the time to be read', () => {
    marbles(({ hot, expectObservable }) => {
      // The process was stopped: both the deadline and the answer wait, and timers come first.
      const alive$ = hot('4001ms a');
      expectObservable(hot('d 9s -').pipe(probe({ ping: () => 0, alive$ })), '9s !').toBe('-');
    });
  });

  test('says nothing of a link that this client does not read', () => {
    marbles(({ hot, expectObservable }) => {
      const doubt$ = hot('d 5s d');
      let isHeld = true;
      const held$ = doubt$.pipe(probe({ ping: () => 0, alive$: NEVER, isHeld: () => isHeld }));
      expectObservable(held$, '9200ms !').toBe('9101ms x', dead);
      expectObservable(hot('4500ms r').pipe(map(() => (isHeld = false)))).toBe('4500ms r', { r: false });
    });
  });

  test('takes another time for the answer', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('d').pipe(probe({ ping: () => 0, alive$: NEVER, answerMs: 10 }))).toBe(
        '110ms x',
        dead,
      );
    });
  });

  test('completes with the doubts, after the last ping', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(EMPTY.pipe(probe({ ping: () => 0, alive$: NEVER }))).toBe('|');
      expectObservable(cold('(d|)').pipe(probe({ ping: () => 0, alive$: NEVER }))).toBe('4100ms (x|)', dead);
    });
  });

  test('errors with the doubts, with signs of life and with a ping that throws', () => {
    marbles(({ cold, hot, expectObservable }) => {
      const fault = new Error('fault');
      const fail = () => {
        throw fault;
      };
      expectObservable(cold('-#', undefined, fault).pipe(probe({ ping: () => 0, alive$: NEVER }))).toBe(
        '-#',
        undefined,
        fault,
      );
      expectObservable(hot('d').pipe(probe({ ping: fail, alive$: NEVER }))).toBe('#', undefined, fault);
      expectObservable(hot('d').pipe(probe({ ping: () => 0, alive$: cold('-#', undefined, fault) }))).toBe(
        '-#',
        undefined,
        fault,
      );
    });
  });

  test('unsubscribing leaves no timer behind', () => {
    marbles(({ hot, expectObservable, flush }) => {
      expectObservable(hot('d').pipe(probe({ ping: () => 0, alive$: NEVER })), '-!').toBe('-');
      flush();
      expect(asyncScheduler.now()).toBeLessThan(4000);
    });
  });
});
