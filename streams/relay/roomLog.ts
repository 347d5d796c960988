import type { Lines } from '../wire/lines.js';
import type { Batch, StoredLog } from './history.js';
import { type Cursor, type CursorOptions, locate, logCursor, type LogPages, type Mark } from './logCursor.js';
import { type Slab, Slabs } from './slabs.js';
import { type WindowBudget, windowBudget } from './windowBudget.js';

export type { Cursor, CursorOptions } from './logCursor.js';

/** A room as a log of lines: the n-th line is entry number n, counted from 1. */
export interface RoomLog {
  /** Names this log; another log of the same room has another id. */
  readonly id: string;
  /** The oldest position still kept; `next` where none is. */
  readonly first: number;
  /** The position that the next entry will get: the end of what readers see. */
  readonly next: number;
  /** The same once all that is appended is committed. */
  readonly end: number;
  /** Bytes that were appended and are not committed. */
  readonly uncommitted: number;
  /** Copies whole lines to the end. Nobody sees them before they are committed. */
  append(lines: Lines): void;
  /** All that is appended and not committed, as slices of the log's own memory. */
  batch(): Batch;
  /** Shows a batch to the readers. Of what they have seen, the oldest goes where the window is full. */
  commit(batch: Batch): void;
  /** Takes back all that is appended and not committed. */
  rollBack(): void;
  /** One entry without its newline; `undefined` if it is not kept or cannot be read. The bytes are good until the next commit. */
  line(position: number): Uint8Array | undefined;
  /** A reader that begins at a position; past the end, at the end. */
  cursor(position: number, options?: CursorOptions): Cursor;
  /** Counts no more in the budget, once nothing is appended any more; who is slow still reads to the end. */
  close(): void;
}

export interface RoomLogOptions {
  readonly id: string;
  /** How many bytes of lines to keep in memory. What is older goes, a slab at a time. */
  readonly window: number;
  /** Where the log goes on, and what was before; without it, the log begins at 1 and has its window alone. */
  readonly stored?: StoredLog | undefined;
  /** What all logs together may take: where that is used up, a window is smaller. */
  readonly budget?: WindowBudget | undefined;
}

/** The smallest window in bytes: four slabs of the longest line. */
export const SMALLEST_WINDOW = 262_144;

/** The window in bytes where nothing else was said. */
export const DEFAULT_WINDOW = 16_777_216;

const NEWLINE = 10;
const NOTHING = new Uint8Array(0);

/**
 * A room's log in memory, with a store behind it or without.
 *
 * Lines are copied once, into slabs that every reader shares; a read is a slice of one and goes to its end, so that a
 * cursor knows its position without counting lines. Slabs begin small and double, since most rooms are. At each commit
 * the oldest slabs go until the rest is not over `window` bytes: by then whoever keeps up has read them. So the log
 * holds the window, what one commit brings, and up to four slabs that wait to be used again (1 MiB); and of a slab that is
 * gone a socket may still hold one slice (at most 256 KiB). A reader that fell behind the memory reads from the store, and where that has no more, or there is none,
 * is told a gap.
 *
 * ```text
 * store   [1 2 3 4 5] [6 7 8 9] [10 11]
 * slabs               [6 7 8 9] [10 11 | 12 ....]     12 is not committed
 * cursor      ^ reads 3-5 from the store, then 6-9, then 10-11, then nothing
 * ```
 *
 * @example
 * import { encodeText, roomLog } from 'rxchat/streams';
 *
 * const log = roomLog({ id: 'log', window: 1 << 20 });
 * const cursor = log.cursor(1);
 * log.append({ bytes: encodeText('+alice\n'), count: 1 });
 * cursor.read(); // undefined
 * log.commit(log.batch());
 * cursor.read(); // the bytes of '+alice\n'
 */
export const roomLog = (options: RoomLogOptions): RoomLog => new Log(options);

/** A class: as an object of closures with getters each log had a hidden class of its own, and no reader a fast look at it. */
class Log implements RoomLog, LogPages {
  readonly id: string;
  readonly stored: StoredLog | undefined;
  readonly slabs: Slabs;
  committed: Mark;
  uncommitted = 0;
  readonly #window: number;
  #end: number;
  /** What was read last, and where: whoever keeps up reads the same. */
  #slice: Uint8Array = NOTHING;
  #slicedFrom: Slab | undefined;

  constructor({ id, window, stored, budget = windowBudget() }: RoomLogOptions) {
    this.id = id;
    this.stored = stored;
    this.#window = window;
    this.#end = stored?.next ?? 1;
    this.committed = { slab: 0, end: 0, next: this.#end };
    this.slabs = new Slabs(
      window,
      budget.account(() => this.#shed()),
    );
  }

  get first(): number {
    return Math.min(this.stored?.first ?? this.remembered, this.committed.next);
  }

  get remembered(): number {
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
      const slab = this.slabs.fitting(bytes.length, this.#end);
      slab.bytes.set(bytes, slab.end);
      slab.end += bytes.length;
      slab.count += count;
      this.#end += count;
      this.uncommitted += bytes.length;
      return;
    }
    // More than a slab at once: cut it at a newline, so that each slab holds whole lines.
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
    // What was committed before has been read by whoever keeps up.
    while (slabs.held > this.#window && slabs.gone < committed.slab) this.#dropOldest();
    let { slab, end } = committed;
    for (const { length } of slices) {
      if (slabs.at(slab)?.end === end && slab < slabs.next - 1) {
        slab += 1;
        end = 0;
      }
      end += length;
      this.uncommitted -= length;
    }
    this.committed = { slab, end, next: committed.next + count };
  }

  rollBack(): void {
    const { committed, slabs } = this;
    this.#end = committed.next;
    this.uncommitted = 0;
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

  line(position: number): Uint8Array | undefined {
    if (position < this.first || position >= this.committed.next) return undefined;
    if (position < this.remembered) {
      const found = this.stored?.read(position);
      return found !== undefined && 'bytes' in found ? firstLine(found.bytes, 0) : undefined;
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

  /** The budget is used up: the oldest slab goes, where that is committed. */
  #shed(): boolean {
    const { committed, slabs } = this;
    if (slabs.dropSpare()) return true;
    if (slabs.oldest === undefined || (slabs.gone === committed.slab && this.#end > committed.next))
      return false;
    if (slabs.gone === committed.slab)
      this.committed = { slab: slabs.gone + 1, end: 0, next: committed.next };
    this.#dropOldest();
    slabs.dropSpare();
    return true;
  }

  #dropOldest(): void {
    this.slabs.dropOldest();
    // Else it would stay for as long as nothing more is read.
    this.#slice = NOTHING;
    this.#slicedFrom = undefined;
  }
}

const firstLine = (bytes: Uint8Array, offset: number): Uint8Array =>
  bytes.subarray(offset, bytes.indexOf(NEWLINE, offset));

const countLines = (bytes: Uint8Array): number => {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
};
