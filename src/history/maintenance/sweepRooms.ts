import type { RoomState } from '../layout/records.js';
import type { Store } from '../store/store.js';
import { isEmpty, type Retention, sizeInBytes, trim, type RoomSize } from './retention.js';

/** Adds up what is removed for one reason. */
export interface RemovalCounter {
  /** Counts the entries that a room lost. `isSame`: the room was counted before. */
  add(before: RoomState, after: RoomState, isSame: boolean): void;
  /** Bytes of entries removed so far. */
  readonly bytes: number;
  /** Reports the totals unless nothing was removed. */
  report(): void;
}

export const removalCounter = (
  reason: Removed['reason'],
  onEvent: (event: Removed) => void,
): RemovalCounter => {
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

/** Reports what a sweep removed, because of its age or of the total limit. */
export interface Removed {
  readonly type: 'removed';
  readonly reason: 'age' | 'total';
  readonly rooms: number;
  readonly entries: number;
  readonly bytes: number;
}

/** Reports the number of rooms that were removed after being empty for long. A returning member gets a new log. */
export interface Forgotten {
  readonly type: 'forgotten';
  readonly rooms: number;
}

export interface SweepOptions {
  readonly store: Store;
  readonly retention: Retention;
  /** System time in ms since 1970. */
  readonly now: () => number;
  /** Returns the retention time in ms, or `undefined` if it is unknown and nothing expires. */
  readonly retentionTime: () => number | undefined;
  /** Called after entries or rooms were removed. */
  readonly onTrimmed: () => void;
  readonly onEvent: (event: Removed | Forgotten) => void;
  /** Called once per pass with the number of rooms, and the newest of the times of their oldest entries. */
  readonly onAllRoomsVisited: (rooms: number, newest: number, bytes: number) => void;
  /** Whether the store accepts no new room. */
  readonly isFull: () => boolean;
}

/** What a sweep waits for before its next step: the next tick of the event loop, or the next interval. */
export type Pause = 'turn' | 'tick';

/** How long a room without entries is remembered, in ms. Within a week its members return to the same log. */
export const EMPTY_ROOM_TTL_MS: number = 7 * 86_400_000;

/** Number of rooms that are inspected per step. */
const ROOMS_PER_STEP = 500;

/** Number of rooms that are inspected per interval, which takes some tenths of a second. */
const ROOMS_PER_INTERVAL = 20_000;

/**
 * Maximum number of records that are removed per step. Each may be on a page of its own, and all have to fit
 * into `ReservedSpace`.
 */
export const MAX_RECORDS_PER_STEP: number = 100;

/** Totals of all rooms after expired entries were removed. */
export interface RoomTotals {
  readonly rooms: number;
  readonly bytes: number;
  /** The newest of the times of the oldest entries of all rooms, in ms since 1970. */
  readonly newest: number;
}

/**
 * Visits all rooms in key order and removes expired entries and rooms that were empty for long. Calls `onRoom`
 * with each room that has entries left.
 */
export function* sweepRooms(
  { store, retention, now, retentionTime, onTrimmed, onEvent, isFull }: SweepOptions,
  onRoom: (size: RoomSize) => void,
): Generator<Pause, RoomTotals> {
  const cutoff = (retentionTime() ?? -Infinity) - (retention.maxAgeMs ?? Infinity);
  const removed = removalCounter('age', onEvent);
  let [rooms, bytes, newest, forgotten] = [0, 0, 0, 0];
  /** The last cleared room, which may have more to remove. */
  let last = '';

  const isDue = (state: RoomState): boolean => {
    if (!isEmpty(state)) return state.oldest < cutoff;
    const since = now() - state.oldest;
    // A time ahead of the clock, or missing in an older store, cannot be used.
    return state.oldest === 0 || since < 0 || since >= EMPTY_ROOM_TTL_MS || isFull();
  };

  const count = (room: string, state: RoomState) => {
    rooms += 1;
    if (isEmpty(state)) return;
    newest = Math.max(newest, state.oldest);
    bytes += sizeInBytes(state);
    onRoom({ room, bytes: sizeInBytes(state) });
  };

  /** Removes at most `most` expired records of a room. Call it inside `write`. */
  const clearRoom = (room: string, most: number): ClearedRoom => {
    const state = store.room(room);
    if (state === undefined) return { cost: 1 };
    if (!isEmpty(state)) {
      const cut = trim(store, room, state, ({ oldest }) => oldest < cutoff, most);
      const left = isEmpty(cut.state) ? { ...cut.state, oldest: now() } : cut.state;
      if (cut.removed > 0) store.putRoom(room, left);
      return { cost: Math.max(1, cut.removed), before: state, after: left };
    }
    const isKnownSince = state.oldest !== 0 && state.oldest <= now();
    if (isKnownSince && store.positions(room, 0, 1).length === 0) {
      store.removeRoom(room);
      return { cost: 1, before: state };
    }
    const left = { ...state, oldest: now() };
    store.putRoom(room, left);
    return { cost: 1, before: state, after: left };
  };

  /** Clears as many rooms as fit into a transaction. */
  const clearBatch = (due: string[]) => {
    const done: (ClearedRoom & { readonly room: string })[] = [];
    store.write(() => {
      for (let left = MAX_RECORDS_PER_STEP, at = due.length - 1; left > 0 && at >= 0; at -= 1) {
        const room = due[at] ?? '';
        const cleared = clearRoom(room, left);
        left -= cleared.cost;
        done.push({ ...cleared, room });
      }
    });
    for (const { room, before: was, after } of done) {
      if (was !== undefined && after !== undefined) removed.add(was, after, room === last);
      last = room;
      if (was !== undefined && after === undefined) forgotten += 1;
      // A room with more expired records is cleared further in the next step.
      if (after !== undefined && !isEmpty(after) && after.oldest < cutoff) continue;
      due.pop();
      if (after !== undefined) count(room, after);
    }
    onTrimmed();
  };

  try {
    let after: string | undefined;
    for (let visited = 0; ;) {
      const page = store.rooms(after, ROOMS_PER_STEP);
      const due: string[] = [];
      for (const { room, state } of page) {
        if (state === undefined) rooms += 1;
        else if (isDue(state)) due.push(room);
        else count(room, state);
      }
      while (due.length > 0) {
        yield 'turn';
        clearBatch(due);
      }
      after = page.at(-1)?.room;
      visited += page.length;
      if (page.length < ROOMS_PER_STEP) return { rooms, bytes, newest };
      yield visited % ROOMS_PER_INTERVAL === 0 ? 'tick' : 'turn';
    }
  } finally {
    removed.report();
    if (forgotten > 0) onEvent({ type: 'forgotten', rooms: forgotten });
  }
}

/** Result of clearing a room. No `after` if it was forgotten, no `before` if it did not exist. */
interface ClearedRoom {
  /** Number of removed records, or the equivalent effort. */
  readonly cost: number;
  readonly before?: RoomState;
  readonly after?: RoomState;
}
