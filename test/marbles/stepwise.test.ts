import { describe, expect, test } from '@jest/globals';
import { asyncScheduler, queueScheduler, Subject } from 'rxjs';
import { stepwise } from '../../streams/relay/stepwise.js';
import { marbles } from '../support/marbles.js';

/** After `a` comes an x in 5 ms, after `b` a y once all of its burst has come, at the end a z; `d` is two. */
const machine = stepwise<string, string, string>(
  (later) => (value) => {
    if (value === 'a') later('x', 5);
    if (value === 'b') later('y');
    if (value === 't') throw new Error('broken');
    return value === 'd' ? ['d', 'e'] : [value];
  },
  'z',
);
const fault = new Error('broken');

describe('stepwise', () => {
  test('hands out what a step makes, also of what comes later, and the last one last', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const value$ = hot('                         -a-------(bd)----|');
      expectObservable(value$.pipe(machine)).toBe('-a----x--(byde)--(z|)');
      expectSubscriptions(value$.subscriptions).toBe('^----------------!');
    });
  });

  test('errors with its source, or with what a step throws, and lets go of its source and of its timers', () => {
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

  test('completing and unsubscribing call off what was to come later', () => {
    marbles(({ hot, expectObservable, flush }) => {
      expectObservable(hot('-a-|').pipe(machine)).toBe('-a-(z|)');
      expectObservable(hot('-a--').pipe(machine), '---!').toBe('-a-');
      flush();
      expect(asyncScheduler.now()).toBeLessThan(6);
    });
  });

  test('what comes while it hands out waits for its turn, the end too', () => {
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

  test('what is put off without a time comes after all of the burst that brought it about', () => {
    const value$ = new Subject<string>();
    const out: string[] = [];
    value$.pipe(machine).subscribe((each) => out.push(each));
    queueScheduler.schedule(() => {
      value$.next('b');
      value$.next('c');
    });
    expect(out).toStrictEqual(['b', 'c', 'y']);
  });

  test('one operator value serves two sources, each with a machine of its own', () => {
    marbles(({ hot, expectObservable }) => {
      const counting = stepwise<string, number, never>(() => {
        let count = 0;
        return () => [(count += 1)];
      });
      expectObservable(hot('-a-a|').pipe(counting)).toBe('-b-c|', { b: 1, c: 2 });
      expectObservable(hot('--a-|').pipe(counting)).toBe('--b-|', { b: 1 });
    });
  });
});
