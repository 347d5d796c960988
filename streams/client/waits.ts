import { backoff } from './backoff.js';

/** The longest wait that a peer may ask for, in ms: an hour. A timer has a limit too, and runs at once beyond it. */
const LONGEST = 3_600_000;

/** For so many ms of waiting a peer that said when to come back is taken for one that restarts. */
const RESTART = 5000;

/** How long to wait before the next attempt. */
export interface Waits {
  /** In ms; `asked` is what the peer asked for as it ended the link, 0 where it asked for nothing. */
  readonly next: (asked: number) => number;
  /** A link has shown to be stable: the next wait is a short one again. */
  readonly reset: () => void;
}

/**
 * The waits between the attempts of one client: `backoff`, or what the peer asked for and up to half as much again, so that
 * not all come back together.
 *
 * Who restarts may take longer than it said. So for some seconds it is called upon at the pace that it asked for, and
 * only then at one that slackens: who is back within 5 s has its clients within another 1.5 s, had it asked for 1 s.
 */
export const waits = ({ random }: { /** 0 <= x < 1 */ readonly random: () => number }): Waits => {
  const slackening = backoff({ random });
  const spread = (ms: number) => ms * (1 + random() / 2);
  let grown = 0;
  let pace = 0;
  let restarting = 0;

  const unasked = (): number => {
    const wait = slackening(grown);
    // Never faster than a first attempt, whatever it asked for.
    const asAsked = restarting > 0 ? Math.max(slackening(0), spread(pace)) : Infinity;
    if (wait <= asAsked) grown += 1;
    return Math.min(wait, asAsked);
  };

  return {
    next: (asked) => {
      if (asked > 0) {
        pace = Math.min(asked, LONGEST);
        restarting = RESTART;
        grown += 1;
      }
      const wait = Math.round(asked > 0 ? spread(pace) : unasked());
      restarting -= wait;
      return wait;
    },
    reset: () => {
      grown = 0;
    },
  };
};
