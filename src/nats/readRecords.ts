import {
  concatMap,
  defer,
  EMPTY,
  expand,
  map,
  type Observable,
  of,
  switchMap,
  takeWhile,
  throwError,
} from 'rxjs';
import type { LedgerRecord } from '../../streams/relay/cluster/ledger.js';
import { parseAnswer, parseLeaderRecord, parsePendingCount, parseStoredRecord } from './answers.js';
import { supportsBatches } from './checkServer.js';
import type { Engine } from './engine.js';
import { readSingly } from './readSingly.js';
import type { RoomSubject } from './streams.js';

/** Status codes of the answers to a direct get. */
const END_OF_BATCH = 204;
const NOT_FOUND = 404;
/** Error code of JetStream for a message that does not exist. */
const MESSAGE_NOT_FOUND = 10_037;

const BATCH_RECORDS = 1000;
const BATCH_BYTES = 1_048_576;

type Query = { readonly last_by_subj: string } | { readonly seq: number; readonly next_by_subj: string };

/** Emits the record that a query finds, or `undefined`. A fresh one comes from the leader of the stream. */
const getRecord = (
  engine: Engine,
  stream: string,
  query: Query,
  isFresh: boolean,
): Observable<LedgerRecord | undefined> =>
  isFresh ? getFromLeader(engine, stream, query) : getFromReplica(engine, stream, query);

const getFromReplica = (engine: Engine, stream: string, query: Query): Observable<LedgerRecord | undefined> =>
  engine.request(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(query)).pipe(
    switchMap((message) => {
      const { code = 0, description = '' } = message.headers ?? {};
      if (code === NOT_FOUND) return of(undefined);
      const record = code === 0 ? parseStoredRecord(message) : undefined;
      return record === undefined ? throwError(() => unexpectedAnswer(code, description)) : of(record);
    }),
  );

const getFromLeader = (engine: Engine, stream: string, query: Query): Observable<LedgerRecord | undefined> =>
  engine.request(`$JS.API.STREAM.MSG.GET.${stream}`, JSON.stringify(query)).pipe(
    switchMap(({ data }) => {
      const { answer, error } = parseAnswer(data);
      if (error?.code === MESSAGE_NOT_FOUND) return of(undefined);
      const record = error === undefined ? parseLeaderRecord(answer) : undefined;
      return record === undefined
        ? throwError(() => unexpectedAnswer(error?.code ?? 0, error?.description ?? ''))
        : of(record);
    }),
  );

const unexpectedAnswer = (code: number, description: string): Error =>
  new Error(`NATS answered a read with ${code} ${description}`);

/** Emits the last record of a room, or `undefined` if it has none. */
export const readLast = (
  engine: Engine,
  { stream, subject }: RoomSubject,
  isFresh: boolean,
): Observable<LedgerRecord | undefined> => getRecord(engine, stream, { last_by_subj: subject }, isFresh);

export interface ReadRecordsOptions {
  readonly isFresh: boolean;
  readonly maxBytes: number;
}

/** Emits the records of a room from an address on, until they have `maxBytes`. */
export const readRecords = (
  engine: Engine,
  room: RoomSubject,
  address: number,
  { isFresh, maxBytes }: ReadRecordsOptions,
): Observable<LedgerRecord> =>
  defer(() => {
    const isBatched = !isFresh && supportsBatches(engine.server());
    let size = 0;
    const limitBytes = takeWhile<LedgerRecord>(({ bytes }) => (size += bytes.length) < maxBytes, true);
    const { stream, subject } = room;
    const readNext = (seq: number) => getRecord(engine, stream, { seq, next_by_subj: subject }, isFresh);
    return (
      isBatched
        ? readBatches(engine, room, address, maxBytes)
        : readSingly(readNext, Math.max(1, address), maxBytes)
    ).pipe(limitBytes);
  });

/** A batch as it arrives: its records, then the address at which the next one begins, if there is one. */
type BatchEvent = LedgerRecord | { readonly nextAddress: number | undefined };

const readBatches = (
  engine: Engine,
  room: RoomSubject,
  address: number,
  maxBytes: number,
): Observable<LedgerRecord> =>
  readBatch(engine, room, Math.max(1, address), maxBytes).pipe(
    expand((event) =>
      'nextAddress' in event && event.nextAddress !== undefined
        ? readBatch(engine, room, event.nextAddress, maxBytes)
        : EMPTY,
    ),
    concatMap((event) => ('bytes' in event ? of(event) : EMPTY)),
  );

const readBatch = (
  engine: Engine,
  { stream, subject }: RoomSubject,
  address: number,
  maxBytes: number,
): Observable<BatchEvent> =>
  defer(() => {
    let last = address - 1;
    const query = {
      seq: address,
      next_by_subj: subject,
      batch: BATCH_RECORDS,
      max_bytes: Math.min(maxBytes, BATCH_BYTES),
    };
    return engine.requestMany(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(query)).pipe(
      map((message): BatchEvent => {
        const { code = 0, description = '' } = message.headers ?? {};
        if (code === NOT_FOUND) return { nextAddress: undefined };
        if (code === END_OF_BATCH)
          return { nextAddress: parsePendingCount(message) > 0 ? last + 1 : undefined };
        const record = code === 0 ? parseStoredRecord(message) : undefined;
        if (record === undefined) throw unexpectedAnswer(code, description);
        last = record.address;
        return record;
      }),
      takeWhile((event) => 'bytes' in event, true),
    );
  });
