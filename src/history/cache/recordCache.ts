import type { CachedRecord, CachedRoom, RecordCache } from '../../../streams/relay/cluster/ledger.js';
import { describeError } from '../layout/errors.js';
import type { Store } from '../store/store.js';
import { CachedRooms } from './cachedRooms.js';

export interface StoreRecordCacheOptions {
  /** Limit in bytes of all records. */
  readonly maxBytes: number;
  /** Time in ms after which a record is removed, from when the engine has stored it. */
  readonly maxAgeMs: number;
  /** Called with the reason if records cannot be stored, once until that works again. */
  readonly onFailed: (reason: string) => void;
  /** Returns the time in ms since 1970. */
  readonly now?: () => number;
}

/** Time in ms until added records are stored. */
const FLUSH_MS = 500;
/** Bytes of added records that are stored at once. */
const MAX_QUEUED_BYTES = 4_194_304;
const SWEEP_INTERVAL_MS = 600_000;
/** Rooms whose age is checked in a transaction. */
const ROOMS_PER_FLUSH = 256;

interface QueuedRecord {
  readonly room: string;
  readonly record: CachedRecord;
}

/**
 * Keeps records of rooms in an open store, those of the rooms that were used last.
 *
 * Added records are stored together, after half a second or with 4 MiB. A failure never reaches who reads or adds: it is
 * reported once, and the records are missing.
 */
export class StoreRecordCache implements RecordCache {
  readonly #store: Store;
  readonly #rooms: CachedRooms;
  readonly #options: Required<StoreRecordCacheOptions>;
  #queue: QueuedRecord[] = [];
  #queuedBytes = 0;
  /** Rooms whose age is to be checked. */
  #sweep: string[] = [];
  #flushTimer: NodeJS.Timeout | undefined;
  readonly #sweepTimer: NodeJS.Timeout;
  #isFailing = false;
  #isOpen = true;

  constructor(store: Store, options: StoreRecordCacheOptions) {
    this.#store = store;
    this.#options = { now: Date.now, ...options };
    this.#rooms = new CachedRooms(store);
    this.#sweepTimer = setInterval(() => {
      this.sweep();
    }, SWEEP_INTERVAL_MS).unref();
    this.sweep();
  }

  /** Bytes of all records. */
  get byteLength(): number {
    return this.#rooms.byteLength;
  }

  open(room: string): CachedRoom {
    return {
      read: (address, maxBytes) => this.#read(room, address, maxBytes),
      add: (record) => {
        this.#add(room, record);
      },
      removeBefore: (address) => {
        this.#removeBefore(room, address);
      },
    };
  }

  /** Begins to look for expired records in all rooms. */
  sweep(): void {
    this.#sweep = [...this.#rooms.names()];
    if (this.#sweep.length > 0) this.#schedule();
  }

  /** Stores what was added, and removes what has expired or is too much. */
  flush(): void {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    if (!this.#isOpen) return;
    const queue = this.#queue;
    const bytes = this.#queuedBytes;
    this.#queue = [];
    this.#queuedBytes = 0;
    const { maxBytes, maxAgeMs, now } = this.#options;
    try {
      this.#rooms.write(() => {
        for (const { room, record } of queue) this.#rooms.put(room, record, now());
        for (const room of this.#sweep.splice(0, ROOMS_PER_FLUSH)) this.#rooms.expire(room, now() - maxAgeMs);
        this.#rooms.evict(maxBytes);
      }, bytes);
      this.#isFailing = false;
    } catch (error) {
      this.#onFailed(error);
    }
    if (this.#sweep.length > 0 || this.#rooms.byteLength > maxBytes) this.#schedule();
  }

  /** Stores what was added, and closes the store. */
  close(): void {
    this.flush();
    this.#isOpen = false;
    clearInterval(this.#sweepTimer);
    clearTimeout(this.#flushTimer);
    this.#store.close();
  }

  #read(room: string, address: number, maxBytes: number): readonly CachedRecord[] {
    if (!this.#isOpen) return [];
    try {
      return this.#rooms.read(room, address, maxBytes, this.#options.now());
    } catch (error) {
      this.#onFailed(error);
      return [];
    }
  }

  #add(room: string, record: CachedRecord): void {
    if (!this.#isOpen) return;
    const copy = { ...record, bytes: Uint8Array.from(record.bytes) };
    this.#queue.push({ room, record: copy });
    this.#queuedBytes += record.bytes.length;
    if (this.#queuedBytes >= MAX_QUEUED_BYTES) this.flush();
    else this.#schedule();
  }

  #removeBefore(room: string, address: number): void {
    this.#queue = this.#queue.filter((each) => each.room !== room || each.record.address >= address);
    this.#rooms.hideBefore(room, address);
    this.#sweep.push(room);
    if (this.#isOpen) this.#schedule();
  }

  #schedule(): void {
    this.#flushTimer ??= setTimeout(() => {
      this.flush();
    }, FLUSH_MS).unref();
  }

  #onFailed(error: unknown): void {
    if (!this.#isFailing) this.#options.onFailed(describeError(error));
    this.#isFailing = true;
    try {
      // The state in memory is that of the failed transaction.
      this.#rooms.load();
    } catch {
      this.#isOpen = false;
      clearInterval(this.#sweepTimer);
      this.#store.close();
    }
  }
}
