/* The memory of the logs: the slabs of each, and the budget that all share. */

/** The share of one log in a memory budget. */
export interface Reservation {
  /** Reserves bytes. Above the limit, logs evict until all fits: least recently used first, this one last. */
  readonly reserve: (bytes: number) => void;
  readonly release: (bytes: number) => void;
}

/** A limit in bytes that logs share. */
export interface MemoryBudget {
  readonly usedBytes: number;
  /** More is used than the limit and nothing can be evicted: what is left is not committed. */
  readonly isExceeded: boolean;
  /** Changes the limit. Above it, logs evict until all fits. */
  readonly setLimit: (limitBytes: number | undefined) => void;
  /** Opens a reservation. `evict` releases the memory that its log needs least, and returns whether there was any. */
  readonly openReservation: (evict: () => boolean) => Reservation;
}

/**
 * Creates a limit in bytes for the memory of the logs of all rooms.
 *
 * A log that reserves is in use, and the log that has not reserved for longest evicts first. A reader that still needs
 * evicted entries reads them from the store, or gets a gap.
 *
 * @example
 * import { memoryBudget } from './slabs.js';
 * import { roomLog } from './roomLog.js';
 *
 * const budget = memoryBudget(1 << 28);
 * const logs = ['a', 'b'].map((id) => roomLog({ id, windowBytes: 1 << 24, budget }));
 */
export const memoryBudget = (initialLimitBytes?: number): MemoryBudget => {
  let limitBytes = initialLimitBytes ?? Infinity;
  let usedBytes = 0;
  /** Bytes by the eviction of their holder, least recently used first. */
  const holders = new Map<() => boolean, number>();

  const shrink = () => {
    for (const evict of holders.keys()) while (usedBytes > limitBytes && evict());
  };

  const change = (evict: () => boolean, bytes: number) => {
    usedBytes += bytes;
    const own = (holders.get(evict) ?? 0) + bytes;
    if (bytes > 0 || own === 0) holders.delete(evict);
    if (own > 0) holders.set(evict, own);
  };

  return {
    get usedBytes() {
      return usedBytes;
    },
    get isExceeded() {
      return usedBytes > limitBytes;
    },
    setLimit: (newLimitBytes = Infinity) => {
      limitBytes = newLimitBytes;
      shrink();
    },
    openReservation: (evict) => ({
      reserve: (bytes) => {
        change(evict, bytes);
        if (usedBytes > limitBytes) shrink();
      },
      release: (bytes) => {
        change(evict, -bytes);
      },
    }),
  };
};

/** A block of memory of a log: `count` lines in the first `end` bytes, the first at position `first`. */
export interface Slab {
  readonly bytes: Uint8Array;
  readonly first: number;
  end: number;
  count: number;
  /** Number of cursors whose last slice is in use. */
  refCount: number;
  /** A slice was given to a reader that never releases it. */
  isPinned: boolean;
}

const MIN_SLAB_BYTES = 4096;
const MAX_SLAB_BYTES = 262_144;
/** Maximum number of slabs that wait for reuse: what a few commits of a busy room need. */
const MAX_SPARE_SLABS = 4;

/**
 * The memory of a log: slabs, numbered from 0.
 *
 * Slabs start small and double, since most rooms are small. The oldest are dropped first, and reused if nobody reads
 * them any more. New memory is cold, and V8 collects its whole heap for every 64 MB of it. That was a quarter of the
 * relay's work with lines of 1 KiB and ten members (ADR 0026).
 */
export class Slabs {
  /** Size in bytes of the largest slab, unless a single line is longer. */
  readonly largest: number;
  /** Number of dropped slabs: the number of the oldest one that is left. */
  droppedCount = 0;
  /** Bytes of all slabs, without the spare ones. */
  byteLength = 0;
  readonly #spare: Uint8Array[] = [];
  readonly #slabs: Slab[] = [];
  readonly #reservation: Reservation;

  constructor(windowBytes: number, reservation: Reservation) {
    this.largest = Math.min(MAX_SLAB_BYTES, Math.max(1, Math.floor(windowBytes / 4)));
    this.#reservation = reservation;
  }

  get oldest(): Slab | undefined {
    return this.#slabs[0];
  }

  /** The number of the next new slab. */
  get next(): number {
    return this.droppedCount + this.#slabs.length;
  }

  at(number: number): Slab | undefined {
    return this.#slabs[number - this.droppedCount];
  }

  /** Returns the newest slab, or a new one if `length` bytes do not fit; `first` is the position of its first line. */
  slabFor(length: number, first: number): Slab {
    const last = this.#slabs.at(-1);
    if (last !== undefined && last.end + length <= last.bytes.length) return last;
    const size = Math.max(
      length,
      Math.min(this.largest, last === undefined ? MIN_SLAB_BYTES : 2 * last.bytes.length),
    );
    const reused = size === this.largest ? this.#spare.pop() : undefined;
    if (reused !== undefined) this.#reservation.release(size);
    // Before the slab is added: reserving can evict slabs of this log.
    this.#reservation.reserve(size);
    const bytes = reused ?? new Uint8Array(size);
    const slab: Slab = { bytes, first, end: 0, count: 0, refCount: 0, isPinned: false };
    this.#slabs.push(slab);
    this.byteLength += size;
    return slab;
  }

  dropOldest(): void {
    const { bytes, refCount, isPinned } = this.#slabs.shift() as Slab;
    this.droppedCount += 1;
    this.byteLength -= bytes.length;
    const isFree = refCount === 0 && !isPinned;
    if (isFree && bytes.length === this.largest && this.#spare.length < MAX_SPARE_SLABS)
      this.#spare.push(bytes);
    else this.#reservation.release(bytes.length);
  }

  dropNewest(): void {
    const { bytes } = this.#slabs.pop() as Slab;
    this.byteLength -= bytes.length;
    this.#reservation.release(bytes.length);
  }

  /** Drops the spare slabs, and returns whether there were any. */
  dropSpare(): boolean {
    if (this.#spare.length === 0) return false;
    this.#reservation.release(this.#spare.length * this.largest);
    this.#spare.length = 0;
    return true;
  }

  /** Releases the reservation. */
  release(): void {
    this.dropSpare();
    this.#reservation.release(this.byteLength);
  }
}
