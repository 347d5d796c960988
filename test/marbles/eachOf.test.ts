import { describe, expect, test } from '@jest/globals';
import { Subject, take } from 'rxjs';
import { eachOf } from '../../streams/wire/eachOf.js';
import { marbles } from '../support/marbles.js';

const twice = eachOf((value: string) => [`${value}1`, `${value}2`]);
const values = { p: 'a1', q: 'a2', r: 'b1', s: 'b2' };

describe('eachOf', () => {
  test.each(['|', '#'])('hands out all of each, and ends with its source: %s', (end) => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const value$ = hot(`                       -a-----b----${end}`);
      expectObservable(value$.pipe(twice)).toBe(`-(pq)--(rs)-${end}`, values);
      expectSubscriptions(value$.subscriptions).toBe('^-----------!');
    });
  });

  test('errors with what project or its iteration throws, after the values before that, and lets go of its source', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const fault = new Error('broken');
      const value$ = hot('                       -a----b-c-');
      const broken = eachOf(function* (value: string): Generator<string> {
        yield `${value}1`;
        if (value === 'b') throw fault;
        yield `${value}2`;
      });
      expectObservable(value$.pipe(broken)).toBe('-(pq)-(r#)', values, fault);
      expectSubscriptions(value$.subscriptions).toBe('^-----!');
    });
  });

  test('unsubscribing stops it in the middle of a value', () => {
    const made: number[] = [];
    const endless = eachOf(function* (): Generator<number> {
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

  test('what comes while it hands out waits for its turn, its end too', () => {
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
