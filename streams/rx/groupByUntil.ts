import {
  defer,
  groupBy,
  type GroupedObservable,
  type Observable,
  type OperatorFunction,
  Subject,
} from 'rxjs';

/**
 * Emits a stream for each key: `groupBy` whose groups end when their `duration` emits.
 *
 * A key whose group has ended takes no memory. Unsubscribing releases the source and the durations as soon as no group has
 * a subscriber. In RxJS 7 the durations of `groupBy` itself count as subscribers of their group, so it never releases a
 * source while a duration is pending. Here the durations subscribe to the Subject of the group instead.
 *
 * ```text
 * value   --a1--b1--a2--(a last)--a1--
 *           groupByUntil(key, isLast)
 * group   --a---b-----------------a---
 * ```
 */
export const groupByUntil =
  <T, K>(
    key: (value: T) => K,
    duration: (value$: Observable<T>, key: K) => Observable<unknown>,
  ): OperatorFunction<T, GroupedObservable<K, T>> =>
  (value$) =>
    defer(() => {
      // Emitting a group between the two calls can create another group: last in, first out.
      const newSubjects: Subject<T>[] = [];
      return value$.pipe(
        groupBy(key, {
          connector: () => {
            const subject = new Subject<T>();
            newSubjects.push(subject);
            return subject;
          },
          duration: ({ key: ofGroup }) => duration(newSubjects.pop() as Subject<T>, ofGroup),
        }),
      );
    });
