import type { Retention } from './retention.js';
import { bytesFor, largestRooms, levelFor } from './share.js';
import type { Store } from './store.js';
import { cutLargest } from './sweepLargest.js';
import { lookAtRooms } from './sweepRooms.js';

/** What a sweep removed, and why: too old, or too much over all rooms. */
export interface Removed {
  readonly type: 'removed';
  readonly reason: 'age' | 'total';
  readonly rooms: number;
  readonly entries: number;
  readonly bytes: number;
}

/** So many rooms that had been empty for long are not known any more. Who comes back to one finds a new log. */
export interface Forgotten {
  readonly type: 'forgotten';
  readonly rooms: number;
}

export interface SweepOptions {
  readonly store: Store;
  readonly keep: Retention;
  /** The machine's time in ms since 1970. */
  readonly now: () => number;
  /** The time by which entries are too old; `undefined` if it is not known yet, and then none are. */
  readonly time: () => number | undefined;
  /** Called whenever entries of rooms went, or rooms. */
  readonly onTrimmed: () => void;
  readonly onEvent: (event: Removed | Forgotten) => void;
  /** Called once all rooms were seen: how many there are, and the newest of the times that their oldest entries have. */
  readonly onCounted: (rooms: number, newest: number) => void;
  /** Whether the store has as many rooms as it takes. */
  readonly isFull: () => boolean;
}

/** What a sweep waits for before it goes on: the next turn of the event loop, or the next tick. */
export type Pause = 'turn' | 'tick';

/** As many of the largest rooms are found at a time. */
const LARGEST = 1000;

/**
 * Removes what is too old, then what is too much over all rooms, and forgets rooms that were empty for long. It holds a page
 * of rooms and the largest thousand. Each step is short; between steps batches may be stored. Throws `HistoryError` if the
 * store refuses; what went by then is gone, and the next sweep goes on there.
 */
export function* sweep(options: SweepOptions): Generator<Pause, void> {
  const { store, keep, onCounted } = options;
  const { total: most = Infinity } = keep;
  const before = store.transactions();
  for (let isAgain = true; isAgain;) {
    const largest = largestRooms(LARGEST);
    const { rooms, bytes, newest } = yield* lookAtRooms(options, largest.add);
    onCounted(rooms, newest);
    const allowed = bytesFor(most, rooms);
    const excess = bytes - allowed;
    if (excess <= 0) break;
    const { sizes, isLimited } = largest;
    // If the largest thousand have too little to give, they are cut to an equal share, and others follow.
    const gone = yield* cutLargest(options, sizes, levelFor(sizes, excess, Math.floor(allowed / rooms)));
    isAgain = gone > 0 && gone < excess && isLimited;
  }
  // A full disk would otherwise stay full, since no batch could be stored that makes use of this possible.
  if (store.transactions() !== before) store.reuse();
}
