import {
  defer,
  groupBy,
  type GroupedObservable,
  type Observable,
  type OperatorFunction,
  Subject,
} from 'rxjs';

/**
 * Values in, a stream for each key out: `groupBy` whose groups end when their `duration` emits, so that a key that is
 * done with takes no memory. Unsubscribing lets go of the source and of the durations, once nobody reads the groups.
 *
 * The durations of `groupBy` itself count as readers of their group, so in RxJS 7 it never lets go of a source while
 * one waits: here they listen to the group's own Subject.
 *
 * ```text
 * value   --a1--b1--a2--(a last)--a1--
 *           groupUntil(key, isLast)
 * group   --a---b-----------------a---
 * ```
 */
export const groupUntil =
  <T, K>(
    key: (value: T) => K,
    duration: (value$: Observable<T>) => Observable<unknown>,
  ): OperatorFunction<T, GroupedObservable<K, T>> =>
  (value$) =>
    defer(() => {
      // A group is announced between the two calls and may bring about another one: last in, first out.
      const fresh: Subject<T>[] = [];
      return value$.pipe(
        groupBy(key, {
          connector: () => {
            const subject = new Subject<T>();
            fresh.push(subject);
            return subject;
          },
          duration: () => duration(fresh.pop() as Subject<T>),
        }),
      );
    });
