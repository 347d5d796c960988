import { Observable } from 'rxjs';

/**
 * Emits and completes once this turn of the event loop is over and all that had arrived was read: a `setImmediate`.
 * Unsubscribing cancels it.
 */
export const endOfTurn$: Observable<void> = new Observable((subscriber) => {
  const immediate = setImmediate(() => {
    subscriber.next();
    subscriber.complete();
  });
  return () => {
    clearImmediate(immediate);
  };
});
