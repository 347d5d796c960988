import { recordKey } from '../layout/keys.js';
import { decodeEntries, encodeEntries, type RoomState } from '../layout/records.js';
import type { Store } from '../store/store.js';
import { HistoryError } from '../layout/errors.js';

/** Limits of the stored history. Without limits everything is kept. A room loses its oldest entries first. */
export interface Retention {
  /** Maximum age of an entry in ms. A clock that jumps ahead does not age entries. */
  readonly maxAgeMs?: number;
  /** Maximum number of entries per room. The newest record is always kept. */
  readonly maxEntries?: number;
  /** Maximum bytes of entries per room. The newest record is always kept. */
  readonly maxBytes?: number;
  /**
   * Maximum bytes of all rooms together, with 1 KiB per room in addition to its entries. The largest rooms lose
   * entries first, down to a common size that is at least an equal share. A new room is rejected (`full`) if
   * the share would fall below 16 KiB, except among the first 64.
   */
  readonly maxTotalBytes?: number;
}

/** Decides whether the oldest record of a room is removed. `isOnly`: it is the only one. */
export type RetentionPredicate = (state: RoomState, alone: boolean) => boolean;

/** Returns a predicate that is true while a room exceeds its own limits. */
export const exceedsRoomLimits =
  ({ maxEntries = Infinity, maxBytes = Infinity }: Retention): RetentionPredicate =>
  ({ first, next, start, end }, isOnly) =>
    !isOnly && (next - first > maxEntries || end - start > maxBytes);

/** Returns the bytes of entries of a room. */
export const sizeInBytes = ({ start, end }: RoomState): number => end - start;

/** Whether a room has no entries. */
export const isEmpty = ({ first, next }: RoomState): boolean => first >= next;

/** Returns the state of a room with another oldest record, or with none. */
export const withOldestRecord = (
  state: RoomState,
  oldest: { readonly position: number; readonly offset: number; readonly time: number } | undefined,
): RoomState =>
  oldest === undefined
    ? { ...state, first: state.next, start: state.end, oldest: 0 }
    : { ...state, first: oldest.position, start: oldest.offset, oldest: oldest.time };

const NEWLINE = 10;

/**
 * Removes the oldest records of a room while `isExcess` returns true, at most `maxRecords`. Call it inside
 * `write`. Returns the new state, which is not stored yet, and the number of removed records.
 */
export const trim = (
  store: Store,
  room: string,
  state: RoomState,
  isExcess: RetentionPredicate,
  maxRecords: number,
): { readonly state: RoomState; readonly removed: number } => {
  let current = state;
  let removed = 0;
  while (removed < maxRecords && !isEmpty(current) && isExcess(current, false)) {
    const [position, following] = store.positions(room, 0, 2);
    if (!isExcess(current, following === undefined)) break;
    if (position !== undefined) store.removeRecord(room, position);
    current = withOldestRecord(
      current,
      following === undefined ? undefined : readOldest(store, room, following, current),
    );
    removed += 1;
  }
  return { state: current, removed };
};

/**
 * Removes the oldest entries of a room until it has at most `limit` bytes. Call it inside `write`.
 *
 * It removes whole records, and of the last one only as many lines as needed, so that the room keeps the full
 * size. Splitting stores up to a whole record again and requires `canSplit`. Returns the new state, which is
 * not stored yet, and the number of removed records.
 */
export const trimToSize = (
  store: Store,
  room: string,
  state: RoomState,
  { limit, most, canSplit }: { readonly limit: number; readonly most: number; readonly canSplit: boolean },
): { readonly state: RoomState; readonly removed: number } => {
  let current = state;
  let removed = 0;
  while (removed < most && !isEmpty(current) && sizeInBytes(current) > limit) {
    const [position, following] = store.positions(room, 0, 2);
    const without = withOldestRecord(
      current,
      following === undefined ? undefined : readOldest(store, room, following, current),
    );
    const splitOff =
      sizeInBytes(without) < limit
        ? splitRecord(store, room, position, sizeInBytes(current) - limit)
        : undefined;
    if (splitOff !== undefined && !canSplit) break;
    if (splitOff !== undefined) store.put(splitOff.key, splitOff.value);
    if (position !== undefined) store.removeRecord(room, position);
    current = splitOff === undefined ? without : { ...current, first: splitOff.first, start: splitOff.start };
    removed += 1;
  }
  return { state: current, removed };
};

/** Returns a record without its first lines of at least `bytes`, or `undefined` if none would be left. */
const splitRecord = (store: Store, room: string, position: number | undefined, bytes: number) => {
  const record = position === undefined ? undefined : store.record(room, position);
  const entries = record && decodeEntries(record.key, record.value);
  if (record === undefined || entries === undefined) return undefined;
  const { body, count, time, offset } = entries;
  let lines = 0;
  let size = 0;
  for (; size < bytes && lines < count; lines += 1) size = body.indexOf(NEWLINE, size) + 1;
  if (lines === count) return undefined;
  const first = record.position + lines;
  const key = recordKey(room, first);
  const start = offset + size;
  const value = encodeEntries(key, { count: count - lines, time, offset: start }, [body.subarray(size)]);
  return { key, value, first, start };
};

const readOldest = (store: Store, room: string, position: number, { start, oldest }: RoomState) => {
  const record = store.record(room, position);
  const entries = record && decodeEntries(record.key, record.value);
  // Both are unknown for a damaged record, which is treated like the one before it.
  return { position, offset: entries?.offset ?? start, time: entries?.time ?? oldest };
};

/** Bytes that each room costs in addition to its entries: its keys and its part of pages. */
export const ROOM_OVERHEAD_BYTES = 1024;

/** Minimum share in bytes: the total limit divided by the number of rooms. */
const MIN_SHARE_BYTES = 16_384;

/** Number of rooms that a store accepts, however small its total limit is. */
const MIN_ROOMS = 64;

/** Returns the maximum number of rooms for a total limit in bytes. */
export const maxRoomsFor = (total: number): number =>
  Math.max(MIN_ROOMS, Math.floor(total / MIN_SHARE_BYTES));

/** The bytes of entries of a room. */
export interface RoomSize {
  readonly room: string;
  readonly bytes: number;
}

/**
 * Returns the bytes of entries that all rooms may have together. The overhead of rooms takes at most half of
 * the total, so that a store with too many rooms still keeps entries.
 */
export const entryBudget = (total: number, rooms: number): number =>
  total === Infinity ? Infinity : total - Math.min(rooms * ROOM_OVERHEAD_BYTES, total / 2);

/**
 * Returns the size to which the largest rooms are trimmed to remove `excess` bytes together. Smaller rooms lose
 * nothing. The size is as large as possible and never below `minimum`, even if less is removed then.
 *
 * If `excess` is the excess over `entryBudget` and `sizes` has all rooms, the result is at least an equal
 * share.
 *
 * @param sizes sorted, the largest first.
 */
export const trimTarget = (sizes: readonly RoomSize[], excess: number, minimum: number): number => {
  let sum = 0;
  for (const [at, { bytes }] of sizes.entries()) {
    sum += bytes;
    const target = Math.floor((sum - excess) / (at + 1));
    if (target >= Math.max(minimum, sizes[at + 1]?.bytes ?? 0)) return target;
  }
  return minimum;
};

export interface LargestRooms {
  readonly add: (size: RoomSize) => void;
  /** Sorted, the largest first. */
  readonly sizes: readonly RoomSize[];
  /** Whether rooms were dropped. */
  readonly isLimited: boolean;
}

/** Collects the `limit` largest rooms. */
export const largestRooms = (limit: number): LargestRooms => {
  let sizes: RoomSize[] = [];
  let isLimited = false;
  const truncate = () => {
    sizes.sort((a, b) => b.bytes - a.bytes);
    isLimited ||= sizes.length > limit;
    sizes = sizes.slice(0, limit);
  };
  return {
    add: (size) => {
      sizes.push(size);
      if (sizes.length >= 2 * limit) truncate();
    },
    get sizes() {
      truncate();
      return sizes;
    },
    get isLimited() {
      truncate();
      return isLimited;
    },
  };
};

/** Counts the rooms of a store and limits their number. */
export interface RoomLimit {
  /** Throws `HistoryError` (`full`) if the store accepts no new room. */
  checkNewRoom(dir: string): void;
  readonly isFull: boolean;
  increment(): void;
  decrement(): void;
  /** Sets the number after all rooms were counted. */
  setCount(rooms: number): void;
}

/** Creates a limit on the number of rooms. Until all rooms were counted once, it counts the added ones. */
export const roomLimit = (maxRooms: number): RoomLimit => {
  let rooms = 0;
  return {
    checkNewRoom: (dir) => {
      if (rooms >= maxRooms)
        throw new HistoryError('full', `the history in ${dir} has ${rooms} rooms, which is its limit`);
    },
    get isFull() {
      return rooms >= maxRooms;
    },
    increment: () => {
      rooms += 1;
    },
    decrement: () => {
      rooms = Math.max(0, rooms - 1);
    },
    setCount: (count) => {
      rooms = count;
    },
  };
};
