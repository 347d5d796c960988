import { describe, expect, test } from '@jest/globals';
import { asyncScheduler, EMPTY, map, NEVER, Subject } from 'rxjs';
import { probe } from '../../../../streams/client/reconnect/liveness.js';
import { marbles } from '../../../support/marbles.js';

const dead = { x: undefined };

/** Records the times of PINGs. */
const pinging = () => {
  const at: number[] = [];
  return { at, ping: () => at.push(asyncScheduler.now()) };
};

describe('probe', () => {
  test('probe pings at a doubt, and emits when nothing arrives within 4 s and 100 ms', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const { at, ping } = pinging();
      const doubt$ = hot('--d 9s -');
      expectObservable(doubt$.pipe(probe({ ping, activity$: NEVER })), '9s !').toBe('-- 4100ms x', dead);
      flush();
      expect(at).toStrictEqual([2]);
    });
  });

  test.each([
    { name: 'soon', alive: '   --- 10ms a 9s -' },
    { name: 'in the last moment', alive: '-- 4099ms a 9s -' },
    { name: 'several times', alive: '   ---a--b 9s -' },
  ])('probe emits nothing when something arrives: $name', ({ alive }) => {
    marbles(({ hot, expectObservable }) => {
      const doubt$ = hot('--d 9s -');
      expectObservable(doubt$.pipe(probe({ ping: () => 0, activity$: hot(alive) })), '9s !').toBe('-');
    });
  });

  test('probe accepts an answer during the ping', () => {
    marbles(({ hot, expectObservable }) => {
      const alive$ = new Subject<void>();
      expectObservable(
        hot('d 9s -').pipe(probe({ ping: () => alive$.next(), activity$: alive$ })),
        '9s !',
      ).toBe('-');
    });
  });

  test('probe ignores activity before the doubt', () => {
    marbles(({ hot, expectObservable }) => {
      const alive$ = hot('-a 9s -');
      expectObservable(hot('--d 9s -').pipe(probe({ ping: () => 0, activity$: alive$ })), '9s !').toBe(
        '-- 4100ms x',
        dead,
      );
    });
  });

  test('probe joins doubts during a ping without a later deadline, and pings again at a later doubt', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const { at, ping } = pinging();
      const doubt$ = hot('d-d 3s d 1200ms d 9s -');
      expectObservable(doubt$.pipe(probe({ ping, activity$: NEVER })), '9s !').toBe('4100ms x 4203ms x', {
        x: undefined,
      });
      flush();
      expect(at).toStrictEqual([0, 4204]);
    });
  });

  test('probe reads an answer that arrived before a late deadline', () => {
    marbles(({ hot, expectObservable }) => {
      // The process was stopped: both the deadline and the answer wait, and timers come first.
      const alive$ = hot('4001ms a');
      expectObservable(hot('d 9s -').pipe(probe({ ping: () => 0, activity$: alive$ })), '9s !').toBe('-');
    });
  });

  test('probe emits nothing while reading is paused', () => {
    marbles(({ hot, expectObservable }) => {
      const doubt$ = hot('d 5s d');
      let isPending = true;
      const pending$ = doubt$.pipe(probe({ ping: () => 0, activity$: NEVER, isPaused: () => isPending }));
      expectObservable(pending$, '9200ms !').toBe('9101ms x', dead);
      expectObservable(hot('4500ms r').pipe(map(() => (isPending = false)))).toBe('4500ms r', { r: false });
    });
  });

  test('probe uses the answer timeout of its options', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('d').pipe(probe({ ping: () => 0, activity$: NEVER, answerTimeoutMs: 10 }))).toBe(
        '110ms x',
        dead,
      );
    });
  });

  test('probe completes with the doubts, after the last ping', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(EMPTY.pipe(probe({ ping: () => 0, activity$: NEVER }))).toBe('|');
      expectObservable(cold('(d|)').pipe(probe({ ping: () => 0, activity$: NEVER }))).toBe(
        '4100ms (x|)',
        dead,
      );
    });
  });

  test('probe errors with the doubts, with the activity and with a ping that throws', () => {
    marbles(({ cold, hot, expectObservable }) => {
      const fault = new Error('fault');
      const fail = () => {
        throw fault;
      };
      expectObservable(cold('-#', undefined, fault).pipe(probe({ ping: () => 0, activity$: NEVER }))).toBe(
        '-#',
        undefined,
        fault,
      );
      expectObservable(hot('d').pipe(probe({ ping: fail, activity$: NEVER }))).toBe('#', undefined, fault);
      expectObservable(hot('d').pipe(probe({ ping: () => 0, activity$: cold('-#', undefined, fault) }))).toBe(
        '-#',
        undefined,
        fault,
      );
    });
  });

  test('unsubscribing probe stops its timer', () => {
    marbles(({ hot, expectObservable, flush }) => {
      expectObservable(hot('d').pipe(probe({ ping: () => 0, activity$: NEVER })), '-!').toBe('-');
      flush();
      expect(asyncScheduler.now()).toBeLessThan(4000);
    });
  });
});
