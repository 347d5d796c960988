import { Observable } from 'rxjs';

/** Number of fetches that run at the same time. */
const MAX_FETCHES = 16;

/**
 * Limits how many rooms of a relay read their past at the same time, and so the memory for what is arriving. The others wait
 * in order; each room waits at most once.
 */
export class FetchQueue {
  #running = 0;
  readonly #waiting = new Set<() => void>();

  /** Whether another fetch waits for one to end. */
  get isFull(): boolean {
    return this.#waiting.size > 0;
  }

  /** Mirrors a fetch, which is subscribed as soon as fewer than 16 run. */
  run<T>(fetch$: Observable<T>): Observable<T> {
    return new Observable((subscriber) => {
      let isRunning = false;
      const start = () => {
        isRunning = true;
        this.#running += 1;
        subscriber.add(fetch$.subscribe(subscriber));
      };
      subscriber.add(() => {
        this.#waiting.delete(start);
        if (!isRunning) return;
        this.#running -= 1;
        const [next] = this.#waiting;
        if (next === undefined) return;
        this.#waiting.delete(next);
        next();
      });
      if (this.#running < MAX_FETCHES) start();
      else this.#waiting.add(start);
    });
  }
}
