import { concat, defer, type Observable, Subject } from 'rxjs';

/** Where what is posted waits until somebody reads. */
export interface Mailbox<T> {
  readonly post: (value: T) => void;
  /** What waits, then what comes. For one reader. */
  readonly letter$: Observable<T>;
}

/** It has no limit of its own: who posts keeps one. */
export const mailbox = <T>(): Mailbox<T> => {
  const queue: T[] = [];
  const posted = new Subject<T>();

  const waiting = function* (): Generator<T> {
    // What is posted meanwhile queues up behind.
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) yield next;
  };

  return {
    post: (value) => {
      if (posted.observed) posted.next(value);
      else queue.push(value);
    },
    letter$: concat(defer(waiting), posted),
  };
};
