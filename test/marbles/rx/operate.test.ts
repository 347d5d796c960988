import { describe, expect, test } from '@jest/globals';
import { of, take } from 'rxjs';
import { operate } from '../../../streams/rx/operate.js';
import { marbles } from '../../support/marbles.js';

/** Emits the letters so far. */
const accumulated = operate<string, string>((subscriber) => {
  let letters = '';
  return { next: (letter) => subscriber.next((letters += letter)) };
});
const values = { a: 'a', b: 'ab', c: 'abc' };

describe('operate', () => {
  test.each(['|', '#', '-'])('passes the end of the source through: %s', (end) => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot(`-a-b-${end}`).pipe(accumulated)).toBe(`-a-b-${end}`, values);
    });
  });

  test('completes or errors at once for an empty, endless or failing source', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('|').pipe(accumulated)).toBe('|');
      expectObservable(cold('-').pipe(accumulated)).toBe('-');
      expectObservable(cold('#').pipe(accumulated)).toBe('#');
    });
  });

  test('keeps state per subscription', () => {
    marbles(({ cold, expectObservable }) => {
      const letter$ = cold('-a-b-|').pipe(accumulated);
      expectObservable(letter$).toBe('-a-b-|', values);
      expectObservable(letter$, '--^').toBe('---a-b-|', values);
    });
  });

  test('uses the error and completion handlers of the observer when there are any', () => {
    marbles(({ hot, expectObservable }) => {
      const ended = operate<string, string>((subscriber) => {
        const end = (text: string) => {
          subscriber.next(text);
          subscriber.complete();
        };
        return { next: () => undefined, error: () => end('error'), complete: () => end('complete') };
      });
      expectObservable(hot('-a-|').pipe(ended)).toBe('---(x|)', { x: 'complete' });
      expectObservable(hot('-a-#').pipe(ended)).toBe('---(x|)', { x: 'error' });
    });
  });

  test('unsubscribes from its source and runs teardowns when it is unsubscribed', () => {
    let tornDown = 0;
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const watched = operate<string, string>((subscriber) => {
        subscriber.add(() => {
          tornDown += 1;
        });
        return { next: (letter) => subscriber.next(letter) };
      });
      const letter$ = hot('-a-b-c-');
      expectObservable(letter$.pipe(watched), '^---!').toBe('-a-b');
      expectObservable(letter$.pipe(watched, take(1))).toBe('-(a|)');
      expectSubscriptions(letter$.subscriptions).toBe(['^---!', '^!']);
    });
    expect(tornDown).toBe(2);
  });

  test('errors when start throws, and never subscribes to the source', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const fault = new Error('no state');
      const letter$ = hot('-a-');
      const broken = operate<string, string>(() => {
        throw fault;
      });
      expectObservable(letter$.pipe(broken)).toBe('#', undefined, fault);
      expectSubscriptions(letter$.subscriptions).toBe([]);
    });
  });

  test('emits what a synchronous source emits', () => {
    const emitted: string[] = [];
    of('a', 'b')
      .pipe(accumulated)
      .subscribe((letters) => emitted.push(letters));
    expect(emitted).toStrictEqual(['a', 'ab']);
  });
});
