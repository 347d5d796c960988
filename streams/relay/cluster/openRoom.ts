import {
  concat,
  concatMap,
  defaultIfEmpty,
  defer,
  EMPTY,
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
import type { Ledger, LedgerRecord } from './ledger.js';
import type { MemberEntry } from './sharedRoster.js';

/** Where a relay begins to read a room. */
export interface RoomStart {
  readonly chain: Chain;
  /** The members before the next batch of the chain; none if the snapshot has expired. */
  readonly members: readonly MemberEntry[];
  /** Position of the oldest entry that is kept, or one before it. */
  readonly first: number;
  /** Address of the last record, up to which the relay must read before it writes. */
  readonly last: number;
}

const NEW_ROOM: RoomStart = { chain: EMPTY_CHAIN, members: [], first: 1, last: 0 };

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

/**
 * Finds where to begin reading a room: at its newest snapshot.
 *
 * The last batch names it. Whether that batch is valid itself is not known yet. But its writer had read the room, so the
 * batches that it names are valid. If the last record is damaged, all records are read for one that is not. If the snapshot
 * has expired, reading begins at the batch before the last one, with unknown members.
 *
 * With `before`, reading begins at the snapshot before that one instead.
 *
 * Emits once and completes. Errors with the engine, or if a newer version wrote the room. A stale answer is harmless: who has
 * read too little fails to append, and reads on.
 */
export const openRoom = (
  ledger: Pick<Ledger, 'last' | 'read'>,
  room: string,
  { before }: OpenRoomOptions = {},
): Observable<RoomStart> =>
  ledger.last(room).pipe(
    concatMap((last) => {
      if (last === undefined) return of(NEW_ROOM);
      const newest$ = readableBatch(ledger, room, last);
      const named$ =
        before === undefined
          ? newest$
          : batchAt(ledger, room, before).pipe(
              concatMap((batch) => (batch === undefined ? newest$ : of(batch))),
            );
      return named$.pipe(
        concatMap((batch) => startAt(ledger, room, batch)),
        concatMap((start) => withFirst(ledger, room, start)),
        map((start) => ({ ...start, chain: { ...start.chain, openedAt: last.address }, last: last.address })),
      );
    }),
  );

/** Emits the batch of the last record, or else of the newest one that can be read, if any. */
const readableBatch = (
  ledger: Pick<Ledger, 'read'>,
  room: string,
  last: LedgerRecord,
): Observable<RoomBatch | undefined> => {
  const batch = parseBatch(last.bytes);
  if (isBatch(batch)) return of(batch);
  if (batch.type === 'newer') return throwError(() => new NewerVersionError());
  return readAll(ledger, room, 1).pipe(
    reduce<LedgerRecord, RoomBatch | undefined>((newest, { bytes }) => {
      const each = parseBatch(bytes);
      return isBatch(each) ? each : newest;
    }, undefined),
  );
};

const startAt = (
  ledger: Pick<Ledger, 'read'>,
  room: string,
  batch: RoomBatch | undefined,
): Observable<RoomStart> => {
  if (batch === undefined || batch.previous === 0) return of(NEW_ROOM);
  const { previous, snapshotAddress } = batch;
  return batchAt(ledger, room, snapshotAddress).pipe(
    concatMap((snapshot) =>
      snapshot?.snapshot === undefined
        ? batchAt(ledger, room, previous).pipe(
            map((before): RoomStart => (before === undefined ? beforeFirst(batch) : begin(previous, before))),
          )
        : of(begin(snapshotAddress, snapshot)),
    ),
  );
};

const begin = (address: number, batch: RoomBatch): RoomStart => ({
  chain: chainBefore(address, batch),
  members: batch.snapshot ?? [],
  first: 1,
  last: address,
});

/** Everything before a batch has expired: reading begins with that batch. */
const beforeFirst = (batch: RoomBatch): RoomStart => ({
  ...NEW_ROOM,
  chain: {
    ...EMPTY_CHAIN,
    log: batch.log,
    generation: batch.generation,
    base: batch.base,
    tail: batch.previous,
    read: batch.previous,
    next: batch.first,
  },
});

/** Emits the start with the first position of the oldest record, if that is a batch of the log. */
const withFirst = (ledger: Pick<Ledger, 'read'>, room: string, start: RoomStart): Observable<RoomStart> =>
  ledger.read(room, start.chain.base + 1, { maxBytes: 1 }).pipe(
    take(1),
    map(({ bytes }) => parseBatch(bytes)),
    map((batch) => (isBatch(batch) && batch.log === start.chain.log ? batch.first : 1)),
    defaultIfEmpty(1),
    map((first) => ({ ...start, first: Math.min(first, start.chain.next) })),
  );

/** Emits the batch of the record with an address, or `undefined` if it has expired. */
const batchAt = (
  ledger: Pick<Ledger, 'read'>,
  room: string,
  address: number,
): Observable<RoomBatch | undefined> =>
  address === 0
    ? of(undefined)
    : ledger.read(room, address, { maxBytes: 1 }).pipe(
        take(1),
        map((record) => (record.address === address ? parseBatch(record.bytes) : undefined)),
        map((batch) => (batch !== undefined && isBatch(batch) ? batch : undefined)),
        defaultIfEmpty(undefined),
      );

/** Reads all records from an address on. */
const readAll = (ledger: Pick<Ledger, 'read'>, room: string, from: number): Observable<LedgerRecord> =>
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
