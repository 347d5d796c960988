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

/** Number of entries between an anchor and a position that are faster to read than to probe. */
const NEAR_ENTRIES = 64;
/** Halving 2^53 addresses takes 53. */
const MAX_PROBES = 64;

/** Returns the batch of a record, or `undefined` if it is no batch of this log. */
export const batchOf = (bytes: Uint8Array, id: string, isVerified = false): RoomBatch | undefined => {
  const batch = parseBatch(bytes, isVerified);
  return isBatch(batch) && batch.log === id ? batch : undefined;
};

/** Where to search: after a valid batch, and before an address. `limit` excludes a part that had no anchors. */
interface Range {
  readonly low: Anchor;
  readonly end: number;
  /** Position of the entry at `end`, or one near it. */
  readonly endPosition: number;
  readonly limit: number;
}

/**
 * Finds an anchor near a position and not after it, by probing addresses.
 *
 * `low` is not after the position. The batch of the position is before the address `end.tail`, where the entries from
 * `end.next` on begin.
 *
 * Rooms that are written evenly have addresses in proportion to their positions. So every other probe is where the position
 * should be, and those between halve the range.
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
  { tail: end, next: endPosition }: Anchor,
): Observable<Anchor> => search(records, position, { low, end, endPosition, limit: end }, MAX_PROBES);

const search = (records: LogRecords, position: number, range: Range, probes: number): Observable<Anchor> => {
  const { low, limit } = range;
  if (probes === 0 || limit === Infinity || limit - low.tail <= 2 || position - low.next < NEAR_ENTRIES)
    return of(low);
  const middle = probes % 2 === 0 ? estimate(range, position) : low.tail + Math.floor((limit - low.tail) / 2);
  return records.ledger.read(records.room, middle, { maxBytes: 1 }).pipe(
    take(1),
    map(({ address, bytes }) => (address < limit ? batchOf(bytes, records.id) : undefined)),
    defaultIfEmpty(undefined),
    concatMap((batch) => search(records, position, narrow(range, position, middle, batch), probes - 1)),
  );
};

/** Returns the address at which entries a little before a position should be. */
const estimate = ({ low, end, endPosition, limit }: Range, position: number): number => {
  const share = (position - NEAR_ENTRIES / 2 - low.next) / Math.max(1, endPosition - low.next);
  const address = low.tail + Math.round(share * (end - low.tail));
  return Math.max(low.tail + 1, Math.min(limit - 1, address));
};

const narrow = (range: Range, position: number, middle: number, batch: RoomBatch | undefined): Range => {
  const { low, end, limit } = range;
  if (batch === undefined) return { ...range, limit: middle };
  const { previous, first } = batch;
  if (first > position)
    return { low, end: previous + 1, endPosition: first, limit: Math.min(middle, previous + 1) };
  return previous > low.tail
    ? { ...range, low: { tail: previous, next: first }, limit: end }
    : { ...range, limit: Math.min(limit, middle) };
};
