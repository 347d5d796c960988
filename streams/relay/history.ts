import type { Observable } from 'rxjs';
import type { Lines } from '../wire/lines.js';

/** Positions that a reader asked for and that are no longer kept, both ends included. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

/** Whole lines that are to be stored together: `count` of them in `slices`, the first of them number `first`. */
export interface Batch {
  readonly first: number;
  readonly count: number;
  readonly slices: readonly Uint8Array[];
}

/** One room's log in a store. Positions count from 1 and never move. */
export interface StoredLog {
  /** Names the log. It is stored with the first batch. */
  readonly id: string;
  /** The oldest position still kept; `next` where none is. It rises as retention takes entries away. */
  readonly first: number;
  /** The position after the newest one that is stored. */
  readonly next: number;
  /**
   * Whole lines from a position on, some 64 KiB of them or one long line; the gap where that position is not kept or
   * cannot be read any more (a damaged record); `undefined` from `next` on. The bytes are the caller's to keep.
   */
  read(position: number): Lines | Gap | undefined;
  /**
   * Stores a batch that begins at `next`, whole or not at all. Cold: subscribing hands it over. Emits nothing;
   * completes once it is as durable as the store promises, never within the subscribing call; errors where it was not
   * stored. The slices must not change until then. Unsubscribing does not take it back.
   */
  append(batch: Batch): Observable<never>;
}

/**
 * Where the logs of rooms outlive the relay. Reading is synchronous and from memory or the page cache; only storing
 * takes time.
 */
export interface History {
  /** What stored is worth: `os`, it outlives the relay; `disk`, it outlives the machine. */
  readonly durability: 'os' | 'disk';
  /** Whether a room has a log here, or cannot be told to have none. Without it every room counts as new. */
  readonly has?: (room: string) => boolean;
  /**
   * The log of a room; where there is none yet, a new one under the id that `newId` makes. Throws where the store
   * cannot be read. Of one room only one log is in use at a time.
   */
  open(room: string, newId: () => string): StoredLog;
}
