import type { Freshness, Unopened } from '../../streams/client/index.js';

/** How far a clock may be ahead, in seconds: the specification's choice. */
const CLOCK_SKEW = 60;

/** Whether a token's time is acceptable; what is wrong with it otherwise. */
export const staleness = (time: number, freshness: Freshness | undefined): Unopened | undefined => {
  if (freshness === undefined) return undefined;
  if (time + freshness.ttl < freshness.now) return 'expired';
  return time > freshness.now + CLOCK_SKEW ? 'from the future' : undefined;
};
