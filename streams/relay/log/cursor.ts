import type { Lines } from '../../wire/lines.js';
import type { Gap, PendingRead, ReadableLog } from './history.js';
import type { Slab, Slabs } from './slabs.js';

const NEWLINE = 10;

export interface CursorOptions {
  /** The reader releases each slice when it reads again; otherwise a slice must never change. */
  readonly releasesSlices?: boolean | undefined;
}

/** The read position of one reader in a log: a number, however far it is from the end. */
export interface Cursor {
  /** Position of the entry that `read` returns next. */
  readonly position: number;
  /** Number of entries that were no longer stored when this reader reached them. */
  readonly skippedCount: number;
  /**
   * Returns the next whole lines and advances past them.
   *
   * The lines come from the memory of the log or from the store. Returns a gap if they are no longer stored, and `undefined`
   * at the end. If the store has to fetch them, does not advance and returns when to read again. If the reader releases
   * slices, a slice is valid until the next call.
   */
  read(): Uint8Array | Gap | PendingRead | undefined;
}

/** The end of what readers see: byte `end` of slab number `slab`, before position `next`. */
export interface CommitPoint {
  readonly slab: number;
  readonly end: number;
  readonly next: number;
}

/** What a cursor sees of its log. */
export interface LogView {
  readonly stored: ReadableLog | undefined;
  readonly committed: CommitPoint;
  readonly slabs: Pick<Slabs, 'at' | 'droppedCount'>;
  /** Oldest stored position. */
  readonly first: number;
  /** Oldest position in memory. */
  readonly firstInMemory: number;
  /** Returns bytes of a slab; the same slice for all readers of the same bytes. */
  slice(slab: Slab, from: number, end: number): Uint8Array;
}

/** Creates a cursor at a position; past the end, at the end. */
export const logCursor = (
  log: LogView,
  from: number,
  { releasesSlices = false }: CursorOptions = {},
): Cursor => new LogCursor(log, from, releasesSlices);

/** A class, since each member has a cursor: as an object of closures with a getter it took 1.5 KiB (ADR 0029). */
class LogCursor implements Cursor {
  readonly #log: LogView;
  #position: number;
  #skippedCount = 0;
  /** Number of the slab of the position, and the offset in it; -1: not located yet. */
  #slab = -1;
  #offset = 0;
  readonly #releasesSlices: boolean;
  /** Slab of the last slice, while the reader uses that. */
  #lastSlab: Slab | undefined;

  constructor(log: LogView, from: number, releasesSlices: boolean) {
    this.#log = log;
    this.#releasesSlices = releasesSlices;
    this.#position = Math.min(Math.max(1, from), log.committed.next);
  }

  get position(): number {
    return this.#position;
  }

  get skippedCount(): number {
    return this.#skippedCount;
  }

  read(): Uint8Array | Gap | PendingRead | undefined {
    if (this.#lastSlab !== undefined) {
      this.#lastSlab.refCount -= 1;
      this.#lastSlab = undefined;
    }
    const { first, firstInMemory } = this.#log;
    return this.#position < Math.max(first, firstInMemory) ? this.#readStore() : this.#readMemory();
  }

  #readMemory(): Uint8Array | undefined {
    const { committed, slabs } = this.#log;
    if (this.#slab < slabs.droppedCount) {
      const located = locate(this.#log, this.#position);
      this.#slab = located.slab;
      this.#offset = located.offset;
    }
    if (this.#slab < committed.slab && this.#offset === slabs.at(this.#slab)?.end) {
      this.#slab += 1;
      this.#offset = 0;
    }
    const slab = slabs.at(this.#slab);
    const isLast = this.#slab === committed.slab;
    const end = isLast ? committed.end : slab?.end;
    if (slab === undefined || end === undefined || this.#offset === end) return undefined;
    if (this.#releasesSlices) {
      slab.refCount += 1;
      this.#lastSlab = slab;
    } else slab.isPinned = true;
    const slice = this.#log.slice(slab, this.#offset, end);
    this.#offset = end;
    this.#position = isLast ? committed.next : slab.first + slab.count;
    return slice;
  }

  #readStore(): Uint8Array | Gap | PendingRead {
    const { committed, first, stored } = this.#log;
    this.#slab = -1;
    const found = this.#position < first ? undefined : stored?.read(this.#position);
    if (found !== undefined && 'bytes' in found) {
      // The store can have more by now than the relay has committed.
      const { bytes, count } = firstLines(committed.next - this.#position, found);
      this.#position += count;
      return bytes;
    }
    if (found !== undefined && 'ready$' in found) return found;
    const from = this.#position;
    this.#position =
      found === undefined ? Math.max(this.#log.first, from + 1) : Math.min(found.to + 1, committed.next);
    this.#skippedCount += this.#position - from;
    return { from, to: this.#position - 1 };
  }
}

/** Returns the slab of a position in memory, and the offset in it. */
export const locate = (
  { committed, slabs }: Pick<LogView, 'committed' | 'slabs'>,
  position: number,
): { readonly slab: number; readonly offset: number } => {
  let slab = committed.slab;
  while (slab > slabs.droppedCount && (slabs.at(slab)?.first ?? 0) > position) slab -= 1;
  return { slab, offset: offsetOf(slabs.at(slab), position, committed) };
};

/** Returns at most `limit` lines of a batch. */
const firstLines = (limit: number, { bytes, count }: Lines): Lines => {
  if (count <= limit) return { bytes, count };
  let end = 0;
  for (let n = 0; n < limit; n += 1) end = bytes.indexOf(NEWLINE, end) + 1;
  return { bytes: bytes.subarray(0, end), count: limit };
};

/** Returns the offset of a position in a slab of which readers see what is committed. */
const offsetOf = (slab: Slab | undefined, position: number, committed: CommitPoint): number => {
  if (slab === undefined) return 0;
  if (position >= committed.next) return committed.end;
  let offset = 0;
  for (let n = slab.first; n < position; n += 1) offset = slab.bytes.indexOf(NEWLINE, offset) + 1;
  return offset;
};
