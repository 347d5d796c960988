import { describe, expect, test } from '@jest/globals';
import {
  asyncScheduler,
  EMPTY,
  filter,
  map,
  merge,
  mergeMap,
  pipe,
  Subject,
  switchMap,
  tap,
  timer,
} from 'rxjs';
import { groupByUntil } from '../../../streams/rx/groupByUntil.js';
import { marbles } from '../../support/marbles.js';

/** Letters are their own keys in any case, and a capital ends the group. */
const last = groupByUntil<string, string>(
  (letter) => letter.toLowerCase(),
  (letter$) => letter$.pipe(filter((letter) => letter !== letter.toLowerCase())),
);

/** Each value with the number of its group. */
const numbered = pipe(
  last,
  mergeMap((group$, n) => group$.pipe(map((letter) => `${letter}${n}`))),
);

const out = { a: 'a0', b: 'b1', A: 'A0', 2: 'a2', 3: 'a3' };

describe('groupByUntil', () => {
  test('emits nothing when the source is silent', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const value$ = cold('-');
      expectObservable(value$.pipe(numbered)).toBe('-');
      expectSubscriptions(value$.subscriptions).toBe('^');
    });
  });

  test('completes when the source is empty', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('|').pipe(numbered)).toBe('|');
    });
  });

  test('puts values with the same key into one group until it ends', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-a-b-a-A-a-b-|').pipe(numbered)).toBe('-a-b-a-A-2-b-|', out);
    });
  });

  test('completes a group with the value that ends it, or with the source', () => {
    marbles(({ cold, expectObservable }) => {
      const value$ = cold('-a-b-A---|');
      const group$ = value$.pipe(
        last,
        filter(({ key }) => key === 'a'),
        switchMap((each$) => each$),
      );
      expectObservable(
        value$.pipe(
          last,
          mergeMap(() => [1]),
        ),
      ).toBe('-1-1-----|', { 1: 1 });
      expectObservable(group$).toBe('-a---A---|');
    });
  });

  test('passes an error of the source on', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-a-#', undefined, 'fault').pipe(numbered)).toBe('-a-#', out, 'fault');
    });
  });

  test('unsubscribes from an endless source when unsubscribed, although durations are pending', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const value$ = hot('-a-b-a-a');
      const unsub = '     ------!';
      expectObservable(value$.pipe(numbered), unsub).toBe('-a-b-a', out);
      expectSubscriptions(value$.subscriptions).toBe('     ^-----!');
    });
  });

  test('leaves no timer of a duration when unsubscribed', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const idle = groupByUntil<string, string>(
        (letter) => letter,
        (letter$) => letter$.pipe(switchMap(() => timer(3_600_000))),
      );
      const value$ = hot('-a-b-a').pipe(
        idle,
        mergeMap((group$) => group$),
      );
      expectObservable(value$, '------!').toBe('-a-b-a');
      flush();
      expect(asyncScheduler.now()).toBeLessThan(3_600_000);
    });
  });

  test('serves two pipelines of one operator value independently', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-a-A-a|').pipe(numbered)).toBe(' -a-A-2|', { ...out, 2: 'a1' });
      expectObservable(cold('--a---|').pipe(numbered)).toBe(' --a---|', out);
    });
  });

  test('applies a duration to its own group, even if that began while another was emitted', () => {
    marbles(({ hot, expectObservable }) => {
      const nested = new Subject<string>();
      const value$ = merge(hot('-a---A---a---b'), nested);
      const numbered$ = value$.pipe(
        last,
        tap(({ key }) => {
          if (key === 'a') nested.next('b');
        }),
        mergeMap((group$, n) => group$.pipe(map((letter) => `${letter}${n}`))),
      );
      const expected = '           -(ba)A---(bc)b';
      expectObservable(numbered$).toBe(expected, { b: 'b0', a: 'a1', A: 'A1', c: 'a2' });
    });
  });

  test('errors when a key or a duration throws', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const fault = new Error('fault');
      const fail = () => {
        throw fault;
      };
      const value$ = cold('-a-a');
      expectObservable(value$.pipe(groupByUntil<string, string>(fail, () => EMPTY))).toBe('-#', {}, fault);
      expectObservable(
        value$.pipe(
          groupByUntil<string, string>(String, fail),
          mergeMap((group$) => group$),
        ),
      ).toBe('-#', {}, fault);
      expectSubscriptions(value$.subscriptions).toBe(['^!', '^!']);
    });
  });
});
