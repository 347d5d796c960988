import { existsSync, realpathSync } from 'node:fs';
import { dataFile, type DirectoryState, inspectDirectory, STORE_VERSION } from '../layout/directory.js';
import { damagedError, HistoryError, historyError, newerVersionError } from '../layout/errors.js';
import type { Header } from '../layout/header.js';
import { type KeyValue, readPages } from '../layout/pages.js';
import {
  keyKind,
  parseRecordPosition,
  parseRecordRoom,
  parseRoomKey,
  recordKey,
  roomLabel,
} from '../layout/keys.js';
import {
  countLines,
  decodeEntries,
  decodeRoom,
  decodeHead,
  isLost,
  type RoomState,
} from '../layout/records.js';
import { openStore } from '../store/openStore.js';

/** Content of a store: rooms, entries and bytes of entries. */
export interface Contents {
  readonly rooms: number;
  readonly entries: number;
  readonly bytes: number;
}

const MAX_POSITION = Number.MAX_SAFE_INTEGER;

/** A room, and how far its records were verified. */
interface RoomProgress {
  readonly room: string;
  readonly state: RoomState;
  position: number;
  /** Unknown after lost entries. */
  offset: number | undefined;
}

/**
 * Verifies all values of a store in key order. Checks each checksum, that records are contiguous, that the
 * counts of rooms agree and that there are no other values. Throws `HistoryError` (`damaged`, `newer-version`)
 * at the first error. It holds one room at a time.
 *
 * @param scan iterates over all values in key order; called several times.
 */
export const verifyStore = (dir: string, scan: () => Iterable<KeyValue>): Contents => {
  const contents = { rooms: 0, entries: 0, bytes: 0 };
  const lengths = new Set<number>();
  for (const entry of scan()) {
    if (keyKind(entry.key) !== 'room') break;
    const { state } = verifyRoom(dir, entry);
    lengths.add(entry.key.length);
    contents.rooms += 1;
    contents.entries += state.next - state.first;
    contents.bytes += state.end - state.start;
  }

  const rooms = roomsInRecordOrder(dir, scan, lengths);
  const nextRoom = (): RoomProgress | undefined => {
    const next = rooms.next();
    return next.done === true ? undefined : next.value;
  };
  let current = nextRoom();
  let version: number | undefined;
  for (const entry of scan()) {
    switch (keyKind(entry.key)) {
      case 'room':
        break;
      case 'record': {
        const room = parseRecordRoom(entry.key);
        while (
          current !== undefined &&
          Buffer.compare(recordKey(current.room, MAX_POSITION), entry.key) < 0
        ) {
          verifyRoomEnd(dir, current);
          current = nextRoom();
        }
        verifyRecord(dir, entry, current?.room === room ? current : undefined);
        break;
      }
      case 'version':
        version = decodeHead(entry.key, entry.value)?.version;
        break;
      default:
        throw damagedError(dir, 'it has values that rxchat did not write');
    }
  }
  for (; current !== undefined; current = nextRoom()) verifyRoomEnd(dir, current);
  if (version === undefined) throw damagedError(dir, 'its version record is missing or was changed');
  if (version > STORE_VERSION) throw newerVersionError(dir, version, STORE_VERSION);
  return contents;
};

/**
 * Yields all rooms in the order of their records, which sorts shorter names first. Names in use have one
 * length, so this reads the rooms once.
 */
function* roomsInRecordOrder(
  dir: string,
  scan: () => Iterable<KeyValue>,
  lengths: ReadonlySet<number>,
): Generator<RoomProgress, void> {
  for (const length of [...lengths].sort((a, b) => a - b))
    for (const entry of scan()) {
      if (keyKind(entry.key) !== 'room') break;
      if (entry.key.length === length) yield verifyRoom(dir, entry);
    }
}

const verifyRoomEnd = (dir: string, { room, state, position, offset }: RoomProgress): void => {
  if (position !== state.next)
    throw damagedRoomError(dir, room, `positions ${position} to ${state.next - 1} are missing`);
  if (offset !== undefined && offset !== state.end)
    throw damagedRoomError(dir, room, 'its records have another length than stored');
};

const verifyRoom = (dir: string, { key, value }: KeyValue): RoomProgress => {
  const room = parseRoomKey(key);
  const state = decodeRoom(key, value);
  if (state === undefined) throw damagedRoomError(dir, room, 'its own record was changed');
  return { room, state, position: state.first, offset: state.start };
};

const verifyRecord = (dir: string, { key, value }: KeyValue, progress: RoomProgress | undefined): void => {
  const recordPosition = parseRecordPosition(key);
  const found = decodeEntries(key, value);
  if (progress === undefined) throw damagedError(dir, 'it has records of an unknown room');
  const { room, state, position, offset } = progress;
  if (found === undefined)
    throw damagedRoomError(dir, room, `the record at position ${recordPosition} was changed`);
  if (recordPosition !== position)
    throw damagedRoomError(dir, room, `a record starts at position ${recordPosition} instead of ${position}`);
  const hasLines = isLost(found) || countLines(found.body) === found.count;
  if (found.offset !== (offset ?? found.offset) || found.count === 0 || !hasLines)
    throw damagedRoomError(
      dir,
      room,
      `the record at position ${recordPosition} has a different length than it declares`,
    );
  if (recordPosition === state.first && found.time !== state.oldest)
    throw damagedRoomError(
      dir,
      room,
      `the record at position ${recordPosition} has a different time than its room declares`,
    );
  progress.position += found.count;
  progress.offset = isLost(found) ? undefined : found.offset + found.body.length;
};

const damagedRoomError = (dir: string, room: string, problem: string): HistoryError =>
  damagedError(dir, `${roomLabel(room)}, ${problem}`);

/** Number of attempts to read a store while a relay writes to it. */
const MAX_ATTEMPTS = 5;

const NOTHING: Contents = { rooms: 0, entries: 0, bytes: 0 };

/**
 * Reads the whole store in a directory and returns how much it holds, or zeros if there is no store. Throws
 * `HistoryError`: `damaged`, `newer-version`, `unreadable`, or `in-use` if a relay writes too much for a
 * consistent read.
 *
 * Synchronous, and as slow as reading the file. It changes nothing. On 32-bit machines it reads through lmdb,
 * which may end the process if the file is damaged. There, do not use it on a store that a relay uses.
 */
export const checkHistory = (dir: string): Contents => {
  try {
    if (!existsSync(dir)) return NOTHING;
    const realDir = realpathSync(dir);
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const found = inspectDirectory(realDir);
      if (found.header === undefined) return NOTHING;
      try {
        return checkStore(realDir, found, found.header);
      } catch (error) {
        if (error instanceof HistoryError && error.code !== 'damaged') throw error;
        const current = inspectDirectory(realDir).header;
        // A concurrent transaction may have reused pages that were free or not read yet.
        if (current?.transaction === found.header.transaction) throw error;
      }
    }
    throw new HistoryError('in-use', `a relay uses the history in ${dir}`);
  } catch (error) {
    throw historyError(error, dir, 'unreadable');
  }
};

const checkStore = (dir: string, found: DirectoryState, header: Header): Contents => {
  const isEmpty = header.trees.length > 0 && header.trees.every(({ root }) => root === undefined);
  // A process may have ended before it wrote anything.
  if (isEmpty && found.fileVersion === undefined) return NOTHING;
  if (header.trees.length > 0) return verifyStore(dir, () => readPages(dataFile(dir), header, true));
  const store = openStore(dir, found, { durability: 'disk', readOnly: true });
  try {
    return verifyStore(dir, () => store.all());
  } finally {
    store.close();
  }
};
