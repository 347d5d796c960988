import { expect } from '@jest/globals';
import { type RunHelpers, TestScheduler } from 'rxjs/testing';

/** Runs a drawing on a clock of its own; what was drawn as expected is compared once the callback has returned. */
export const marbles = (draw: (helpers: RunHelpers) => void): void => {
  new TestScheduler((actual, expected) => {
    expect(actual).toStrictEqual(expected);
  }).run(draw);
};
