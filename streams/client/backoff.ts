/** What the first wait is at least, and what the last ones are at least, in ms; each is at most twice that. */
const FIRST = 500;
const LAST = 15_000;

/**
 * How long to wait before trying again, in ms, by how many attempts have failed before (from 0).
 *
 * It doubles from half a second to a quarter of a minute, and up to as much again comes on top at random: always within
 * 500 and 30 000 ms, and clients that lost their relay together do not all come back together.
 *
 * @example
 * import { backoff } from 'rxchat/streams';
 *
 * const wait = backoff({ random: () => 0.5 });
 * console.log([0, 1, 2, 9].map(wait)); // [750, 1500, 3000, 22500]
 */
export const backoff =
  ({ random }: { /** 0 <= x < 1 */ random: () => number }): ((attempt: number) => number) =>
  (attempt) =>
    Math.min(LAST, FIRST * 2 ** attempt) * (1 + random());
