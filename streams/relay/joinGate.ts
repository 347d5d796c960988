import { type Rate, tokenBucket, UNLIMITED } from './tokenBucket.js';

/** Lets joins in at a rate, and gives each of the others a turn of their own. */
export interface JoinGate {
  /** Whether anybody could be let in now. */
  readonly isOpen: () => boolean;
  /** Lets one in, where one may. */
  readonly tryTake: () => boolean;
  /** In how many ms who was not let in should come back. */
  readonly turn: () => number;
}

/** The longest wait that anybody is asked for, in ms: who comes then finds the crowd gone, or is given another turn. */
const LONGEST_TURN = 60_000;

/**
 * A gate for joins. Those who are sent away are spread over the time that the rate needs for all of them: were they left to
 * come back as they like, a crowd would come many times, and each time costs the relay what it wanted to save.
 *
 * @example
 * import { joinGate } from 'rxchat/streams';
 *
 * const gate = joinGate({ perSecond: 10, burst: 1 }, () => 0);
 * console.log(gate.tryTake(), gate.tryTake(), gate.turn(), gate.turn()); // true false 100 200
 */
export const joinGate = (rate: Rate = UNLIMITED, now?: () => number): JoinGate => {
  const joins = tokenBucket(rate, now);
  const turns = tokenBucket({ ...rate, burst: 0 }, now);
  return {
    isOpen: joins.has,
    tryTake: joins.tryTake,
    turn: () => {
      if (turns.debt() < LONGEST_TURN) turns.take(1);
      return Math.min(turns.debt(), LONGEST_TURN);
    },
  };
};
