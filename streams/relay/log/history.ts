import type { Observable } from 'rxjs';
import type { Ancestor } from '../../wire/fields.js';
import type { Lines } from '../../wire/lines.js';

/** Positions that a reader requested and that are no longer stored, both ends included. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

/** Whole lines to be stored together: `count` of them in `slices`, the first at position `first`. */
export interface Batch {
  readonly first: number;
  readonly count: number;
  readonly slices: readonly Uint8Array[];
}

/** A read that has to fetch its entries first. */
export interface PendingRead {
  /**
   * Completes when reading again makes sense, never within the subscribing call. Errors if the log cannot be read.
   *
   * The entries are fetched while somebody subscribes.
   */
  readonly ready$: Observable<never>;
}

/** A log from which cursors read what is no longer in memory. Positions count from 1 and never change. */
export interface ReadableLog {
  readonly id: string;
  /** The logs that this one continues, newest first. */
  readonly ancestors?: readonly Ancestor[];
  /** Oldest stored position, or `next` if the log is empty. It rises when retention removes entries. */
  readonly first: number;
  /** The position after the newest stored entry. */
  readonly next: number;
  /**
   * Returns whole lines from a position on: about 64 KiB, or one long line.
   *
   * Returns a gap if the position is not stored or its record is damaged, and `undefined` from `next` on. The caller owns the
   * bytes.
   */
  read(position: number): Lines | Gap | PendingRead | undefined;
}

/** The stored log of a room. Its reads answer at once. */
export interface StoredLog extends ReadableLog {
  /** Id of the log, stored with its first batch. */
  readonly id: string;
  read(position: number): Lines | Gap | undefined;
  /**
   * Stores a batch that begins at `next`, completely or not at all.
   *
   * Cold: subscribing passes the batch to the store. Emits nothing. Completes when the batch is as durable as the store
   * promises, never within the subscribing call; errors if it was not stored. The slices must not change until then.
   * Unsubscribing does not cancel it.
   */
  append(batch: Batch): Observable<never>;
}

/** A store for the logs of rooms. Reading is synchronous, from memory or the page cache; only storing takes time. */
export interface History {
  /** What stored entries survive: `os`, a crash of the relay; `disk`, a crash of the machine. */
  readonly durability: 'os' | 'disk';
  /** Returns false only if a room has no log here. Without it every room counts as new. */
  readonly has?: (room: string) => boolean;
  /**
   * Opens the log of a room, or creates it with the id that `newId` returns. In a store that was restored to an earlier
   * state, the log of a room continues under a new id, and the former one is its ancestor. Throws if the store cannot be
   * read.
   *
   * At most one log of a room is in use at a time.
   */
  open(room: string, newId: () => string): StoredLog;
  /**
   * Removes a room with its log: a batch that was received before is removed too. The log that `open` returned is not used
   * again. Emits what was removed, and completes. Errors if that failed; then newer entries can be left, and the room stays.
   */
  readonly remove?: ((room: string) => Observable<RemovedEntries>) | undefined;
}

/** Number of entries that were removed, and their bytes. */
export interface RemovedEntries {
  readonly entries: number;
  readonly bytes: number;
}
