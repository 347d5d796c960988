import type { Gap } from '../../../streams/relay/log/history.js';
import type { KeyValue } from '../layout/pages.js';
import { keyKind, parseRecordPosition, parseRecordRoom, parseRoomKey, recordKey } from '../layout/keys.js';
import {
  countLines,
  decodeEntries,
  decodeRoom,
  encodeLostEntries,
  isLost,
  type RoomState,
} from '../layout/records.js';
import type { Store } from '../store/store.js';

/** What was saved of a room. */
export interface SalvagedRoom {
  readonly room: string;
  /** Number of entries that were saved. */
  readonly entries: number;
  /** Positions of entries that are lost. */
  readonly lost: readonly Gap[];
  /** Whether its own record is lost: its log has a new id, and nothing is known about entries after the saved ones. */
  readonly hasNewLog: boolean;
  /** Whether nothing of it is lost. */
  readonly isComplete: boolean;
}

/** A record without its lines. */
interface SavedRecord {
  readonly position: number;
  readonly count: number;
  readonly offset: number;
  readonly bytes: number;
  readonly time: number;
  readonly isLost: boolean;
}

/** The rooms that are being salvaged. */
export interface SalvagedRooms {
  /** Adds a value, and returns whether it is a valid record that has to be copied. */
  readonly add: (entry: KeyValue) => boolean;
  /** The highest incarnation of the rooms so far. */
  readonly incarnation: number;
  /** Writes the states of the rooms and the records of lost entries, and returns what was saved. */
  readonly finish: (store: Store) => readonly SalvagedRoom[];
}

/** Creates an empty list of salvaged rooms. It holds no lines. */
export const salvagedRooms = (newId: () => string): SalvagedRooms => {
  const states = new Map<string, RoomState>();
  /** Names of rooms whose own records are damaged. */
  const damaged = new Set<string>();
  const recordsByRoom = new Map<string, Map<number, SavedRecord>>();

  const addRecord = ({ key, value }: KeyValue): boolean => {
    const found = decodeEntries(key, value);
    if (found === undefined) return false;
    const [room, position] = [parseRecordRoom(key), parseRecordPosition(key)];
    const records = recordsByRoom.get(room) ?? new Map<number, SavedRecord>();
    const hasLines = isLost(found) || countLines(found.body) === found.count;
    if (records.has(position) || found.count === 0 || !hasLines) return false;
    recordsByRoom.set(room, records);
    const { count, offset, time, body } = found;
    records.set(position, { position, count, offset, time, bytes: body.length, isLost: isLost(found) });
    return true;
  };

  return {
    add: (entry) => {
      const kind = keyKind(entry.key);
      if (kind === 'record') return addRecord(entry);
      if (kind !== 'room') return false;
      const room = parseRoomKey(entry.key);
      const state = decodeRoom(entry.key, entry.value);
      if (state === undefined) damaged.add(room);
      else if (!states.has(room)) states.set(room, state);
      return false;
    },
    get incarnation() {
      return Array.from(states.values()).reduce((max, state) => Math.max(max, state.incarnation ?? 0), 0);
    },
    finish: (store) => {
      const names = new Set([...states.keys(), ...recordsByRoom.keys(), ...damaged]);
      return Array.from(names).flatMap((room) => {
        const records = [...(recordsByRoom.get(room)?.values() ?? [])].sort(
          (a, b) => a.position - b.position,
        );
        const known = states.get(room);
        // A damaged key is not the name of a room.
        if (known === undefined && records.length === 0) return [];
        return finishRoom(store, room, known, records, newId);
      });
    },
  };
};

const finishRoom = (
  store: Store,
  room: string,
  known: RoomState | undefined,
  records: readonly SavedRecord[],
  newId: () => string,
): SalvagedRoom => {
  const { used, unused } = selectRecords(records, known);
  const first = used[0];
  const last = used.at(-1);
  const state: RoomState = known ?? {
    id: newId(),
    first: first?.position ?? 1,
    start: first?.offset ?? 0,
    next: last === undefined ? 1 : last.position + last.count,
    end: last === undefined ? 0 : last.offset + last.bytes,
    oldest: 0,
  };
  const holes = first === undefined ? [] : holesAfter(used, state);
  const lost: Gap[] = [
    ...gap(state.first, first?.position ?? state.next),
    ...holes.flatMap(({ position, count }) => gap(position, position + count)),
    ...used
      .filter((record) => record.isLost)
      .flatMap(({ position, count }) => gap(position, position + count)),
  ].sort((a, b) => a.from - b.from);
  const entries = used.reduce((sum, record) => sum + (record.isLost ? 0 : record.count), 0);

  store.write(
    () => {
      for (const { position } of unused) store.removeRecord(room, position);
      for (const { position, count, offset, time } of holes) {
        const key = recordKey(room, position);
        store.put(key, encodeLostEntries(key, { count, time, offset }));
      }
      store.putRoom(room, {
        ...state,
        first: first?.position ?? state.next,
        start: first?.offset ?? state.end,
        oldest: first?.time ?? 0,
      });
    },
    (holes.length + unused.length + 1) * 4096,
  );
  return {
    room,
    entries,
    lost,
    hasNewLog: known === undefined,
    isComplete: known !== undefined && lost.length === 0 && unused.length === 0,
  };
};

/** Separates the records of a log from those that do not fit: it has one record per position. */
const selectRecords = (records: readonly SavedRecord[], known: RoomState | undefined) => {
  const used: SavedRecord[] = [];
  const unused: SavedRecord[] = [];
  for (const record of records) {
    const { position, count, offset, bytes } = record;
    const before = used.at(-1);
    const next = before === undefined ? (known?.first ?? position) : before.position + before.count;
    const end = before === undefined ? (known?.start ?? offset) : before.offset + before.bytes;
    const isExact = position === next && before?.isLost !== true;
    const follows = position >= next && (isExact ? offset === end : offset >= end);
    const isInside = known === undefined || (position + count <= known.next && offset + bytes <= known.end);
    (follows && isInside ? used : unused).push(record);
  }
  return { used, unused };
};

type Hole = Pick<SavedRecord, 'position' | 'count' | 'offset' | 'time'>;

/** Returns the holes between the records of a log, and after them. */
const holesAfter = (records: readonly SavedRecord[], { next }: RoomState): readonly Hole[] =>
  records.flatMap(({ position, count, offset, bytes, time }, at) => {
    const from = position + count;
    const to = records[at + 1]?.position ?? next;
    return to > from ? [{ position: from, count: to - from, offset: offset + bytes, time }] : [];
  });

const gap = (from: number, end: number): readonly Gap[] => (end > from ? [{ from, to: end - 1 }] : []);
