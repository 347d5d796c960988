import type { Ancestor } from '../../wire/fields.js';
import { countLines, type Lines } from '../../wire/lines.js';
import {
  type CommitPoint,
  type Cursor,
  type CursorOptions,
  locate,
  logCursor,
  type LogView,
} from './cursor.js';
import type { Batch, PendingRead, ReadableLog } from './history.js';
import { type MemoryBudget, memoryBudget, type Slab, Slabs } from './slabs.js';

export type { Cursor, CursorOptions } from './cursor.js';

/** The log of a room: line number n, counted from 1, is the entry at position n. */
export interface RoomLog {
  /** Id of this log; another log of the same room has another id. */
  readonly id: string;
  /** The logs that this one continues, newest first. */
  readonly ancestors: readonly Ancestor[];
  /** Oldest stored position, or `next` if the log is empty. */
  readonly first: number;
  /** Position of the next entry: the end of what readers see. */
  readonly next: number;
  /** The same once all appended lines are committed. */
  readonly end: number;
  /** Bytes that were appended and are not committed. */
  readonly uncommittedBytes: number;
  /** Copies whole lines to the end, invisible to readers until they are committed. */
  append(lines: Lines): void;
  /** Returns all uncommitted lines, as slices of the memory of the log. */
  batch(): Batch;
  /** Makes a batch visible to readers, and drops the oldest committed entries if the window is full. */
  commit(batch: Batch): void;
  /** Removes all uncommitted lines. */
  rollBack(): void;
  /**
   * Returns an entry without its newline, or `undefined` if it is not stored or cannot be read. If the store has to fetch it,
   * returns when to read again.
   *
   * The bytes are valid until the next commit.
   */
  line(position: number): Uint8Array | PendingRead | undefined;
  /** Creates a reader at a position; past the end, at the end. */
  cursor(position: number, options?: CursorOptions): Cursor;
  /** Releases the memory budget after the last append; slow readers can still read to the end. */
  close(): void;
}

export interface RoomLogOptions {
  readonly id: string;
  /** Bytes of lines to keep in memory; older ones are dropped a slab at a time. */
  readonly windowBytes: number;
  /** The store in which the log continues; without it, the log begins at 1 and has only its window. */
  readonly stored?: ReadableLog | undefined;
  /** Memory limit that all logs share: when it is exceeded, windows shrink. */
  readonly budget?: MemoryBudget | undefined;
}

/** Minimum window in bytes: four slabs of the longest line. */
export const MIN_WINDOW_BYTES = 262_144;

/** Default window in bytes. */
export const DEFAULT_WINDOW_BYTES = 16_777_216;

const NEWLINE = 10;
const NO_BYTES = new Uint8Array(0);

/**
 * Creates the log of a room in memory, with or without a store behind it.
 *
 * Lines are copied once, into slabs that all readers share. A read returns a slice up to the end of a slab, so a cursor
 * knows its position without counting lines. Slabs start small and double, since most rooms are small. Each commit drops the
 * oldest slabs until the rest fits into the window: readers that keep up have read them. A reader that fell behind reads from
 * the store, or gets a gap if the store has no more.
 *
 * So a log takes its window, the lines of one commit, and up to four slabs for reuse (1 MiB). Of a dropped slab, each socket
 * can retain one slice of at most 256 KiB.
 *
 * ```text
 * store   [1 2 3 4 5] [6 7 8 9] [10 11]
 * slabs               [6 7 8 9] [10 11 | 12 ....]     12 is not committed
 * cursor      ^ reads 3-5 from the store, then 6-9, then 10-11, then nothing
 * ```
 *
 * @example
 * import { encodeText } from 'rxchat/streams';
 * import { roomLog } from './roomLog.js';
 *
 * const log = roomLog({ id: 'log', windowBytes: 1 << 20 });
 * const cursor = log.cursor(1);
 * log.append({ bytes: encodeText('+alice\n'), count: 1 });
 * cursor.read(); // undefined
 * log.commit(log.batch());
 * cursor.read(); // the bytes of '+alice\n'
 */
export const roomLog = (options: RoomLogOptions): RoomLog => new SlabLog(options);

/** A class: as an object of closures with getters each log had a hidden class of its own, which made every read slow. */
class SlabLog implements RoomLog, LogView {
  readonly id: string;
  readonly ancestors: readonly Ancestor[];
  readonly stored: ReadableLog | undefined;
  readonly slabs: Slabs;
  committed: CommitPoint;
  uncommittedBytes = 0;
  readonly #windowBytes: number;
  #end: number;
  /** The last slice, since readers that keep up read the same. */
  #slice: Uint8Array = NO_BYTES;
  #slicedFrom: Slab | undefined;

  constructor({ id, windowBytes, stored, budget = memoryBudget() }: RoomLogOptions) {
    this.id = id;
    this.ancestors = stored?.ancestors ?? [];
    this.stored = stored;
    this.#windowBytes = windowBytes;
    this.#end = stored?.next ?? 1;
    this.committed = { slab: 0, end: 0, next: this.#end };
    this.slabs = new Slabs(
      windowBytes,
      budget.openReservation(() => this.#evict()),
    );
  }

  get first(): number {
    return Math.min(this.stored?.first ?? this.firstInMemory, this.committed.next);
  }

  get firstInMemory(): number {
    return Math.min(this.slabs.oldest?.first ?? this.#end, this.committed.next);
  }

  get next(): number {
    return this.committed.next;
  }

  get end(): number {
    return this.#end;
  }

  append({ bytes, count }: Lines): void {
    const { largest } = this.slabs;
    if (bytes.length <= largest || count === 1) {
      const slab = this.slabs.slabFor(bytes.length, this.#end);
      slab.bytes.set(bytes, slab.end);
      slab.end += bytes.length;
      slab.count += count;
      this.#end += count;
      this.uncommittedBytes += bytes.length;
      return;
    }
    // More than a slab at once: cut at a newline, so that each slab holds whole lines.
    const cut = bytes.lastIndexOf(NEWLINE, largest - 1) + 1 || bytes.indexOf(NEWLINE) + 1;
    const head = bytes.subarray(0, cut);
    const headCount = countLines(head);
    this.append({ bytes: head, count: headCount });
    this.append({ bytes: bytes.subarray(cut), count: count - headCount });
  }

  batch(): Batch {
    const { committed, slabs } = this;
    const slices: Uint8Array[] = [];
    for (let number = committed.slab; number < slabs.next; number += 1) {
      const { bytes, end } = slabs.at(number) as Slab;
      const from = number === committed.slab ? committed.end : 0;
      if (from < end) slices.push(bytes.subarray(from, end));
    }
    return { first: committed.next, count: this.#end - committed.next, slices };
  }

  commit({ count, slices }: Batch): void {
    const { committed, slabs } = this;
    // Readers that keep up have read everything that was committed before.
    while (slabs.byteLength > this.#windowBytes && slabs.droppedCount < committed.slab) this.#dropOldest();
    let { slab, end } = committed;
    for (const { length } of slices) {
      if (slabs.at(slab)?.end === end && slab < slabs.next - 1) {
        slab += 1;
        end = 0;
      }
      end += length;
      this.uncommittedBytes -= length;
    }
    this.committed = { slab, end, next: committed.next + count };
  }

  rollBack(): void {
    const { committed, slabs } = this;
    this.#end = committed.next;
    this.uncommittedBytes = 0;
    while (slabs.next - 1 > committed.slab) slabs.dropNewest();
    const last = slabs.at(committed.slab);
    if (last === undefined) return;
    last.end = committed.end;
    last.count = this.#end - last.first;
  }

  slice(slab: Slab, from: number, end: number): Uint8Array {
    const last = this.#slice;
    if (this.#slicedFrom === slab && last.byteOffset === from && last.length === end - from) return last;
    this.#slicedFrom = slab;
    return (this.#slice = slab.bytes.subarray(from, end));
  }

  line(position: number): Uint8Array | PendingRead | undefined {
    if (position < this.first || position >= this.committed.next) return undefined;
    if (position < this.firstInMemory) {
      const found = this.stored?.read(position);
      if (found === undefined || 'ready$' in found) return found;
      return 'bytes' in found ? firstLine(found.bytes, 0) : undefined;
    }
    const { slab, offset } = locate(this, position);
    const bytes = this.slabs.at(slab)?.bytes;
    return bytes && firstLine(bytes, offset);
  }

  cursor(position: number, options?: CursorOptions): Cursor {
    return logCursor(this, position, options);
  }

  close(): void {
    this.slabs.release();
  }

  /** Drops the oldest slab, if it is committed, and returns whether any memory was released. */
  #evict(): boolean {
    const { committed, slabs } = this;
    if (slabs.dropSpare()) return true;
    if (slabs.oldest === undefined || (slabs.droppedCount === committed.slab && this.#end > committed.next))
      return false;
    if (slabs.droppedCount === committed.slab)
      this.committed = { slab: slabs.droppedCount + 1, end: 0, next: committed.next };
    this.#dropOldest();
    slabs.dropSpare();
    return true;
  }

  #dropOldest(): void {
    this.slabs.dropOldest();
    // The slice would retain its slab until the next read.
    this.#slice = NO_BYTES;
    this.#slicedFrom = undefined;
  }
}

const firstLine = (bytes: Uint8Array, offset: number): Uint8Array =>
  bytes.subarray(offset, bytes.indexOf(NEWLINE, offset));
