import { concatMap, defaultIfEmpty, map, type Observable, of, take } from 'rxjs';
import { isBatch, parseBatch, type RoomBatch } from './batch.js';
import type { Ledger } from './ledger.js';

/** A place in a log: the batch at address `tail` is valid, and the entry after it has position `next`. */
export interface Anchor {
  readonly tail: number;
  readonly next: number;
}

/** The records of one log of a room. */
export interface LogRecords {
  readonly ledger: Pick<Ledger, 'read'>;
  readonly room: string;
  /** Id of the log. */
  readonly id: string;
}

/** Number of entries between an anchor and a position that are faster to read than to halve. */
const NEAR_ENTRIES = 64;
/** Halving 2^53 addresses takes 53. */
const MAX_PROBES = 64;

/** Returns the batch of a record, or `undefined` if it is no batch of this log. */
export const batchOf = (bytes: Uint8Array, id: string): RoomBatch | undefined => {
  const batch = parseBatch(bytes);
  return isBatch(batch) && batch.log === id ? batch : undefined;
};

/** Where to search: after a valid batch, and before an address. `limit` excludes a part that had no anchors. */
interface Range {
  readonly low: Anchor;
  readonly end: number;
  readonly limit: number;
}

/**
 * Finds an anchor near a position and not after it, by halving addresses.
 *
 * `low` is not after the position. The batch of the position is before address `end`.
 *
 * A record in the middle may be void, so its own place in the log is unknown. But its writer had read the room. So the batch
 * that it names is valid and ends before its first position, which makes an anchor. A late void record names an old batch.
 * That costs a step, or leaves an anchor that is further away. It never makes a wrong one.
 *
 * ```text
 * address    1 2 3 4 5 6 7 8        the batch at 7 is void, and follows 2
 * previous   0 1 2 3 4 5 2 6
 *                  ^       probe: after 3
 *                        ^ probe: after 2, nothing new
 *                      ^   probe: after 5
 * ```
 */
export const findAnchor = (
  records: LogRecords,
  position: number,
  low: Anchor,
  end: number,
): Observable<Anchor> => search(records, position, { low, end, limit: end }, MAX_PROBES);

const search = (records: LogRecords, position: number, range: Range, probes: number): Observable<Anchor> => {
  const { low, limit } = range;
  if (probes === 0 || limit === Infinity || limit - low.tail <= 2 || position - low.next < NEAR_ENTRIES)
    return of(low);
  const middle = low.tail + Math.floor((limit - low.tail) / 2);
  return records.ledger.read(records.room, middle, { maxBytes: 1 }).pipe(
    take(1),
    map(({ address, bytes }) => (address < limit ? batchOf(bytes, records.id) : undefined)),
    defaultIfEmpty(undefined),
    concatMap((batch) => search(records, position, narrow(range, position, middle, batch), probes - 1)),
  );
};

const narrow = (range: Range, position: number, middle: number, batch: RoomBatch | undefined): Range => {
  const { low, end, limit } = range;
  if (batch === undefined) return { low, end, limit: middle };
  const { previous, first } = batch;
  if (first > position) return { low, end: previous + 1, limit: Math.min(middle, previous + 1) };
  return previous > low.tail
    ? { low: { tail: previous, next: first }, end, limit: end }
    : { low, end, limit: Math.min(limit, middle) };
};
