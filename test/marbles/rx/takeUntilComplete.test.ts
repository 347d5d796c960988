import { describe, expect, test } from '@jest/globals';
import { EMPTY, NEVER, Subject } from 'rxjs';
import { takeUntilComplete } from '../../../streams/rx/takeUntilComplete.js';
import { marbles } from '../../support/marbles.js';

describe('takeUntilComplete', () => {
  test('passes values on until the notifier completes', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const value$ = hot('        -a-b-c-d-');
      const notifier$ = hot('     --x-x-|');
      expectObservable(value$.pipe(takeUntilComplete(notifier$))).toBe('-a-b-c|');
      expectSubscriptions(value$.subscriptions).toBe('^-----!');
      expectSubscriptions(notifier$.subscriptions).toBe('^-----!');
    });
  });

  test.each(['|', '#'])('ends with its source and unsubscribes from the notifier: %s', (end) => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const notifier$ = hot('-x--------');
      expectObservable(hot(`-a-b-${end}`).pipe(takeUntilComplete(notifier$))).toBe(`-a-b-${end}`);
      expectSubscriptions(notifier$.subscriptions).toBe('^----!');
    });
  });

  test('errors when the notifier errors', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('-a-b-c-').pipe(takeUntilComplete(hot('--x-#')))).toBe('-a-b#');
    });
  });

  test('never ends when the notifier never completes', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('-a-b-').pipe(takeUntilComplete(NEVER))).toBe('-a-b-');
    });
  });

  test('completes at once, without subscribing to its source, when the notifier is empty', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const value$ = cold('a-b');
      expectObservable(value$.pipe(takeUntilComplete(EMPTY))).toBe('|');
      expectSubscriptions(value$.subscriptions).toBe([]);
    });
  });

  test('stops when it is unsubscribed', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const [value$, notifier$] = [hot('-a-b-c-'), hot('-------|')];
      expectObservable(value$.pipe(takeUntilComplete(notifier$)), '^---!').toBe('-a-b');
      expectSubscriptions(value$.subscriptions).toBe('^---!');
      expectSubscriptions(notifier$.subscriptions).toBe('^---!');
    });
  });

  test('emits nothing after the notifier completes within an emission', () => {
    const [value, notifier] = [new Subject<string>(), new Subject<never>()];
    const out: string[] = [];
    value.pipe(takeUntilComplete(notifier)).subscribe({
      next: (each) => {
        out.push(each);
        if (each === 'b') notifier.complete();
      },
      complete: () => out.push('|'),
    });
    for (const each of ['a', 'b', 'c']) value.next(each);
    expect(out).toStrictEqual(['a', 'b', '|']);
  });
});
