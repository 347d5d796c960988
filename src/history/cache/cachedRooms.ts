import type { CachedRecord } from '../../../streams/relay/cluster/ledger.js';
import { damagedError } from '../layout/errors.js';
import { keyKind, parseRoomKey, recordKey, roomKey } from '../layout/keys.js';
import type { Store } from '../store/store.js';
import {
  decodeCachedRecord,
  decodeCachedRoom,
  encodeCachedRecord,
  encodeCachedRoom,
  spaceOf,
} from './cachedValues.js';

/** A room of the cache. */
interface Room {
  byteLength: number;
  last: number;
  usedAt: number;
  /** Records before this address are to be removed. */
  removeBefore: number;
  isChanged: boolean;
}

/** Records that a transaction removes at most, and for each that it stores, so that it does not hold up the relay. */
const MAX_REMOVALS = 2048;
const REMOVALS_PER_RECORD = 2;

/** The records in the store of a cache, and the space that they take. Throws `HistoryError`. */
export class CachedRooms {
  readonly #store: Store;
  /** The least recently used room is the first. */
  readonly #rooms = new Map<string, Room>();
  #byteLength = 0;
  /** Removals that the current transaction may still do. */
  #removals = 0;

  constructor(store: Store) {
    this.#store = store;
    this.load();
  }

  /** Bytes of all records. */
  get byteLength(): number {
    return this.#byteLength;
  }

  names(): readonly string[] {
    return [...this.#rooms.keys()];
  }

  /** Loads the state of the rooms, also after a transaction has failed. */
  load(): void {
    const found: [string, Room][] = [];
    for (const { key, value } of this.#store.all()) {
      if (keyKind(key) !== 'room') break;
      const state = decodeCachedRoom(key, value);
      if (state === undefined) throw damagedError(this.#store.dir, 'the state of a room was changed');
      found.push([parseRoomKey(key), { ...state, removeBefore: 0, isChanged: false }]);
    }
    this.#rooms.clear();
    this.#byteLength = 0;
    for (const [room, state] of found.sort(([, a], [, b]) => a.usedAt - b.usedAt)) {
      this.#rooms.set(room, state);
      this.#byteLength += state.byteLength;
    }
  }

  /** Returns records from an address on. Ends before a damaged one. */
  read(name: string, address: number, maxBytes: number, now: number): readonly CachedRecord[] {
    const room = this.#rooms.get(name);
    if (room === undefined) return [];
    this.#use(name, room, now);
    const records: CachedRecord[] = [];
    let size = 0;
    const from = Math.max(address, room.removeBefore);
    if (from > room.last) return [];
    for (const { key, position, value } of this.#store.records(name, from)) {
      const record = decodeCachedRecord(key, value);
      if (record === undefined) break;
      records.push({ address: position, ...record });
      size += record.bytes.length;
      if (size >= maxBytes) break;
    }
    return records;
  }

  /** Hides the records before an address. They are removed by `trim`. */
  hideBefore(name: string, address: number): void {
    const room = this.#rooms.get(name);
    if (room !== undefined) room.removeBefore = Math.max(room.removeBefore, Math.min(address, room.last + 1));
  }

  /** Runs a transaction of `put` and `trim`. */
  write(action: () => void, bytes: number): void {
    this.#store.write(() => {
      this.#removals = MAX_REMOVALS;
      action();
      for (const [name, room] of this.#rooms) {
        if (!room.isChanged) continue;
        const key = roomKey(name);
        this.#store.put(key, encodeCachedRoom(key, room));
      }
    }, bytes);
    for (const room of this.#rooms.values()) room.isChanged = false;
  }

  /** Stores a record. If another one has its address, the room has another history, and all older records are removed. */
  put(name: string, record: CachedRecord, now: number): void {
    const room = this.#rooms.get(name) ?? {
      byteLength: 0,
      last: 0,
      usedAt: now,
      removeBefore: 0,
      isChanged: true,
    };
    this.#use(name, room, now);
    const { address } = record;
    if (address < room.removeBefore) this.#removeAll(name, room);
    const found = address > room.last ? undefined : this.#store.record(name, address);
    const known = found && decodeCachedRecord(found.key, found.value);
    if (known !== undefined && Buffer.compare(known.bytes, record.bytes) !== 0) this.#removeAll(name, room);
    else if (found !== undefined) {
      const isLinked = known?.previousChecksum !== undefined || record.previousChecksum === undefined;
      if (known !== undefined && isLinked) return;
      this.#grow(room, -spaceOf(found.value));
    }
    const key = recordKey(name, address);
    const value = encodeCachedRecord(key, record, record.storedAt ?? now);
    this.#store.put(key, value);
    this.#removals += REMOVALS_PER_RECORD;
    room.last = Math.max(room.last, address);
    this.#grow(room, spaceOf(value));
  }

  /** Removes hidden records of a room, and those that were stored before a time. */
  expire(name: string, before: number): void {
    const room = this.#rooms.get(name);
    if (room !== undefined)
      this.#remove(name, room, ({ address, storedAt }) => address < room.removeBefore || storedAt < before);
  }

  /** Removes the oldest records of the least recently used rooms, until at most `maxBytes` are left. */
  evict(maxBytes: number): void {
    for (const [name, room] of this.#rooms) {
      if (this.#byteLength <= maxBytes || this.#removals === 0) return;
      this.#remove(name, room, () => this.#byteLength > maxBytes);
    }
  }

  #use(name: string, room: Room, now: number): void {
    room.usedAt = now;
    room.isChanged = true;
    this.#rooms.delete(name);
    this.#rooms.set(name, room);
  }

  #grow(room: Room, bytes: number): void {
    room.byteLength += bytes;
    room.isChanged = true;
    this.#byteLength += bytes;
  }

  #removeAll(name: string, room: Room): void {
    const removals = this.#removals;
    this.#removals = Infinity;
    this.#remove(name, room, () => true);
    this.#removals = removals;
    this.#rooms.set(name, Object.assign(room, { byteLength: 0, last: 0, removeBefore: 0 }));
  }

  /** Removes the oldest records while a condition holds; a damaged one in any case. */
  #remove(
    name: string,
    room: Room,
    isRemovable: (record: { readonly address: number; readonly storedAt: number }) => boolean,
  ): void {
    const removed: number[] = [];
    let isEmpty = true;
    for (const { key, position, value } of this.#store.records(name, 0)) {
      const record = decodeCachedRecord(key, value);
      if (
        this.#removals === 0 ||
        (record !== undefined && !isRemovable({ address: position, storedAt: record.storedAt }))
      ) {
        isEmpty = false;
        break;
      }
      this.#removals -= 1;
      this.#grow(room, -spaceOf(value));
      removed.push(position);
    }
    for (const address of removed) this.#store.removeRecord(name, address);
    if (!isEmpty) return;
    this.#byteLength -= room.byteLength;
    this.#rooms.delete(name);
    this.#store.removeRoom(name);
  }
}
