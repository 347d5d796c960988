import type { Lines } from '../wire/lines.js';
import type { Batch, StoredLog } from './history.js';
import { type Cursor, logCursor, type LogPages, type Mark, type Slab } from './logCursor.js';
import { type WindowBudget, windowBudget } from './windowBudget.js';

export type { Cursor } from './logCursor.js';

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
  /** A reader that begins at a position; past the end, at the end. */
  readonly cursor: (position: number) => Cursor;
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

const SMALLEST_SLAB = 4096;
const LARGEST_SLAB = 262_144;
const NEWLINE = 10;

/**
 * A room's log in memory, with a store behind it or without.
 *
 * Lines are copied once, into slabs that every reader shares; a read is a slice of one and goes to its end, so that a
 * cursor knows its position without counting lines. Slabs begin small and double, since most rooms are. At each commit
 * the oldest slabs go until the rest is not over `window` bytes: by then whoever keeps up has read them. So the log
 * holds the window and what one commit brings; and of a slab that is gone a socket may still hold one slice (at most
 * 256 KiB). A reader that fell behind the memory reads from the store, and where that has no more, or there is none,
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
export const roomLog = ({ id, window, stored, budget = windowBudget() }: RoomLogOptions): RoomLog => {
  const largest = Math.min(LARGEST_SLAB, Math.max(1, Math.floor(window / 4)));
  const slabs: Slab[] = [];
  /** How many slabs are gone: slab number k is `slabs[k - gone]`. */
  let gone = 0;
  /** Bytes that the slabs take. */
  let held = 0;
  let next = stored?.next ?? 1;
  let uncommitted = 0;
  let committed: Mark = { slab: 0, end: 0, next };

  const slabAt = (k: number): Slab | undefined => slabs[k - gone];
  /** The oldest position that readers find in memory. */
  const remembered = () => Math.min(slabs[0]?.first ?? next, committed.next);
  const first = () => Math.min(stored?.first ?? remembered(), committed.next);

  const slabFor = (bytes: number): Slab => {
    const last = slabs.at(-1);
    if (last !== undefined && last.end + bytes <= last.bytes.length) return last;
    const size = Math.max(
      bytes,
      Math.min(largest, last === undefined ? SMALLEST_SLAB : 2 * last.bytes.length),
    );
    const slab: Slab = { bytes: new Uint8Array(size), first: next, end: 0, count: 0 };
    // Before it is one of the slabs: those may be shed now.
    account.take(size);
    slabs.push(slab);
    held += size;
    return slab;
  };

  const free = ({ bytes: { length } }: Slab): void => {
    held -= length;
    account.give(length);
  };

  const dropOldest = (): void => {
    free(slabs.shift() as Slab);
    gone += 1;
  };

  const account = budget.account(() => {
    if (slabs.length === 0 || (gone === committed.slab && next > committed.next)) return false;
    if (gone === committed.slab) committed = { ...committed, slab: gone + 1, end: 0 };
    dropOldest();
    return true;
  });

  const append = ({ bytes, count }: Lines): void => {
    if (bytes.length <= largest || count === 1) {
      const slab = slabFor(bytes.length);
      slab.bytes.set(bytes, slab.end);
      slab.end += bytes.length;
      slab.count += count;
      next += count;
      uncommitted += bytes.length;
      return;
    }
    // More than a slab at once: cut it at a newline, so that each slab holds whole lines.
    const cut = bytes.lastIndexOf(NEWLINE, largest - 1) + 1 || bytes.indexOf(NEWLINE) + 1;
    const head = bytes.subarray(0, cut);
    const headCount = countLines(head);
    append({ bytes: head, count: headCount });
    append({ bytes: bytes.subarray(cut), count: count - headCount });
  };

  const batch = (): Batch => {
    const slices: Uint8Array[] = [];
    for (let k = committed.slab; k < gone + slabs.length; k += 1) {
      const { bytes, end } = slabAt(k) as Slab;
      const from = k === committed.slab ? committed.end : 0;
      if (from < end) slices.push(bytes.subarray(from, end));
    }
    return { first: committed.next, count: next - committed.next, slices };
  };

  const commit = ({ count, slices }: Batch): void => {
    // What was committed before has been read by whoever keeps up.
    while (held > window && gone < committed.slab) dropOldest();
    let { slab, end } = committed;
    for (const { length } of slices) {
      if (slabAt(slab)?.end === end && slab - gone < slabs.length - 1) {
        slab += 1;
        end = 0;
      }
      end += length;
      uncommitted -= length;
    }
    committed = { slab, end, next: committed.next + count };
  };

  const rollBack = (): void => {
    next = committed.next;
    uncommitted = 0;
    while (gone + slabs.length - 1 > committed.slab) free(slabs.pop() as Slab);
    const last = slabAt(committed.slab);
    if (last === undefined) return;
    last.end = committed.end;
    last.count = next - last.first;
  };

  const pages: LogPages = {
    stored,
    slabAt,
    first,
    remembered,
    get gone() {
      return gone;
    },
    get committed() {
      return committed;
    },
  };

  return {
    id,
    get first() {
      return first();
    },
    get next() {
      return committed.next;
    },
    get end() {
      return next;
    },
    get uncommitted() {
      return uncommitted;
    },
    append,
    batch,
    commit,
    rollBack,
    cursor: (from) => logCursor(pages, from),
    close: () => {
      account.give(held);
    },
  };
};

const countLines = (bytes: Uint8Array): number => {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
};
