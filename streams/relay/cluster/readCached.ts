import {
  concat,
  concatMap,
  defaultIfEmpty,
  defer,
  EMPTY,
  forkJoin,
  from,
  map,
  type Observable,
  of,
  take,
} from 'rxjs';
import { batchChecksum } from './batch.js';
import { concatBytes, equalBytes } from './fields.js';
import { type Anchor, batchOf, findAnchor, type LogRecords } from './findAnchor.js';
import type { CachedRecord, CachedRoom, LedgerRecord } from './ledger.js';
import { BLOCK_BYTES, MAX_READ_BYTES, type ReadBlock } from './readBlock.js';

export interface ReadCachedOptions {
  /** The engine, which has to confirm what is read from the cache. */
  readonly records: LogRecords;
  readonly cached: CachedRoom;
  readonly position: number;
  /** An anchor that is not after the position. */
  readonly low: Anchor;
  /** An anchor after the position; its address is `Infinity` if it is not known. */
  readonly high: Anchor;
}

/** Batches that follow each other in the cache. */
export interface CachedRun {
  /** The first record and the last one. */
  readonly first: CachedRecord;
  readonly last: CachedRecord;
  readonly blocks: readonly ReadBlock[];
  /** The anchor after the last record. */
  readonly end: Anchor;
}

/**
 * Reads entries of a log from a position on, from the records that the relay has on its own disk. Emits the blocks of about a
 * MiB of records at once: a reader that waits for its network between them finds the next one in memory. Completes where the cache ends, with nothing if it does not have the position. Errors with the engine.
 *
 * Nothing is emitted that the engine does not have. For each MiB, the engine returns the first and the last record, at the
 * same time. If both are those of the cache, all between them are too: the cache links each record to the one before it by its
 * checksum, and an engine removes records only from the start, by their age, or loses them at its end. Otherwise it completes,
 * and the reader continues in the engine. Records that have expired there, or are others, are removed from the cache.
 *
 * ```text
 * cache     3 4 5 6 7
 * engine        5 - 7 8      3 and 4 have expired: completes, and removes them
 * engine    3 - - - 7 8      emits the entries of 3 to 7
 * ```
 */
export const readCached = (options: ReadCachedOptions): Observable<readonly ReadBlock[]> =>
  defer(() => {
    const { records, cached, position, low, high } = options;
    const ledger = { read: (_room: string, address: number) => from(cached.read(address, 1)) };
    return findAnchor({ ...records, ledger }, position, low, high).pipe(
      concatMap((anchor) => readPages(options, anchor)),
    );
  });

const readPages = (options: ReadCachedOptions, anchor: Anchor): Observable<readonly ReadBlock[]> =>
  defer(() => {
    const { records, cached, position } = options;
    const run = takeRun(cached.read(anchor.tail, MAX_READ_BYTES), { id: records.id, anchor, position });
    if (run === undefined) return EMPTY;
    return isStored(options, run).pipe(
      concatMap((isConfirmed) => (isConfirmed ? concat(of(run.blocks), readPages(options, run.end)) : EMPTY)),
    );
  });

interface RunOptions {
  /** Id of the log. */
  readonly id: string;
  readonly anchor: Anchor;
  readonly position: number;
}

/**
 * Returns the batches that follow an anchor, as far as each is linked to the one before it, and the blocks of entries from a
 * position on. Returns `undefined` if there are no such entries.
 */
export const takeRun = (
  cached: readonly CachedRecord[],
  { id, anchor, position }: RunOptions,
): CachedRun | undefined => {
  let { tail, next } = anchor;
  /** Checksum of the batch at `tail`, if the cache has it. */
  let checksum: number | undefined;
  let first: CachedRecord | undefined;
  let last: CachedRecord | undefined;
  const blocks: ReadBlock[] = [];
  let parts: Uint8Array[] = [];
  let byteLength = 0;
  let blockFirst = next;

  const cut = () => {
    if (byteLength > 0)
      blocks.push({
        block: { first: blockFirst, next, bytes: concatBytes(parts) },
        anchor: { tail, next },
      });
    parts = [];
    byteLength = 0;
  };

  for (const record of cached) {
    if (record.address === tail && last === undefined) {
      checksum = batchChecksum(record.bytes);
      continue;
    }
    const batch = batchOf(record.bytes, id, true);
    if (batch === undefined || batch.previous !== tail || batch.first !== next) break;
    if (checksum !== undefined && record.previousChecksum !== checksum) break;
    first ??= record;
    last = record;
    tail = record.address;
    next += batch.lines.count;
    checksum = batchChecksum(record.bytes);
    if (next <= position || batch.lines.count === 0) continue;
    if (byteLength === 0) blockFirst = batch.first;
    parts.push(batch.lines.bytes);
    byteLength += batch.lines.bytes.length;
    if (byteLength >= BLOCK_BYTES) cut();
  }
  cut();
  return first === undefined || last === undefined || blocks.length === 0
    ? undefined
    : { first, last, blocks, end: { tail, next } };
};

/** Emits whether the engine has the first and the last record of a run. */
const isStored = (
  { records: { ledger, room }, cached }: ReadCachedOptions,
  { first, last }: CachedRun,
): Observable<boolean> => {
  const find = ({ address }: LedgerRecord): Observable<LedgerRecord | undefined> =>
    ledger.read(room, address, { maxBytes: 1 }).pipe(take(1), defaultIfEmpty(undefined));
  return forkJoin([find(first), first === last ? EMPTY.pipe(defaultIfEmpty(last)) : find(last)]).pipe(
    map(([foundFirst, foundLast]) => {
      if (isOther(first, foundFirst) || isOther(last, foundLast)) cached.removeBefore(Infinity);
      else if (foundFirst !== undefined && foundFirst.address > first.address)
        cached.removeBefore(foundFirst.address);
      return isSame(first, foundFirst) && isSame(last, foundLast);
    }),
  );
};

const isSame = (record: LedgerRecord, found: LedgerRecord | undefined): boolean =>
  found?.address === record.address && equalBytes(found.bytes, record.bytes);

/** Whether the engine has another record at the same address. */
const isOther = (record: LedgerRecord, found: LedgerRecord | undefined): boolean =>
  found?.address === record.address && !equalBytes(found.bytes, record.bytes);
