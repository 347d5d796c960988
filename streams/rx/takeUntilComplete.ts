import { endWith, ignoreElements, type MonoTypeOperatorFunction, type Observable, takeUntil } from 'rxjs';

/**
 * Passes values on until `notifier$` completes: `takeUntil` for a stream whose end is the signal.
 *
 * Values of `notifier$` are ignored. Completes with its source or with `notifier$`, whichever is first; errors with
 * either. Use it as the last operator, like `takeUntil`.
 *
 * ```text
 * value      --a--b--c--d--
 * notifier   -x---x---|
 *              takeUntilComplete(notifier$)
 * out        --a--b--c|
 * ```
 *
 * @example
 * import { interval, of } from 'rxjs';
 * import { takeUntilComplete } from './takeUntilComplete.js';
 *
 * interval(1000).pipe(takeUntilComplete(of('x'))).subscribe({ complete: () => console.log('complete') }); // 'complete'
 */
export const takeUntilComplete = <T>(notifier$: Observable<unknown>): MonoTypeOperatorFunction<T> =>
  takeUntil(notifier$.pipe(ignoreElements(), endWith(null)));
