import type { Message } from '../../streams/client/index.js';
import { recently } from './recently.js';

/** The newest times that keys gave, to be kept now and then. */
export interface NewestTimes {
  readonly take: (message: Pick<Message, 'key' | 'time'>) => void;
  /** Whether there is something to keep, and that was not done for a minute. */
  readonly isDue: () => boolean;
  readonly all: () => ReadonlyMap<string, number>;
}

/** How often, in ms, times are due at most. */
const EVERY_MS = 60_000;

/** Of how many keys the times are followed. */
const KEYS = 8192;

/** Follows the newest time of each key, in ms since 1970, from those that are known before. */
export const newestTimes = (
  before: ReadonlyMap<string, number>,
  now: () => number = Date.now,
): NewestTimes => {
  const newest = recently(KEYS, before);
  let keptAt = now();
  let isNew = false;

  return {
    take: ({ key, time }) => {
      // A clock that is ahead must not make old what its owner says afterwards.
      const ms = Math.min(time, now());
      const last = newest.get(key);
      if (last !== undefined && ms <= last) return;
      newest.set(key, ms);
      isNew = true;
    },
    isDue: () => {
      if (!isNew || Math.abs(now() - keptAt) < EVERY_MS) return false;
      keptAt = now();
      isNew = false;
      return true;
    },
    all: () => new Map(newest.entries()),
  };
};
