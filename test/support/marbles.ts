import { expect } from '@jest/globals';
import type { RunHelpers } from 'rxjs/testing';
import { marbles as run, type MarblesOptions } from '../../src/testing/marbles.js';

/** Runs the drawings of `rxchat/testing`, with jest's comparison. */
export const marbles = (draw: (helpers: RunHelpers) => void, options: Partial<MarblesOptions> = {}): void => {
  run(draw, {
    equal: (actual, expected) => {
      expect(actual).toStrictEqual(expected);
    },
    ...options,
  });
};
