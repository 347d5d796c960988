import {
  connect,
  distinctUntilChanged,
  endWith,
  ignoreElements,
  merge,
  type MonoTypeOperatorFunction,
  takeLast,
  takeUntil,
  throttleTime,
} from 'rxjs';

/**
 * The first value at once, then the newest at most every so many ms, and the last one when the source completes, which
 * completes it at once. What did not change is not repeated. Errors at once.
 *
 * ```text
 * value  a-b-c-------d-e-|
 *          atMostEvery(6)
 *        a-----c-----d---(e|)
 * ```
 */
export const atMostEvery =
  <T>(ms: number): MonoTypeOperatorFunction<T> =>
  (value$) =>
    value$.pipe(
      connect((shared$) =>
        merge(
          shared$.pipe(
            throttleTime(ms, undefined, { leading: true, trailing: true }),
            takeUntil(shared$.pipe(ignoreElements(), endWith(null))),
          ),
          shared$.pipe(takeLast(1)),
        ),
      ),
      distinctUntilChanged(),
    );
