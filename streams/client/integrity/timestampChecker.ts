import { lruMap } from '../../rx/lruMap.js';
import { type Resume, sharedPosition } from '../../wire/fields.js';
import type { Welcome } from '../../wire/handshake.js';
import type { Envelope } from '../envelope/envelope.js';

/** What is wrong with the time of a message. Both fields are missing if it is plausible. */
export interface TimeWarning {
  /** The sender has sent a message with a later time before: this message was delayed or replayed. */
  readonly old?: true;
  /** The sender's time minus the clock of this client, in ms, if a new message differs by more than 5 minutes. */
  readonly timeDifferenceMs?: number;
}

export interface TimestampCheckerOptions {
  /** The newest time of each key in earlier runs, in ms since 1970. */
  readonly newestTimeMs?: ReadonlyMap<string, number> | undefined;
  /** The position up to which an earlier run has read. */
  readonly after?: Resume | undefined;
  /** Returns the time of day in ms since 1970. */
  readonly now: () => number;
  /** How many keys are remembered besides those of earlier runs (default 4096). */
  readonly maxKeys?: number;
}

/** Tracks the message times of all senders. */
export interface TimestampChecker {
  /** Handles a new connection. Entries before its end of the log are history. */
  onWelcome(welcome: Pick<Welcome, 'log' | 'next' | 'from' | 'ancestors'>): void;
  /** Checks and records the time of a message. */
  check(envelope: Pick<Envelope, 'key' | 'time'>, position: number): TimeWarning;
}

/** How far the clocks of two devices of a person may differ, in ms. */
const CLOCK_TOLERANCE_MS = 60_000;
/** The smallest difference from the clock of this client that is reported, in ms. */
const REPORTED_DIFFERENCE_MS = 300_000;
const MAX_KEYS = 4096;

/**
 * Compares the time of each message with the newest time of its key and with the clock of this client.
 *
 * Times of earlier runs apply only to entries that those runs have not read. A time ahead of this client's clock counts
 * as the current time. A sender whose clock was wrong once is therefore not marked as old later.
 *
 * ```text
 * time of bob   100   40         160   101
 * check         -     old        -     -      (within a minute)
 * ```
 *
 * @example
 * import { timestampChecker } from './timestampChecker.js';
 *
 * const times = timestampChecker({ now: () => 1_000_000, newestTimeMs: new Map([['K1', 900_000]]) });
 * times.onWelcome({ log: 'log', next: 8, from: 8 });
 * console.log(times.check({ key: 'K1', time: 500_000 }, 9)); // { old: true, timeDifferenceMs: -500000 }
 */
export const timestampChecker = ({
  newestTimeMs = new Map(),
  after,
  now,
  maxKeys = MAX_KEYS,
}: TimestampCheckerOptions): TimestampChecker => {
  const newestByKey = lruMap<string, number>(maxKeys);
  /** The last position that earlier runs have read. */
  let readByEarlierRuns: number | undefined;
  /** The end of the log when this connection began. */
  let next = 1;

  return {
    onWelcome: (welcome) => {
      next = welcome.next;
      const read = Math.min(after?.n ?? 0, sharedPosition(welcome, after?.log) ?? Infinity);
      const isRetained = sharedPosition(welcome, after?.log) !== undefined && welcome.from > read;
      readByEarlierRuns ??= isRetained ? read : next - 1;
    },
    check: ({ key, time }, position) => {
      const nowMs = now();
      const earlierNewest = position > (readByEarlierRuns ?? 0) ? newestTimeMs.get(key) : undefined;
      const newest = newestByKey.get(key) ?? 0;
      const last = Math.max(newest, earlierNewest ?? 0);
      const difference = time - nowMs;
      newestByKey.set(key, Math.max(newest, Math.min(time, nowMs)));
      return {
        ...(time < last - CLOCK_TOLERANCE_MS && { old: true }),
        ...(position >= next &&
          Math.abs(difference) > REPORTED_DIFFERENCE_MS && { timeDifferenceMs: difference }),
      };
    },
  };
};
