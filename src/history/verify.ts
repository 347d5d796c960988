import { countLines } from './cut.js';
import { STORE_VERSION } from './directory.js';
import { damaged, type HistoryError, newerVersion } from './errors.js';
import { kindOf, positionOf, recordKey, roomOf, roomOfRecord } from './keys.js';
import type { KeyValue } from './pages.js';
import { decodeEntries, decodeRoom, decodeVersion, type RoomState } from './record.js';

/** How much a store holds: rooms, their entries, the bytes of those. */
export interface Contents {
  readonly rooms: number;
  readonly entries: number;
  readonly bytes: number;
}

const FARTHEST = Number.MAX_SAFE_INTEGER;

/** A room, and where in it the records have come to. */
interface Progress {
  readonly room: string;
  readonly state: RoomState;
  position: number;
  offset: number;
}

/**
 * Looks at all values of a store, in the order of their keys: the checksum of each, that each record begins where the
 * one before it ends, that the rooms' own counts agree, and that there is nothing else. Throws `HistoryError`
 * (`damaged`, `newer-version`) at the first that is wrong. It holds one room at a time.
 *
 * @param scan gives all values in the order of their keys, from the first on each time.
 */
export const verify = (dir: string, scan: () => Iterable<KeyValue>): Contents => {
  const contents = { rooms: 0, entries: 0, bytes: 0 };
  const lengths = new Set<number>();
  for (const each of scan()) {
    if (kindOf(each.key) !== 'room') break;
    const { state } = verifyRoom(dir, each);
    lengths.add(each.key.length);
    contents.rooms += 1;
    contents.entries += state.next - state.first;
    contents.bytes += state.end - state.start;
  }

  const rooms = roomsAsRecords(dir, scan, lengths);
  const nextRoom = (): Progress | undefined => {
    const next = rooms.next();
    return next.done === true ? undefined : next.value;
  };
  let current = nextRoom();
  let version: number | undefined;
  for (const each of scan()) {
    switch (kindOf(each.key)) {
      case 'room':
        break;
      case 'record': {
        const room = roomOfRecord(each.key);
        while (current !== undefined && Buffer.compare(recordKey(current.room, FARTHEST), each.key) < 0) {
          verifyEnd(dir, current);
          current = nextRoom();
        }
        verifyRecord(dir, each, current?.room === room ? current : undefined);
        break;
      }
      case 'version':
        version = decodeVersion(each.key, each.value);
        break;
      default:
        throw damaged(dir, 'it has values that are none of rxchat');
    }
  }
  for (; current !== undefined; current = nextRoom()) verifyEnd(dir, current);
  if (version === undefined) throw damaged(dir, 'its version is missing or not what was stored');
  if (version > STORE_VERSION) throw newerVersion(dir, version, STORE_VERSION);
  return contents;
};

/**
 * All rooms in the order of their records, which is that of shorter names first. Names of rooms in use have one length, so
 * this reads the rooms once.
 */
function* roomsAsRecords(
  dir: string,
  scan: () => Iterable<KeyValue>,
  lengths: ReadonlySet<number>,
): Generator<Progress, void> {
  for (const length of [...lengths].sort((a, b) => a - b))
    for (const each of scan()) {
      if (kindOf(each.key) !== 'room') break;
      if (each.key.length === length) yield verifyRoom(dir, each);
    }
}

const verifyEnd = (dir: string, { room, state, position, offset }: Progress): void => {
  if (position !== state.next)
    throw wrong(dir, room, `positions ${position} to ${state.next - 1} are missing`);
  if (offset !== state.end) throw wrong(dir, room, 'its records are not as long as they were');
};

const verifyRoom = (dir: string, { key, value }: KeyValue): Progress => {
  const room = roomOf(key);
  const state = decodeRoom(key, value);
  if (state === undefined) throw wrong(dir, room, 'what is known of it is not what was stored');
  return { room, state, position: state.first, offset: state.start };
};

const verifyRecord = (dir: string, { key, value }: KeyValue, progress: Progress | undefined): void => {
  const at = positionOf(key);
  const found = decodeEntries(key, value);
  if (progress === undefined) throw damaged(dir, 'it has records of a room of which nothing else is known');
  const { room, state, position, offset } = progress;
  if (found === undefined) throw wrong(dir, room, `the record from position ${at} on is not what was stored`);
  if (at !== position) throw wrong(dir, room, `a record begins with position ${at} and not with ${position}`);
  if (found.offset !== offset || found.count === 0 || countLines(found.body) !== found.count)
    throw wrong(dir, room, `the record from position ${at} on is not as long as it says`);
  if (at === state.first && found.time !== state.oldest)
    throw wrong(dir, room, `the record from position ${at} on is not as old as it was`);
  progress.position += found.count;
  progress.offset += found.body.length;
};

const wrong = (dir: string, room: string, what: string): HistoryError =>
  damaged(dir, `${nameOf(room)}, ${what}`);

/** A room's name as far as it helps to tell it from others. */
export const nameOf = (room: string): string => `room ${room.length > 10 ? `${room.slice(0, 8)}...` : room}`;
