import { Observable, type Subscriber } from 'rxjs';

/** Subscribers that wait for the end of this tick. */
let subscribers = new Set<Subscriber<void>>();
let immediate: NodeJS.Immediate | undefined;

const flush = () => {
  const current = subscribers;
  // A subscriber added meanwhile waits for the next tick.
  subscribers = new Set();
  immediate = undefined;
  for (const subscriber of current) {
    subscriber.next();
    subscriber.complete();
  }
};

/**
 * Emits and completes at the end of this tick of the event loop, after all received data was read. Uses one
 * `setImmediate` for all rooms. Unsubscribing cancels it.
 */
export const endOfTick$: Observable<void> = new Observable((subscriber) => {
  subscribers.add(subscriber);
  immediate ??= setImmediate(flush);
  return () => {
    if (!subscribers.delete(subscriber) || subscribers.size > 0) return;
    clearImmediate(immediate);
    immediate = undefined;
  };
});
