import type { RootDatabase } from 'lmdb';
import { dataFile } from '../layout/directory.js';
import { damagedError, HistoryError, historyError } from '../layout/errors.js';
import {
  parseRecordPosition,
  parseRoomKey,
  recordKey,
  ROOM_KEYS_END,
  ROOM_KEYS_START,
  roomKey,
  VERSION_KEY,
  roomLabel,
} from '../layout/keys.js';
import {
  decodeHead,
  decodeRoom,
  encodeHead,
  encodeRoom,
  type RoomState,
  type RetentionClock,
  type StoreHead,
} from '../layout/records.js';
import type { KeyValue } from '../layout/pages.js';
import { type ReservedSpace, reserveSpace } from './reserveSpace.js';

/** A record as stored, with its first position. */
export interface StoredRecord {
  readonly key: Uint8Array;
  readonly position: number;
  readonly value: Uint8Array;
}

/** A room of the store; no state if its record is damaged. */
export interface StoredRoom {
  readonly room: string;
  readonly state: RoomState | undefined;
}

/**
 * The lmdb database in terms of rooms and records. All methods are synchronous and throw `HistoryError`.
 * Returned values are copies.
 */
export interface Store {
  readonly dir: string;
  /** Returns the state of a room. Throws if it is damaged. */
  room(room: string): RoomState | undefined;
  /** Returns at most `limit` rooms in key order, after a room or from the first on. */
  rooms(after: string | undefined, limit: number): readonly StoredRoom[];
  /** Returns the first positions of at most `limit` records of a room, starting at `from`. */
  positions(room: string, from: number, limit: number): readonly number[];
  /** Returns the first position of the last record that starts at or before a position. */
  positionBefore(room: string, position: number): number | undefined;
  record(room: string, position: number): StoredRecord | undefined;
  /** Iterates over the records of a room that start at a position or later. The iteration can be ended early. */
  records(room: string, from: number): Iterable<StoredRecord>;
  /** Returns the version record. */
  version(): Uint8Array | undefined;
  /** Iterates over all values in key order. */
  all(): Iterable<KeyValue>;
  /**
   * Runs `action` in a durable transaction: all of it is stored or nothing. `bytes` estimates its size. Call
   * `put` and `remove` only inside.
   */
  write(action: () => void, bytes?: number): void;
  put(key: Uint8Array, value: Uint8Array): void;
  putRoom(room: string, state: RoomState): void;
  removeRecord(room: string, position: number): void;
  removeRoom(room: string): void;
  /** Returns what the store says about itself. Throws if that is damaged. */
  head(): StoreHead;
  putHead(head: StoreHead): void;
  /** Returns the retention clock, or `undefined` if none was stored. */
  clock(): RetentionClock | undefined;
  putClock(clock: RetentionClock): void;
  /** Makes the pages that the last transaction freed reusable. lmdb requires one more transaction for that. */
  reclaim(): void;
  /** Returns the number of the last transaction. */
  lastTransaction(): number;
  /** Whether it can be read. After some failures it has to be opened again. */
  isUsable(): boolean;
  close(): void;
}

const MAX_POSITION = Number.MAX_SAFE_INTEGER;

/** An open lmdb database. */
export type Lmdb = RootDatabase<Uint8Array, Uint8Array>;

/**
 * Wraps an open lmdb database as a store.
 *
 * @param reopen opens it again with a map of this many bytes, if it writes through the map.
 */
export const createStore = (dir: string, initial: Lmdb, reopen?: (mapSize: number) => Lmdb): Store => {
  const path = dataFile(dir);
  let lmdb: Lmdb | undefined = initial;
  const database = (): Lmdb => {
    if (lmdb === undefined)
      throw new HistoryError('failed', `the history in ${dir} could not be opened again`);
    return lmdb;
  };
  const attemptRead = <T>(action: () => T): T => attempt(path, 'unreadable', action);

  const positions = (room: string, from: number, limit: number) =>
    attemptRead(() =>
      Array.from(
        database().getKeys({ start: recordKey(room, from), end: recordKey(room, MAX_POSITION), limit }),
        parseRecordPosition,
      ),
    );

  const stats = () =>
    database().getStats() as { pageSize: number; lastPageNumber: number; lastTxnId: number };
  /** Returns the end of the last page that was ever used. */
  const end = () => {
    const { pageSize, lastPageNumber } = stats();
    return (lastPageNumber + 1) * pageSize;
  };

  const head = (): StoreHead =>
    attemptRead(() => {
      const value = database().getBinary(VERSION_KEY);
      const decoded = value && decodeHead(VERSION_KEY, value);
      if (decoded === undefined) throw damagedError(dir, 'its version record is missing or was changed');
      return decoded;
    });
  const putHead = (value: StoreHead) => {
    database().putSync(VERSION_KEY, encodeHead(VERSION_KEY, value));
  };

  // Opened by the first write, since a reader may lack the permission.
  let space: ReservedSpace | undefined;
  /** Size that lmdb may write to, in bytes. At first the file has no spare space. */
  let mapSize = 0;
  const write = (action: () => void, bytes = 0) => {
    attempt(path, 'unwritable', () => {
      space ??= reserveSpace(dir, end);
      space.reserve(bytes);
      if (reopen !== undefined && mapSize < space.end) {
        void database().close();
        // The closed database must not be used, even if opening fails.
        lmdb = undefined;
        mapSize = space.end;
        lmdb = reopen(mapSize);
      }
      database().transactionSync(action);
    });
  };

  return {
    dir,
    room: (room) =>
      attemptRead(() => {
        const key = roomKey(room);
        const value = database().getBinary(key);
        const state = value && decodeRoom(key, value);
        if (value !== undefined && state === undefined)
          throw damagedError(dir, `${roomLabel(room)}, its own record was changed`);
        // Otherwise a room that lost its own record would look empty.
        if (state === undefined && positions(room, 0, 1).length > 0)
          throw damagedError(dir, `${roomLabel(room)}, its own record is missing`);
        return state;
      }),
    rooms: (after, limit) =>
      attemptRead(() => {
        const start = after === undefined ? ROOM_KEYS_START : roomKey(after);
        const range = database().getRange({
          start,
          end: ROOM_KEYS_END,
          limit,
          exclusiveStart: after !== undefined,
        });
        return Array.from(range, ({ key, value }) => ({
          room: parseRoomKey(key),
          state: decodeRoom(key, value),
        }));
      }),
    positions,
    positionBefore: (room, position) =>
      attemptRead(() => {
        const [key] = database().getKeys({
          start: recordKey(room, position),
          end: recordKey(room, 0),
          reverse: true,
          limit: 1,
        });
        return key === undefined ? undefined : parseRecordPosition(key);
      }),
    record: (room, position) =>
      attemptRead(() => {
        const key = recordKey(room, position);
        const value = database().getBinary(key);
        return value === undefined ? undefined : { key, position, value };
      }),
    *records(room, from) {
      try {
        for (const { key, value } of database().getRange({
          start: recordKey(room, from),
          end: recordKey(room, MAX_POSITION),
        }))
          yield { key, position: parseRecordPosition(key), value };
      } catch (error) {
        throw historyError(error, path, 'unreadable');
      }
    },
    version: () => attemptRead(() => database().getBinary(VERSION_KEY)),
    *all() {
      try {
        for (const { key, value } of database().getRange({})) yield { key, value };
      } catch (error) {
        throw historyError(error, path, 'unreadable');
      }
    },
    write,
    put: (key, value) => {
      database().putSync(key, value);
    },
    putRoom: (room, state) => {
      const key = roomKey(room);
      database().putSync(key, encodeRoom(key, state));
    },
    removeRecord: (room, position) => {
      database().removeSync(recordKey(room, position));
    },
    removeRoom: (room) => {
      database().removeSync(roomKey(room));
    },
    head,
    putHead,
    clock: () => head().clock,
    putClock: (clock) => {
      putHead({ ...head(), clock });
    },
    reclaim: () => {
      write(() => {
        const version = database().getBinary(VERSION_KEY);
        if (version !== undefined) database().putSync(VERSION_KEY, version);
      });
    },
    isUsable: () => {
      try {
        return database().getBinary(VERSION_KEY) !== undefined;
      } catch {
        return false;
      }
    },
    lastTransaction: () => attemptRead(() => stats().lastTxnId),
    close: () => {
      space?.close();
      space = undefined;
      void lmdb?.close();
      lmdb = undefined;
    },
  };
};

const attempt = <T>(path: string, attempted: 'unwritable' | 'unreadable', action: () => T): T => {
  try {
    return action();
  } catch (error) {
    throw historyError(error, path, attempted);
  }
};
