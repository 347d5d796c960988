import type { RootDatabase } from 'lmdb';
import { dataFile, STORE_VERSION } from './directory.js';
import { damaged, HistoryError, historyError } from './errors.js';
import { positionOf, recordKey, roomKey, roomOf, ROOMS_FROM, ROOMS_TO, VERSION_KEY } from './keys.js';
import type { KeyValue } from './pages.js';
import { decodeClock, decodeRoom, encodeRoom, encodeVersion, type RoomState } from './record.js';
import type { RetentionClock } from './retentionClock.js';
import { type Space, spaceIn } from './space.js';
import { nameOf } from './verify.js';

/** A value that begins with a position, as it is stored. */
export interface Stored {
  readonly key: Uint8Array;
  readonly position: number;
  readonly value: Uint8Array;
}

/** A room of the store; no state where its record is damaged. */
export interface StoredRoom {
  readonly room: string;
  readonly state: RoomState | undefined;
}

/** lmdb in our terms. Everything is synchronous and throws `HistoryError`; values that are read are copies. */
export interface Store {
  readonly dir: string;
  /** What is known of a room; throws where that is damaged. */
  room(room: string): RoomState | undefined;
  /** At most so many rooms, in the order of their keys, after one or from the first on. */
  rooms(after: string | undefined, limit: number): readonly StoredRoom[];
  /** The positions that a room's records begin with: at most so many from one on. */
  positions(room: string, from: number, limit: number): readonly number[];
  /** The last position not after another that a record of the room begins with. */
  positionBefore(room: string, position: number): number | undefined;
  record(room: string, position: number): Stored | undefined;
  /** The records of a room that begin with a position or later. Ends well where its reader ends it. */
  records(room: string, from: number): Iterable<Stored>;
  /** The version record. */
  version(): Uint8Array | undefined;
  /** All values, in the order of their keys. */
  all(): Iterable<KeyValue>;
  /** All that it does, some so many bytes, is stored, durably, or nothing. `put` and `remove` are for within. */
  write(action: () => void, bytes?: number): void;
  put(key: Uint8Array, value: Uint8Array): void;
  putRoom(room: string, state: RoomState): void;
  removeRecord(room: string, position: number): void;
  removeRoom(room: string): void;
  /** The clock of retention; `undefined` if none was stored. */
  clock(): RetentionClock | undefined;
  putClock(clock: RetentionClock): void;
  /** Lets what the last transaction freed be used again; lmdb does so only once another one was stored. */
  reuse(): void;
  /** The number of the last transaction. */
  transactions(): number;
  /** Whether it can be read at all; after some failures it cannot, until it is opened again. */
  isUsable(): boolean;
  close(): void;
}

const FARTHEST = Number.MAX_SAFE_INTEGER;

/** An open lmdb. */
export type Lmdb = RootDatabase<Uint8Array, Uint8Array>;

/**
 * An open lmdb as a store.
 *
 * @param reopen opens it again with a map of so many bytes, if it writes by way of that.
 */
export const storeOf = (dir: string, opened: Lmdb, reopen?: (mapSize: number) => Lmdb): Store => {
  const path = dataFile(dir);
  let lmdb: Lmdb | undefined = opened;
  const use = (): Lmdb => {
    if (lmdb === undefined)
      throw new HistoryError('failed', `the history in ${dir} could not be opened again`);
    return lmdb;
  };
  const reading = <T>(action: () => T): T => attempt(path, 'unreadable', action);

  const positions = (room: string, from: number, limit: number) =>
    reading(() =>
      Array.from(
        use().getKeys({ start: recordKey(room, from), end: recordKey(room, FARTHEST), limit }),
        positionOf,
      ),
    );

  const stats = () => use().getStats() as { pageSize: number; lastPageNumber: number; lastTxnId: number };
  /** Where the file's last page that was ever used ends. */
  const end = () => {
    const { pageSize, lastPageNumber } = stats();
    return (lastPageNumber + 1) * pageSize;
  };

  // Opened by the first write: who only reads may not be allowed to.
  let space: Space | undefined;
  /** How far lmdb may write. At first the file has the place of what is in it alone. */
  let mapSize = 0;
  const write = (action: () => void, bytes = 0) => {
    attempt(path, 'unwritable', () => {
      space ??= spaceIn(dir, end);
      space.need(bytes);
      if (reopen !== undefined && mapSize < space.end) {
        void use().close();
        // What is closed must not be used, whatever becomes of the other.
        lmdb = undefined;
        mapSize = space.end;
        lmdb = reopen(mapSize);
      }
      use().transactionSync(action);
    });
  };

  return {
    dir,
    room: (room) =>
      reading(() => {
        const key = roomKey(room);
        const value = use().getBinary(key);
        const state = value && decodeRoom(key, value);
        if (value !== undefined && state === undefined)
          throw damaged(dir, `${nameOf(room)}, what is known of it is not what was stored`);
        // Or else a room that has lost its own record would be an empty one.
        if (state === undefined && positions(room, 0, 1).length > 0)
          throw damaged(dir, `${nameOf(room)}, what is known of it is missing`);
        return state;
      }),
    rooms: (after, limit) =>
      reading(() => {
        const start = after === undefined ? ROOMS_FROM : roomKey(after);
        const range = use().getRange({ start, end: ROOMS_TO, limit, exclusiveStart: after !== undefined });
        return Array.from(range, ({ key, value }) => ({ room: roomOf(key), state: decodeRoom(key, value) }));
      }),
    positions,
    positionBefore: (room, position) =>
      reading(() => {
        const [key] = use().getKeys({
          start: recordKey(room, position),
          end: recordKey(room, 0),
          reverse: true,
          limit: 1,
        });
        return key === undefined ? undefined : positionOf(key);
      }),
    record: (room, position) =>
      reading(() => {
        const key = recordKey(room, position);
        const value = use().getBinary(key);
        return value === undefined ? undefined : { key, position, value };
      }),
    *records(room, from) {
      try {
        for (const { key, value } of use().getRange({
          start: recordKey(room, from),
          end: recordKey(room, FARTHEST),
        }))
          yield { key, position: positionOf(key), value };
      } catch (error) {
        throw historyError(error, path, 'unreadable');
      }
    },
    version: () => reading(() => use().getBinary(VERSION_KEY)),
    *all() {
      try {
        for (const { key, value } of use().getRange({})) yield { key, value };
      } catch (error) {
        throw historyError(error, path, 'unreadable');
      }
    },
    write,
    put: (key, value) => {
      use().putSync(key, value);
    },
    putRoom: (room, state) => {
      const key = roomKey(room);
      use().putSync(key, encodeRoom(key, state));
    },
    removeRecord: (room, position) => {
      use().removeSync(recordKey(room, position));
    },
    removeRoom: (room) => {
      use().removeSync(roomKey(room));
    },
    clock: () =>
      reading(() => {
        const value = use().getBinary(VERSION_KEY);
        return value && decodeClock(VERSION_KEY, value);
      }),
    putClock: (clock) => {
      use().putSync(VERSION_KEY, encodeVersion(VERSION_KEY, STORE_VERSION, clock));
    },
    reuse: () => {
      write(() => {
        const version = use().getBinary(VERSION_KEY);
        if (version !== undefined) use().putSync(VERSION_KEY, version);
      });
    },
    isUsable: () => {
      try {
        return use().getBinary(VERSION_KEY) !== undefined;
      } catch {
        return false;
      }
    },
    transactions: () => reading(() => stats().lastTxnId),
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
