import type { RoomState } from './record.js';
import type { Removed } from './sweep.js';

/** Adds up what is removed for a reason. */
export interface Tally {
  /** Counts the entries that a room lost; of one that lost some before, as `isSame`. */
  add(before: RoomState, after: RoomState, isSame: boolean): void;
  /** How many bytes of entries went so far. */
  readonly bytes: number;
  /** Reports it, unless it is nothing. */
  report(): void;
}

export const tally = (reason: Removed['reason'], onEvent: (event: Removed) => void): Tally => {
  let [rooms, entries, bytes] = [0, 0, 0];
  return {
    add: (before, after, isSame) => {
      if (after.first === before.first) return;
      if (!isSame) rooms += 1;
      entries += after.first - before.first;
      bytes += after.start - before.start;
    },
    get bytes() {
      return bytes;
    },
    report: () => {
      if (entries > 0) onEvent({ type: 'removed', reason, rooms, entries, bytes });
    },
  };
};
