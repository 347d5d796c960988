import type { SchedulerAction, Subscription } from 'rxjs';
import { type RunHelpers, TestScheduler } from 'rxjs/testing';

export interface MarblesOptions {
  /** Compares what happened with what was drawn, and throws where they differ: your test framework's `toEqual`. */
  readonly equal: (actual: unknown, expected: unknown) => void;
  /** When time stops, in ms. Whatever has an endless timer, as a room has, needs that or an unsubscription in the drawing. */
  readonly until?: number;
}

const NOTHING_DUE = 'Expected a due immediate or interval';

/**
 * RxJS throws where a timer has stopped another one that was due in the same frame and comes before it: that nothing is
 * left to be done then is no fault.
 */
class Clock extends TestScheduler {
  override schedule<T>(
    work: (this: SchedulerAction<T>, state?: T) => void,
    delay?: number,
    state?: T,
  ): Subscription {
    const guarded = function (this: SchedulerAction<T>, each?: T): void {
      try {
        work.call(this, each);
      } catch (error) {
        if (!(error instanceof Error && error.message === NOTHING_DUE)) throw error;
      }
    };
    return super.schedule(guarded, delay, state);
  }
}

/**
 * Runs a drawing on a clock of its own; what was drawn as expected is compared once the callback has returned. No real
 * time passes, however long it lasts.
 *
 * @example
 * import { deepStrictEqual as equal } from 'node:assert';
 * import { map } from 'rxjs';
 * import { marbles } from 'rxchat/testing';
 *
 * marbles(
 *   ({ cold, expectObservable }) => {
 *     expectObservable(cold('-a 1m b|').pipe(map((glyph) => glyph.toUpperCase()))).toBe('-A 1m B|');
 *   },
 *   { equal },
 * );
 */
export const marbles = (
  draw: (helpers: RunHelpers) => void,
  { equal, until = Number.MAX_SAFE_INTEGER }: MarblesOptions,
): void => {
  const scheduler = new Clock(equal);
  scheduler.run((helpers) => {
    // A timer of `Infinity` ms never comes, and is not waited for.
    scheduler.maxFrames = until;
    draw(helpers);
  });
};
