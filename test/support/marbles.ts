import { expect } from '@jest/globals';
import { type RunHelpers, TestScheduler } from 'rxjs/testing';

/**
 * Runs a drawing on a clock of its own; what was drawn as expected is compared once the callback has returned. A timer
 * of `Infinity` ms never comes, and is not waited for.
 */
export const marbles = (draw: (helpers: RunHelpers) => void): void => {
  const scheduler = new TestScheduler((actual, expected) => {
    expect(actual).toStrictEqual(expected);
  });
  scheduler.run((helpers) => {
    scheduler.maxFrames = Number.MAX_SAFE_INTEGER;
    draw(helpers);
  });
};
