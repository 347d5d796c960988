import { describe, expect, test } from '@jest/globals';
import { Subject, take } from 'rxjs';
import { concatMapIterable } from '../../../streams/rx/concatMapIterable.js';
import { marbles } from '../../support/marbles.js';

const twice = concatMapIterable((value: string) => [`${value}1`, `${value}2`]);
const values = { p: 'a1', q: 'a2', r: 'b1', s: 'b2' };

describe('concatMapIterable', () => {
  test.each(['|', '#'])('emits every item of each iterable, and ends with its source: %s', (end) => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const value$ = hot(`                       -a-----b----${end}`);
      expectObservable(value$.pipe(twice)).toBe(`-(pq)--(rs)-${end}`, values);
      expectSubscriptions(value$.subscriptions).toBe('^-----------!');
    });
  });

  test('errors when project or its iteration throws, after the values before that, and unsubscribes from its source', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const fault = new Error('broken');
      const value$ = hot('                       -a----b-c-');
      const broken = concatMapIterable(function* (value: string): Generator<string> {
        yield `${value}1`;
        if (value === 'b') throw fault;
        yield `${value}2`;
      });
      expectObservable(value$.pipe(broken)).toBe('-(pq)-(r#)', values, fault);
      expectSubscriptions(value$.subscriptions).toBe('^-----!');
    });
  });

  test('stops within an iterable when unsubscribed', () => {
    const made: number[] = [];
    const endless = concatMapIterable(function* (): Generator<number> {
      for (let n = 0; ; n += 1) {
        made.push(n);
        yield n;
      }
    });
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const value$ = cold('-a-b');
      expectObservable(value$.pipe(endless, take(2))).toBe('-(xy|)', { x: 0, y: 1 });
      expectSubscriptions(value$.subscriptions).toBe('^!');
    });
    expect(made).toStrictEqual([0, 1]);
  });

  test('queues values and the end that arrive while it emits', () => {
    const value$ = new Subject<string>();
    const out: string[] = [];
    value$.pipe(twice).subscribe({
      next: (each) => {
        out.push(each);
        if (each === 'a1') value$.next('b');
        if (each === 'b1') value$.complete();
      },
      complete: () => out.push('|'),
    });
    value$.next('a');
    expect(out).toStrictEqual(['a1', 'a2', 'b1', 'b2', '|']);
  });
});
