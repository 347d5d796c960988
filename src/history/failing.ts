import { HistoryError, isFull, reasonOf } from './errors.js';

/** How often, and since when, nothing could be stored; times by a clock that nobody sets, in ms. */
export interface Failing {
  readonly since: number;
  readonly times: number;
}

/** As many transactions in a row have to fail, and for as long, before a store is given up. */
const TIMES = 3;
const FOR_MS = 30_000;

/** What is known after a transaction: nothing after one that was stored, or one for which there is no room. */
export const failing = (before: Failing | undefined, error: unknown, now: number): Failing | undefined =>
  error === undefined || isFull(error)
    ? undefined
    : { since: before?.since ?? now, times: (before?.times ?? 0) + 1 };

/** Whether a store is to be given up. A full disk is waited for, since readers can be served meanwhile. */
export const isHopeless = (state: Failing | undefined, now: number): boolean =>
  state !== undefined && state.times >= TIMES && now - state.since >= FOR_MS;

/** What a store ends with that is given up. */
export const failed = (dir: string, cause: unknown): HistoryError =>
  new HistoryError(
    'failed',
    `the history in ${dir} can store nothing any more: ${reasonOf(causeOf(cause))}`,
    {
      cause,
    },
  );

const causeOf = (error: unknown): unknown =>
  error instanceof HistoryError && error.cause !== undefined ? error.cause : error;
