import { Observable, type Observer, type OperatorFunction, type Subscriber } from 'rxjs';

/**
 * Creates an operator from a function that returns an observer of the source.
 *
 * `start` runs once per subscription, before the source is subscribed to. So its local variables are the operator's state. What it adds to `subscriber` is torn down with it. Errors and completion of the source pass through unless the
 * observer handles them. For operators that would be too expensive as a composition of others (ADR 0029).
 *
 * ```text
 * value   --1--2--3--|
 *           operate((subscriber) => ({ next: (n) => n % 2 === 1 && subscriber.next(n) }))
 * out     --1-----3--|
 * ```
 *
 * @example
 * import { of } from 'rxjs';
 * import { operate } from './operate.js';
 *
 * const runningSum = operate<number, number>((subscriber) => {
 *   let sum = 0;
 *   return { next: (n) => subscriber.next((sum += n)) };
 * });
 * of(1, 2, 3).pipe(runningSum).subscribe(console.log); // 1, 3, 6
 */
export const operate =
  <I, O>(
    start: (
      subscriber: Subscriber<O>,
    ) => Pick<Observer<I>, 'next'> & Partial<Pick<Observer<I>, 'error' | 'complete'>>,
  ): OperatorFunction<I, O> =>
  (source$) =>
    new Observable((subscriber) => {
      const observer = start(subscriber);
      if (subscriber.closed) return;
      subscriber.add(
        source$.subscribe({
          error: (error: unknown) => {
            subscriber.error(error);
          },
          complete: () => {
            subscriber.complete();
          },
          ...observer,
        }),
      );
    });
