import { concat, defer, type Observable, Subject } from 'rxjs';

/** A queue whose values go to one subscriber. */
export interface BufferUntilSubscribed<T> {
  readonly push: (value: T) => void;
  /** Emits what was pushed before the subscription, then what is pushed. For one subscriber at a time. */
  readonly value$: Observable<T>;
}

/** Creates a queue that buffers values until there is a subscriber. It has no limit: the caller keeps one. */
export const bufferUntilSubscribed = <T>(): BufferUntilSubscribed<T> => {
  const queue: T[] = [];
  const values = new Subject<T>();

  const drain = function* (): Generator<T> {
    // A value that is pushed during the drain joins the queue.
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) yield next;
  };

  return {
    push: (value) => {
      if (values.observed) values.next(value);
      else queue.push(value);
    },
    value$: concat(defer(drain), values),
  };
};
