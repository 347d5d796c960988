import type { Lines } from '../wire/lines.js';

/** Positions that a cursor asked for and that are no longer kept, both ends included. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

/**
 * Where one reader stands in a log: a number, whatever the distance to the end. Of the log's memory it holds
 * nothing.
 */
export interface Cursor {
  /** The position of the entry that `read` gives next. */
  readonly position: number;
  /**
   * The next whole lines as a slice of the log's own memory, or the gap that the reader fell into, or `undefined` at
   * the end; and moves on by them.
   */
  read(): Uint8Array | Gap | undefined;
}

/** A room as a log of lines: the n-th line is entry number n, counted from 1. */
export interface RoomLog {
  /** Names this log; another log of the same room has another id. */
  readonly id: string;
  /** The oldest position still kept; `next` where none is. */
  readonly first: number;
  /** The position that the next line will get. */
  readonly next: number;
  /** Copies whole lines to the end. */
  append(lines: Lines): void;
  /** A reader that begins at a position; past the end, at the end. */
  cursor(position: number): Cursor;
}

export interface RoomLogOptions {
  readonly id: string;
  /** How many bytes of lines to keep in memory. What is older goes, a slab at a time. */
  readonly window: number;
}

/** The smallest window in bytes: four slabs of the longest line. */
export const SMALLEST_WINDOW = 262_144;

/** The window in bytes where nothing else was said. */
export const DEFAULT_WINDOW = 16_777_216;

const SMALLEST_SLAB = 4096;
const LARGEST_SLAB = 262_144;
const NEWLINE = 10;

/** A piece of the log's memory: `count` lines in the first `end` bytes, the first of them number `first`. */
interface Slab {
  readonly bytes: Uint8Array;
  readonly first: number;
  end: number;
  count: number;
}

/**
 * A room's log in memory.
 *
 * Lines are copied once, into slabs that every reader shares; a read is a slice of one and goes to its end, so that a
 * cursor knows its position without counting lines. Slabs begin small and double, since most rooms are; together they
 * never pass `window` bytes. Beyond that, what a socket still holds of a slab that is gone lives on until it is sent:
 * at most one slab (256 KiB) per reader that is behind.
 *
 * ```text
 * slabs   [1 2 3 4 5] [6 7 8 9] [10 11 ......]
 * cursor             ^ reads 6-9, then 10-11, then nothing
 * ```
 *
 * @example
 * import { encodeText, roomLog } from 'rxchat/streams';
 *
 * const log = roomLog({ id: 'log', window: 1 << 20 });
 * const cursor = log.cursor(1);
 * log.append({ bytes: encodeText('+alice\n'), count: 1 });
 * cursor.read(); // the bytes of '+alice\n'
 */
export const roomLog = ({ id, window }: RoomLogOptions): RoomLog => {
  const largest = Math.min(LARGEST_SLAB, Math.max(1, Math.floor(window / 4)));
  const slabs: Slab[] = [];
  /** How many slabs are gone: slab number k is `slabs[k - gone]`. */
  let gone = 0;
  let held = 0;
  let next = 1;

  const first = () => slabs[0]?.first ?? next;

  const room = (bytes: number): Slab => {
    const last = slabs.at(-1);
    if (last !== undefined && last.end + bytes <= last.bytes.length) return last;
    const size = Math.max(
      bytes,
      Math.min(largest, last === undefined ? SMALLEST_SLAB : 2 * last.bytes.length),
    );
    const slab: Slab = { bytes: new Uint8Array(size), first: next, end: 0, count: 0 };
    slabs.push(slab);
    held += size;
    for (let oldest = slabs[0]; held > window && oldest !== undefined && oldest !== slab; oldest = slabs[0]) {
      held -= oldest.bytes.length;
      slabs.shift();
      gone += 1;
    }
    return slab;
  };

  const append = ({ bytes, count }: Lines) => {
    if (bytes.length <= largest || count === 1) {
      const slab = room(bytes.length);
      slab.bytes.set(bytes, slab.end);
      slab.end += bytes.length;
      slab.count += count;
      next += count;
      return;
    }
    // More than a slab at once: cut it at a newline, so that each slab holds whole lines.
    const cut = bytes.lastIndexOf(NEWLINE, largest - 1) + 1 || bytes.indexOf(NEWLINE) + 1;
    const head = bytes.subarray(0, cut);
    const headCount = countLines(head);
    append({ bytes: head, count: headCount });
    append({ bytes: bytes.subarray(cut), count: count - headCount });
  };

  const cursor = (from: number): Cursor => {
    let position = Math.min(Math.max(1, from), next);
    let slab = gone + slabs.length - 1;
    while (slab > gone && (slabs[slab - gone]?.first ?? 0) > position) slab -= 1;
    if (slab < gone) slab = gone;
    let offset = offsetOf(slabs[slab - gone], position);

    return {
      get position() {
        return position;
      },
      read() {
        if (slab < gone || position < first()) {
          slab = gone;
          offset = 0;
          const from = position;
          position = first();
          if (from < position) return { from, to: position - 1 };
        }
        let current = slabs[slab - gone];
        if (current !== undefined && offset === current.end && slab - gone < slabs.length - 1) {
          slab += 1;
          offset = 0;
          current = slabs[slab - gone];
        }
        if (current === undefined || offset === current.end) return undefined;
        const slice = current.bytes.subarray(offset, current.end);
        offset = current.end;
        position = current.first + current.count;
        return slice;
      },
    };
  };

  return {
    id,
    get first() {
      return first();
    },
    get next() {
      return next;
    },
    append,
    cursor,
  };
};

const countLines = (bytes: Uint8Array): number => {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
};

const offsetOf = (slab: Slab | undefined, position: number): number => {
  if (slab === undefined) return 0;
  if (position >= slab.first + slab.count) return slab.end;
  let offset = 0;
  for (let n = slab.first; n < position; n += 1) offset = slab.bytes.indexOf(NEWLINE, offset) + 1;
  return offset;
};
