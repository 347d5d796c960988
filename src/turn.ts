import { Observable, type Subscriber } from 'rxjs';

/** Those who wait for the end of this turn. */
let waiting = new Set<Subscriber<void>>();
let immediate: NodeJS.Immediate | undefined;

const end = () => {
  const all = waiting;
  // Who waits again while this turn ends waits for the next one.
  waiting = new Set();
  immediate = undefined;
  for (const subscriber of all) {
    subscriber.next();
    subscriber.complete();
  }
};

/**
 * Emits and completes once this turn of the event loop is over and all that had arrived was read: a `setImmediate`, one for
 * all rooms. Unsubscribing cancels it.
 */
export const endOfTurn$: Observable<void> = new Observable((subscriber) => {
  waiting.add(subscriber);
  immediate ??= setImmediate(end);
  return () => {
    if (!waiting.delete(subscriber) || waiting.size > 0) return;
    clearImmediate(immediate);
    immediate = undefined;
  };
});
