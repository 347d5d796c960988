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
import { groupUntil } from '../../streams/relay/groupUntil.js';
import { marbles } from '../support/marbles.js';

/** Letters are keyed by themselves whatever their case, and a capital ends the group. */
const last = groupUntil<string, string>(
  (letter) => letter.toLowerCase(),
  (letter$) => letter$.pipe(filter((letter) => letter !== letter.toLowerCase())),
);

/** Each value with the number of its group. */
const numbered = pipe(
  last,
  mergeMap((group$, n) => group$.pipe(map((letter) => `${letter}${n}`))),
);

const out = { a: 'a0', b: 'b1', A: 'A0', 2: 'a2', 3: 'a3' };

describe('groupUntil', () => {
  test('nothing comes of a source that says nothing', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const value$ = cold('-');
      expectObservable(value$.pipe(numbered)).toBe('-');
      expectSubscriptions(value$.subscriptions).toBe('^');
    });
  });

  test('completes with an empty source', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('|').pipe(numbered)).toBe('|');
    });
  });

  test('values of one key are one group, until it ends', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-a-b-a-A-a-b-|').pipe(numbered)).toBe('-a-b-a-A-2-b-|', out);
    });
  });

  test('a group completes with the value that ends it, or with the source', () => {
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

  test('an error of the source passes', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-a-#', undefined, 'fault').pipe(numbered)).toBe('-a-#', out, 'fault');
    });
  });

  test('unsubscribing lets go of an endless source, though durations still wait', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const value$ = hot('-a-b-a-a');
      const unsub = '     ------!';
      expectObservable(value$.pipe(numbered), unsub).toBe('-a-b-a', out);
      expectSubscriptions(value$.subscriptions).toBe('     ^-----!');
    });
  });

  test('and leaves no timer of a duration behind', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const idle = groupUntil<string, string>(
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

  test('one operator value serves two pipelines', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-a-A-a|').pipe(numbered)).toBe(' -a-A-2|', { ...out, 2: 'a1' });
      expectObservable(cold('--a---|').pipe(numbered)).toBe(' --a---|', out);
    });
  });

  test('a duration belongs to its own group, also of one that began within the announcement of another', () => {
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

  test('a key or a duration that throws is an error', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const fault = new Error('fault');
      const fail = () => {
        throw fault;
      };
      const value$ = cold('-a-a');
      expectObservable(value$.pipe(groupUntil<string, string>(fail, () => EMPTY))).toBe('-#', {}, fault);
      expectObservable(
        value$.pipe(
          groupUntil<string, string>(String, fail),
          mergeMap((group$) => group$),
        ),
      ).toBe('-#', {}, fault);
      expectSubscriptions(value$.subscriptions).toBe(['^!', '^!']);
    });
  });
});
