import { merge, type Observable, Subscription, tap } from 'rxjs';
import type { Door } from './door.js';

/** What all doors hear at the same time: half a heartbeat is over, or the relay stops. */
export interface Signs {
  readonly tick$: Observable<unknown>;
  readonly stop$: Observable<unknown>;
}

/**
 * The doors that are there, and one timer for all of them, while there are any: `share`, were it not for the KiB that a
 * subscriber of it takes.
 */
export class Doors {
  readonly #signs$: Observable<unknown>;
  readonly #there = new Set<Door>();
  #hearing = Subscription.EMPTY;

  constructor({ tick$, stop$ }: Signs) {
    this.#signs$ = merge(
      stop$.pipe(
        tap(() => {
          for (const door of this.#there) door.stop();
        }),
      ),
      tick$.pipe(
        tap(() => {
          for (const door of this.#there) door.tick();
        }),
      ),
    );
  }

  add(door: Door): void {
    this.#there.add(door);
    if (this.#there.size > 1) return;
    const hearing = new Subscription();
    this.#hearing = hearing;
    // The relay may have stopped already: then the door is gone, and this closed, within the call.
    hearing.add(
      this.#signs$.subscribe({
        error: (error: unknown) => {
          for (const each of this.#there) each.error(error);
        },
      }),
    );
  }

  remove(door: Door): void {
    this.#there.delete(door);
    if (this.#there.size === 0) this.#hearing.unsubscribe();
  }
}
