import type { Lines } from '../wire/lines.js';
import type { Gap, StoredLog } from './history.js';
import type { Slab, Slabs } from './slabs.js';

const NEWLINE = 10;

export interface CursorOptions {
  /** The reader is done with each slice when it reads on; without it, a slice stays as it is for ever. */
  readonly borrows?: boolean | undefined;
}

/**
 * Where one reader stands in a log: a number, whatever the distance to the end. Of the log's memory it holds nothing, or
 * where it borrows what it gave last.
 */
export interface Cursor {
  /** The position of the entry that `read` gives next. */
  readonly position: number;
  /**
   * The next whole lines, from the log's own memory or from the store, or the gap that the reader fell into, or
   * `undefined` at the end; and moves on by them. Where it borrows, a slice is good until it reads again.
   */
  read(): Uint8Array | Gap | undefined;
}

/** How far readers may read: up to byte `end` of slab number `slab`, which is up to the entry before `next`. */
export interface Mark {
  readonly slab: number;
  readonly end: number;
  readonly next: number;
}

/** What a cursor sees of its log. */
export interface LogPages {
  readonly stored: StoredLog | undefined;
  /** How far readers may read. */
  readonly committed: Mark;
  readonly slabs: Pick<Slabs, 'at' | 'gone'>;
  /** The oldest position still kept. */
  readonly first: number;
  /** The oldest position that is in memory. */
  readonly remembered: number;
  /** Bytes of a slab; the same slice for all who read the same. */
  slice(slab: Slab, from: number, end: number): Uint8Array;
}

/** A reader of a log. */
export const logCursor = (pages: LogPages, from: number, { borrows = false }: CursorOptions = {}): Cursor =>
  new LogCursor(pages, from, borrows);

/** A class: each member has one, and as an object of closures with a getter it took 1.5 KiB. */
class LogCursor implements Cursor {
  readonly #pages: LogPages;
  #position: number;
  /** The slab that the position is in, and where in it; -1: not looked up yet. */
  #slab = -1;
  #offset = 0;
  readonly #borrows: boolean;
  /** The slab of the slice that was read last, while the reader may look at that. */
  #borrowed: Slab | undefined;

  constructor(pages: LogPages, from: number, borrows: boolean) {
    this.#pages = pages;
    this.#borrows = borrows;
    this.#position = Math.min(Math.max(1, from), pages.committed.next);
  }

  get position(): number {
    return this.#position;
  }

  read(): Uint8Array | Gap | undefined {
    if (this.#borrowed !== undefined) {
      this.#borrowed.lent -= 1;
      this.#borrowed = undefined;
    }
    const { first, remembered } = this.#pages;
    return this.#position < Math.max(first, remembered) ? this.#readStore() : this.#readMemory();
  }

  #find(): void {
    const { slab, offset } = locate(this.#pages, this.#position);
    this.#slab = slab;
    this.#offset = offset;
  }

  #readMemory(): Uint8Array | undefined {
    const { committed, slabs } = this.#pages;
    if (this.#slab < slabs.gone) this.#find();
    if (this.#slab < committed.slab && this.#offset === slabs.at(this.#slab)?.end) {
      this.#slab += 1;
      this.#offset = 0;
    }
    const slab = slabs.at(this.#slab);
    const last = this.#slab === committed.slab;
    const end = last ? committed.end : slab?.end;
    if (slab === undefined || end === undefined || this.#offset === end) return undefined;
    if (this.#borrows) {
      slab.lent += 1;
      this.#borrowed = slab;
    } else slab.isKept = true;
    const slice = this.#pages.slice(slab, this.#offset, end);
    this.#offset = end;
    this.#position = last ? committed.next : slab.first + slab.count;
    return slice;
  }

  #readStore(): Uint8Array | Gap {
    const { committed, first, stored } = this.#pages;
    this.#slab = -1;
    const found = this.#position < first ? undefined : stored?.read(this.#position);
    if (found !== undefined && 'bytes' in found) {
      // The store may have more by now than it has said.
      const { bytes, count } = upTo(committed.next - this.#position, found);
      this.#position += count;
      return bytes;
    }
    const from = this.#position;
    this.#position =
      found === undefined ? Math.max(this.#pages.first, from + 1) : Math.min(found.to + 1, committed.next);
    return { from, to: this.#position - 1 };
  }
}

/** The slab that a position in memory is in, and where in it. */
export const locate = (
  { committed, slabs }: Pick<LogPages, 'committed' | 'slabs'>,
  position: number,
): { readonly slab: number; readonly offset: number } => {
  let slab = committed.slab;
  while (slab > slabs.gone && (slabs.at(slab)?.first ?? 0) > position) slab -= 1;
  return { slab, offset: offsetOf(slabs.at(slab), position, committed) };
};

/** The first few of some lines. */
const upTo = (limit: number, { bytes, count }: Lines): Lines => {
  if (count <= limit) return { bytes, count };
  let end = 0;
  for (let n = 0; n < limit; n += 1) end = bytes.indexOf(NEWLINE, end) + 1;
  return { bytes: bytes.subarray(0, end), count: limit };
};

/** Where a position begins in a slab of which readers may see what is committed. */
const offsetOf = (slab: Slab | undefined, position: number, committed: Mark): number => {
  if (slab === undefined) return 0;
  if (position >= committed.next) return committed.end;
  let offset = 0;
  for (let n = slab.first; n < position; n += 1) offset = slab.bytes.indexOf(NEWLINE, offset) + 1;
  return offset;
};
