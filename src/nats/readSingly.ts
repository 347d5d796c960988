import {
  concat,
  concatMap,
  defer,
  EMPTY,
  expand,
  forkJoin,
  from,
  map,
  type Observable,
  of,
  toArray,
} from 'rxjs';
import type { LedgerRecord } from '../../streams/relay/cluster/ledger.js';

/** Requests under way. */
const MAX_REQUESTS = 8;
/** Records that each of them should find in a round, one after the other, and that it can find at most. */
const RECORDS_PER_PART = 4;
const MAX_RECORDS_PER_PART = 2 * RECORDS_PER_PART;
/** Bytes that a round should find. */
const MAX_ROUND_BYTES = 1_048_576;

/** Emits the first record at an address or after it, or `undefined` if the room has no such record. */
export type ReadNext = (address: number) => Observable<LedgerRecord | undefined>;

/** Records of a range of addresses, in order. They are all of those before `end`. */
interface Part {
  readonly records: readonly LedgerRecord[];
  /** `Infinity` if no records follow. */
  readonly end: number;
}

/**
 * Emits the records of a room from an address on, from an engine that returns one record per request.
 *
 * The next record's address is in its answer, so a room would be read one request after the other. To have several under way,
 * this divides the addresses into parts, and reads those at the same time. A part should have 4 records, by the distance of the
 * records before. What is read ahead is about `maxBytes`, at most 1 MiB.
 *
 * ```text
 * addresses   1 . . 4 | . . 7 8 | . . . . | . 14
 * requests    1→4     | 5→7     | 9→14    | 13→14      at once
 *             5→7     | 8→8 9→14                       then these
 * ```
 */
export const readSingly = (next: ReadNext, address: number, maxBytes: number): Observable<LedgerRecord> =>
  next(address).pipe(
    concatMap((first) =>
      first === undefined ? EMPTY : concat(of(first), readRounds(next, first, maxBytes)),
    ),
  );

const readRounds = (next: ReadNext, first: LedgerRecord, maxBytes: number): Observable<LedgerRecord> => {
  let size = first.bytes.length;
  let count = 1;
  let end = first.address + 1;
  let partLength = RECORDS_PER_PART;
  const round = defer(() => {
    const missing = Math.min(maxBytes - size, MAX_ROUND_BYTES);
    const wanted = Math.ceil(missing / Math.max(1, size / count) / RECORDS_PER_PART);
    const parts = Math.max(1, Math.min(MAX_REQUESTS, wanted));
    return readRound(next, end, partLength, parts);
  });
  return round.pipe(
    expand((part) => {
      const { records } = part;
      for (const { bytes } of records) size += bytes.length;
      count += records.length;
      const length = part.end - end;
      end = part.end;
      if (end === Infinity || size >= maxBytes) return EMPTY;
      partLength = Math.ceil((RECORDS_PER_PART * length) / Math.max(1, records.length));
      return round;
    }),
    concatMap(({ records }) => from(records)),
  );
};

/** Emits the records of several parts that follow each other, as far as all of them were read. */
const readRound = (next: ReadNext, start: number, partLength: number, parts: number): Observable<Part> =>
  forkJoin(
    Array.from({ length: parts }, (_, n) =>
      readPart(next, start + n * partLength, start + (n + 1) * partLength),
    ),
  ).pipe(
    map((all) => {
      const records: LedgerRecord[] = [];
      let end = start;
      for (const [n, part] of all.entries()) {
        // A part that ends early leaves a hole before the next one.
        if (end < start + n * partLength) break;
        // The part before may have found the first record of this one or of a later one.
        records.push(...part.records.filter(({ address }) => address >= end));
        end = Math.max(end, part.end);
      }
      return { records, end };
    }),
  );

/** Reads the records from an address on, until one is not before `end`. That one is included. */
const readPart = (next: ReadNext, start: number, end: number): Observable<Part> =>
  next(start).pipe(
    expand((record, index) => {
      const isDone = record === undefined || record.address >= end - 1 || index === MAX_RECORDS_PER_PART - 1;
      return isDone ? EMPTY : next(record.address + 1);
    }),
    toArray(),
    map((answers) => {
      const records = answers.filter((each) => each !== undefined);
      const isLast = records.length < answers.length;
      return { records, end: isLast ? Infinity : (records.at(-1)?.address ?? 0) + 1 };
    }),
  );
