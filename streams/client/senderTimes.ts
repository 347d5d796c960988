import type { Resume, Welcome } from '../wire/handshake.js';
import type { Envelope } from './envelope.js';

/** What the time that a sender gives says of its message. Both are missing if the time is as it should be. */
export interface Timing {
  /** This key has said something later before: the message was held back, or a member put it in again. */
  readonly old?: true;
  /**
   * How far the time of the sender is from the clock of this client, in ms, positive if it is ahead: there if the message
   * came just now and the two differ by more than five minutes.
   */
  readonly timeDifferenceMs?: number;
}

export interface SenderTimesOptions {
  /** The newest time of each key in earlier runs, in ms since 1970. */
  readonly newestTimeMs?: ReadonlyMap<string, number> | undefined;
  /** The position up to which an earlier run has read. */
  readonly after?: Resume | undefined;
  /** The clock, in ms since 1970. */
  readonly now: () => number;
  /** How many keys are remembered besides those of earlier runs. */
  readonly keep?: number;
}

/** Follows the times of all senders. */
export interface SenderTimes {
  /** Takes note of a connection: what came before it is no news. */
  enter(welcome: Pick<Welcome, 'log' | 'next' | 'from'>): void;
  /** Takes the time of a message at a position. */
  take(envelope: Pick<Envelope, 'key' | 'time'>, position: number): Timing;
}

/** Clocks of two devices of one person may differ by so much, in ms, and so may their ways to the relay. */
const OLD_MS = 60_000;
/** A difference from this client's clock that is worth telling, in ms. */
const FAR_MS = 300_000;
const KEPT = 4096;

/**
 * Compares the time of each message with the newest time of its key, and with the clock of this client.
 *
 * Times of earlier runs count for what those runs have not read: history that is read again is no older than it was. A
 * time that is ahead of this client's clock counts as that clock's, so that a sender whose clock was wrong once is not old
 * for ever.
 *
 * ```text
 * time of bob   100   40         160   101
 * take          -     old        -     -      (within a minute)
 * ```
 *
 * @example
 * import { senderTimes } from 'rxchat/streams';
 *
 * const times = senderTimes({ now: () => 1_000_000, newestTimeMs: new Map([['K1', 900_000]]) });
 * times.enter({ log: 'log', next: 8, from: 8 });
 * console.log(times.take({ key: 'K1', time: 500_000 }, 9)); // { old: true, timeDifferenceMs: -500000 }
 */
export const senderTimes = ({
  newestTimeMs = new Map(),
  after,
  now,
  keep = KEPT,
}: SenderTimesOptions): SenderTimes => {
  const newest = new Map<string, number>();
  /** Up to where earlier runs have read, and up to where the log was there when this connection began. */
  let readBefore: number | undefined;
  let next = 1;

  const remember = (key: string, time: number) => {
    newest.delete(key);
    newest.set(key, time);
    for (const oldest of newest.keys()) {
      if (newest.size <= keep) break;
      newest.delete(oldest);
    }
  };

  return {
    enter: ({ log, next: end, from }) => {
      next = end;
      readBefore ??= after?.log === log && from > after.n ? after.n : end - 1;
    },
    take: ({ key, time }, position) => {
      const clock = now();
      const ofEarlier = position > (readBefore ?? 0) ? newestTimeMs.get(key) : undefined;
      const last = Math.max(newest.get(key) ?? 0, ofEarlier ?? 0);
      const difference = time - clock;
      remember(key, Math.max(newest.get(key) ?? 0, Math.min(time, clock)));
      return {
        ...(time < last - OLD_MS && { old: true }),
        ...(position >= next && Math.abs(difference) > FAR_MS && { timeDifferenceMs: difference }),
      };
    },
  };
};
