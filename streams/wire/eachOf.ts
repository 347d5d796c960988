import { Observable, type OperatorFunction } from 'rxjs';

/**
 * Values in, the values of each out, one after the other: `concatMap` for what is at hand at once. An inner Observable for
 * each chunk would cost a relay more than what is done with it.
 *
 * What comes while it is handing out waits for its turn. Completes with its source; errors with it, or with what `project`
 * or its iteration throws, after the values before that.
 *
 * ```text
 * value   --a------b--------|
 *           eachOf((value) => [`${value}1`, `${value}2`])
 * out     --(a1a2)-(b1b2)---|
 * ```
 *
 * @example
 * import { of } from 'rxjs';
 * import { eachOf } from 'rxchat/streams';
 *
 * of('one two').pipe(eachOf((text) => text.split(' '))).subscribe(console.log); // 'one', 'two'
 */
export const eachOf =
  <T, R>(project: (value: T) => Iterable<R>): OperatorFunction<T, R> =>
  (value$) =>
    new Observable((subscriber) => {
      const waiting: T[] = [];
      let isHandingOut = false;
      let isComplete = false;

      const handOut = (value: T) => {
        isHandingOut = true;
        try {
          for (const each of project(value)) {
            subscriber.next(each);
            if (subscriber.closed) return;
          }
        } catch (error) {
          subscriber.error(error);
        }
        isHandingOut = false;
      };

      return value$.subscribe({
        next: (value) => {
          if (isHandingOut) {
            waiting.push(value);
            return;
          }
          handOut(value);
          while (waiting.length > 0 && !subscriber.closed) handOut(waiting.shift() as T);
          if (isComplete) subscriber.complete();
        },
        error: (error: unknown) => {
          subscriber.error(error);
        },
        complete: () => {
          isComplete = true;
          if (!isHandingOut) subscriber.complete();
        },
      });
    });
