import type { OperatorFunction } from 'rxjs';
import { operate } from './operate.js';

/**
 * Emits the values of the iterable that `project` returns for each value: a synchronous `concatMap`.
 *
 * An inner Observable per chunk would cost the relay more than parsing the chunk. Values that arrive during an emission are
 * queued. Only re-entrant calls cause that, so the queue needs no limit. Completes with its source. Errors with it, or with
 * what `project` or the iteration throws, after the values before the error.
 *
 * ```text
 * value   --a------b--------|
 *           concatMapIterable((value) => [`${value}1`, `${value}2`])
 * out     --(a1a2)-(b1b2)---|
 * ```
 *
 * @example
 * import { of } from 'rxjs';
 * import { concatMapIterable } from './concatMapIterable.js';
 *
 * of('one two').pipe(concatMapIterable((text) => text.split(' '))).subscribe(console.log); // 'one', 'two'
 */
export const concatMapIterable = <T, R>(project: (value: T) => Iterable<R>): OperatorFunction<T, R> =>
  operate((subscriber) => {
    const queue: T[] = [];
    let isEmitting = false;
    let isComplete = false;

    const emitAll = (value: T) => {
      isEmitting = true;
      try {
        for (const each of project(value)) {
          subscriber.next(each);
          if (subscriber.closed) return;
        }
      } catch (error) {
        subscriber.error(error);
      }
      isEmitting = false;
    };

    return {
      next: (value) => {
        if (isEmitting) {
          queue.push(value);
          return;
        }
        emitAll(value);
        while (queue.length > 0 && !subscriber.closed) emitAll(queue.shift() as T);
        if (isComplete) subscriber.complete();
      },
      complete: () => {
        isComplete = true;
        if (!isEmitting) subscriber.complete();
      },
    };
  });
