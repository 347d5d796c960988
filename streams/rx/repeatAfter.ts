import { concat, type MonoTypeOperatorFunction, type Observable, retry, throwError } from 'rxjs';

/** Marks the completion of the source. It never leaves `repeatAfter`. */
const COMPLETED = new Error('completed');

/**
 * Subscribes to the source again each time it completes, once the notifier that `delay` returns emits.
 *
 * Completes if a notifier completes without a value. Errors with the source, with a notifier, or with what `delay`
 * throws. This is `repeat({ delay })` of RxJS 7.6, for RxJS 7.4.
 *
 * ```text
 * source    -a-|  -a-|
 * notifier     --x   -|
 *             repeatAfter(delay)
 * out       -a----a---|
 * ```
 */
export const repeatAfter =
  <T>(delay: () => Observable<unknown>): MonoTypeOperatorFunction<T> =>
  (source$) =>
    concat(
      source$,
      throwError(() => COMPLETED),
    ).pipe(
      retry({
        delay: (error: unknown) => {
          if (error !== COMPLETED) throw error;
          return delay();
        },
      }),
    );
