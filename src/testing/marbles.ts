import type { SchedulerAction, Subscription } from 'rxjs';
import { type RunHelpers, TestScheduler } from 'rxjs/testing';

export interface MarblesOptions {
  /** Compares the actual with the expected events and throws if they differ: `toEqual` of your test framework. */
  readonly equal: (actual: unknown, expected: unknown) => void;
  /**
   * When virtual time stops, in ms. An endless timer, as every room has, needs this or an unsubscription in the
   * drawing.
   */
  readonly untilMs?: number;
}

const NOTHING_DUE = 'Expected a due immediate or interval';

/**
 * RxJS throws if a timer cancels an earlier one of the same frame and nothing is left to do. That is not an
 * error.
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
 * Runs a marble test on its own clock and compares after the callback has returned. No real time passes.
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
  { equal, untilMs = Number.MAX_SAFE_INTEGER }: MarblesOptions,
): void => {
  const scheduler = new Clock(equal);
  scheduler.run((helpers) => {
    // A timer of `Infinity` ms never fires and must not be waited for.
    scheduler.maxFrames = untilMs;
    draw(helpers);
  });
};
