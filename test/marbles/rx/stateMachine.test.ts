import { describe, expect, test } from '@jest/globals';
import { asyncScheduler, queueScheduler, Subject } from 'rxjs';
import { stateMachine } from '../../../streams/rx/stateMachine.js';
import { marbles } from '../../support/marbles.js';

/** An x follows `a` after 5 ms. A y follows `b` at the end of its burst. A z comes at the end. `d` has two outputs. */
const machine = stateMachine<string, string, string>(
  (afterwards) => (value) => {
    if (value === 'a') afterwards('x', 5);
    if (value === 'b') afterwards('y');
    if (value === 't') throw new Error('broken');
    return value === 'd' ? ['d', 'e'] : [value];
  },
  'z',
);
const fault = new Error('broken');

describe('stateMachine', () => {
  test('emits the outputs of each step, also of delayed ones, and the final output last', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const value$ = hot('                         -a-------(bd)----|');
      expectObservable(value$.pipe(machine)).toBe('-a----x--(byde)--(z|)');
      expectSubscriptions(value$.subscriptions).toBe('^----------------!');
    });
  });

  test('errors when its source errors or a step throws, and releases its source and timers', () => {
    marbles(({ hot, expectObservable, expectSubscriptions, flush }) => {
      const thrown$ = hot('                         -a-t');
      expectObservable(thrown$.pipe(machine)).toBe('-a-#', undefined, fault);
      expectSubscriptions(thrown$.subscriptions).toBe('^--!');
      const failed$ = hot('                         -a-#', undefined, fault);
      expectObservable(failed$.pipe(machine)).toBe('-a-#', undefined, fault);
      flush();
      expect(asyncScheduler.now()).toBeLessThan(6);
    });
  });

  test('cancels delayed steps when it completes or is unsubscribed', () => {
    marbles(({ hot, expectObservable, flush }) => {
      expectObservable(hot('-a-|').pipe(machine)).toBe('-a-(z|)');
      expectObservable(hot('-a--').pipe(machine), '---!').toBe('-a-');
      flush();
      expect(asyncScheduler.now()).toBeLessThan(6);
    });
  });

  test('queues inputs and the end that arrive while it emits', () => {
    const value$ = new Subject<string>();
    const out: string[] = [];
    value$.pipe(machine).subscribe({
      next: (each) => {
        out.push(each);
        if (each === 'd') value$.next('c');
        if (each === 'c') value$.complete();
      },
      complete: () => out.push('|'),
    });
    value$.next('d');
    expect(out).toStrictEqual(['d', 'e', 'c', 'z', '|']);
  });

  test('runs a step deferred without a delay after the whole burst that caused it', () => {
    const value$ = new Subject<string>();
    const out: string[] = [];
    value$.pipe(machine).subscribe((each) => out.push(each));
    queueScheduler.schedule(() => {
      value$.next('b');
      value$.next('c');
    });
    expect(out).toStrictEqual(['b', 'c', 'y']);
  });

  test('keeps a separate state for each of two sources of one operator value', () => {
    marbles(({ hot, expectObservable }) => {
      const counting = stateMachine<string, number, never>(() => {
        let count = 0;
        return () => [(count += 1)];
      });
      expectObservable(hot('-a-a|').pipe(counting)).toBe('-b-c|', { b: 1, c: 2 });
      expectObservable(hot('--a-|').pipe(counting)).toBe('--b-|', { b: 1 });
    });
  });
});
