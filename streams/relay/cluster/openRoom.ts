import {
  concat,
  concatMap,
  defaultIfEmpty,
  defer,
  EMPTY,
  filter,
  map,
  type Observable,
  of,
  reduce,
  take,
  tap,
  throwError,
} from 'rxjs';
import { isBatch, parseBatch, type RoomBatch } from './batch.js';
import { type Chain, chainBefore, EMPTY_CHAIN } from './chain.js';
import { type Ledger, type LedgerRecord, readFresh } from './ledger.js';
import { parseReservation } from './reservation.js';
import type { MemberEntry } from './sharedRoster.js';

/** Where a relay begins to read a room. */
export interface RoomStart {
  readonly chain: Chain;
  /** The members before the next batch of the chain; none if the snapshot has expired. */
  readonly members: readonly MemberEntry[];
  /** The end of the log cannot be found: another log has to begin. */
  readonly isLost: boolean;
  /** Position of the oldest entry that is kept, or one before it. */
  readonly first: number;
  /** Address of the last record, up to which the relay must read before it writes. */
  readonly last: number;
}

const NEW_ROOM: RoomStart = { chain: EMPTY_CHAIN, members: [], isLost: false, first: 1, last: 0 };

export interface OpenRoomOptions {
  /** Address of a snapshot: reading begins at an earlier one, because the records since then may be wrong. */
  readonly before?: number | undefined;
}

/** A record of a newer version: this relay cannot serve the room. */
export class NewerVersionError extends Error {
  override readonly name = 'NewerVersionError';

  constructor() {
    super('the room was written by a newer relay; update this one');
  }
}

/** What opening a room needs of a ledger. */
type OpenedLedger = Pick<Ledger, 'last' | 'read' | 'reservations'>;

/**
 * Finds where to begin reading a room: at its newest snapshot.
 *
 * The last batch names it. Whether that batch is valid itself is not known yet. But its writer had read the room, so the
 * batches that it names are valid. If the snapshot has expired, reading begins at the batch before the last one, with unknown
 * members. If that has expired, too, or the last record is damaged, all records are read. If all have expired, the log
 * continues at the end of its reservation.
 *
 * With `before`, reading begins at the snapshot before that one instead.
 *
 * Emits once and completes. Errors with the engine, or if a newer version wrote the room. A stale answer is harmless: who has
 * read too little fails to append, and reads on.
 */
export const openRoom = (
  ledger: OpenedLedger,
  room: string,
  { before = 0 }: OpenRoomOptions = {},
): Observable<RoomStart> =>
  lastRecord(ledger, room).pipe(
    concatMap((last) => {
      if (last === undefined) return afterExpiry(ledger, room);
      const batch = parseBatch(last.bytes);
      if (!isBatch(batch) && batch.type === 'newer') return throwError(() => new NewerVersionError());
      return firstFound(
        batchAt(ledger, room, before).pipe(concatMap((each) => startFrom(ledger, room, each))),
        startFrom(ledger, room, isBatch(batch) ? batch : undefined),
        startAnywhere(ledger, room, () => undefined),
        // Only the leader is certain to have all records.
        startAnywhere(readFresh(ledger), room, beforeNewest),
        afterExpiry(ledger, room),
      ).pipe(
        concatMap((start) => withFirst(ledger, room, start)),
        map((start) => ({ ...start, chain: { ...start.chain, openedAt: last.address }, last: last.address })),
      );
    }),
  );

/** Emits the first value that is not `undefined`, and completes. */
const firstFound = <T>(...sources: readonly Observable<T | undefined>[]): Observable<T> =>
  concat(...sources).pipe(
    filter((value) => value !== undefined),
    take(1),
  );

/** Emits the last record. Only the leader is certain to have it. */
const lastRecord = (ledger: OpenedLedger, room: string): Observable<LedgerRecord | undefined> =>
  firstFound(
    ledger.last(room),
    defer(() => ledger.last(room, { isFresh: true })),
  ).pipe(defaultIfEmpty(undefined));

/** Emits where a log continues of which nothing is stored. */
const afterExpiry = ({ reservations }: OpenedLedger, room: string): Observable<RoomStart> =>
  defer(() => reservations.last(room, { isFresh: true })).pipe(
    map((record) => record && parseReservation(record.bytes)),
    map((reservation): RoomStart => {
      if (reservation === undefined) return NEW_ROOM;
      const { log, generation, end } = reservation;
      // A relay that has read the expired records accepts a later generation, and does not begin another log.
      const chain = { ...EMPTY_CHAIN, log, generation: generation + 1, next: end };
      return { ...NEW_ROOM, chain, first: end };
    }),
  );

/** Emits where to begin by what a batch names, unless that has expired. */
const startFrom = (
  ledger: OpenedLedger,
  room: string,
  batch: RoomBatch | undefined,
): Observable<RoomStart | undefined> => {
  if (batch === undefined) return of(undefined);
  const { previous, snapshotAddress } = batch;
  return firstFound(
    batchAt(ledger, room, snapshotAddress).pipe(
      map((snapshot) => (snapshot?.snapshot === undefined ? undefined : begin(snapshotAddress, snapshot))),
    ),
    batchAt(ledger, room, previous).pipe(map((each) => each && begin(previous, each))),
  ).pipe(defaultIfEmpty(undefined));
};

/** What a scan of all records has found. */
interface Scan {
  /** The batch that names the latest one as valid. */
  readonly newest: RoomBatch;
  /** Number of batches of its log. */
  readonly count: number;
  /** Address of the last record. */
  readonly last: number;
}

const takeRecord = (scan: Scan | undefined, { address, bytes }: LedgerRecord): Scan | undefined => {
  const batch = parseBatch(bytes);
  if (!isBatch(batch)) return scan && { ...scan, last: address };
  if (scan === undefined || batch.base > scan.newest.base) return { newest: batch, count: 1, last: address };
  if (batch.base < scan.newest.base) return { ...scan, last: address };
  const newest = batch.previous > scan.newest.previous ? batch : scan.newest;
  return { newest, count: scan.count + 1, last: address };
};

/** Emits where to begin by all records, if there is a batch. If what it names has expired, `orElse` decides. */
const startAnywhere = (
  ledger: OpenedLedger,
  room: string,
  orElse: (scan: Scan) => RoomStart | undefined,
): Observable<RoomStart | undefined> =>
  readAll(ledger, room, 1).pipe(
    reduce<LedgerRecord, Scan | undefined>(takeRecord, undefined),
    concatMap((scan) =>
      scan === undefined
        ? of(undefined)
        : startFrom(ledger, room, scan.newest).pipe(map((start) => start ?? orElse(scan))),
    ),
  );

const begin = (address: number, batch: RoomBatch): RoomStart => ({
  ...NEW_ROOM,
  chain: chainBefore(address, batch),
  members: batch.snapshot ?? [],
});

/**
 * Everything before the newest batch has expired. If it is the only one of its log, it is valid, since the engine checks the
 * condition of an append. If there are others, the engine did not, and the one that is valid may have expired.
 */
const beforeNewest = ({ newest, count, last }: Scan): RoomStart => {
  const { log, generation, base, previous, first } = newest;
  if (previous === 0) return NEW_ROOM;
  const tail = count === 1 ? previous : last;
  const chain = { ...EMPTY_CHAIN, log, generation, base, tail, read: tail, next: first };
  return { ...NEW_ROOM, chain, isLost: count > 1 };
};

/** Emits the start with the first position of the oldest record, if that is a batch of the log. */
const withFirst = (ledger: OpenedLedger, room: string, start: RoomStart): Observable<RoomStart> =>
  ledger.read(room, start.chain.base + 1, { maxBytes: 1 }).pipe(
    take(1),
    map(({ bytes }) => parseBatch(bytes)),
    map((batch) => (isBatch(batch) && batch.log === start.chain.log ? batch.first : 1)),
    defaultIfEmpty(1),
    map((first) => ({ ...start, first: Math.min(Math.max(first, start.first), start.chain.next) })),
  );

/** Emits the batch of the record with an address, or `undefined` if it has expired. */
const batchAt = (ledger: OpenedLedger, room: string, address: number): Observable<RoomBatch | undefined> =>
  address === 0
    ? of(undefined)
    : ledger.read(room, address, { maxBytes: 1 }).pipe(
        take(1),
        map((record) => (record.address === address ? parseBatch(record.bytes) : undefined)),
        map((batch) => (batch !== undefined && isBatch(batch) ? batch : undefined)),
        defaultIfEmpty(undefined),
      );

/** Reads all records from an address on. */
const readAll = (ledger: OpenedLedger, room: string, from: number): Observable<LedgerRecord> =>
  defer(() => {
    let next = from;
    const record$ = ledger.read(room, from).pipe(
      tap(({ address }) => {
        next = address + 1;
      }),
    );
    return concat(
      record$,
      defer(() => (next === from ? EMPTY : readAll(ledger, room, next))),
    );
  });
