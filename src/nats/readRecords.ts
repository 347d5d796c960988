import type { Msg } from '@nats-io/transport-node';
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
import type { RoomSubject } from './subjects.js';

/** Status codes of the answers to a direct get. */
const END_OF_BATCH = 204;
const NOT_FOUND = 404;
/** Error code of JetStream for a message that does not exist. */
const MESSAGE_NOT_FOUND = 10_037;

const BATCH_RECORDS = 1000;
const BATCH_BYTES = 1_048_576;

export type Query =
  { readonly last_by_subj: string } | { readonly seq: number; readonly next_by_subj: string };

/** Emits the record that a query finds, or `undefined`. A fresh one comes from the leader of the stream. */
const getRecord = (
  engine: Engine,
  stream: string,
  query: Query,
  isFresh: boolean,
): Observable<LedgerRecord | undefined> =>
  isFresh ? getFromLeader(engine, stream, query) : getFromReplica(engine, stream, query);

const getFromReplica = (engine: Engine, stream: string, query: Query): Observable<LedgerRecord | undefined> =>
  requestMessage(engine, stream, query).pipe(
    map((message) => {
      if (message === undefined) return undefined;
      const record = parseStoredRecord(message);
      if (record === undefined) throw unexpectedAnswer(0, '');
      return record;
    }),
  );

/** Emits the message of a stream that a query finds, or `undefined`. Any server answers. */
export const requestMessage = (engine: Engine, stream: string, query: Query): Observable<Msg | undefined> =>
  engine.request(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(query)).pipe(
    map((message) => {
      const { code = 0, description = '' } = message.headers ?? {};
      if (code === NOT_FOUND) return undefined;
      if (code !== 0) throw unexpectedAnswer(code, description);
      return message;
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
  { stream, subject }: Pick<RoomSubject, 'stream' | 'subject'>,
  isFresh: boolean,
): Observable<LedgerRecord | undefined> => getRecord(engine, stream, { last_by_subj: subject }, isFresh);

export interface ReadRecordsOptions {
  readonly isFresh: boolean;
  readonly maxBytes: number;
}

/** Emits the records of a room from an address on, until they have `maxBytes`. With 1 it is one record, in one answer. */
export const readRecords = (
  engine: Engine,
  room: RoomSubject,
  address: number,
  { isFresh, maxBytes }: ReadRecordsOptions,
): Observable<LedgerRecord> =>
  defer(() => {
    const isBatched = !isFresh && maxBytes > 1 && supportsBatches(engine.server());
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
    return requestBatch(engine, stream, { address, subject, maxBytes: Math.min(maxBytes, BATCH_BYTES) }).pipe(
      map((answer): BatchEvent => {
        if ('pending' in answer) return { nextAddress: answer.pending > 0 ? last + 1 : undefined };
        const record = parseStoredRecord(answer);
        if (record === undefined) throw unexpectedAnswer(0, '');
        last = record.address;
        return record;
      }),
    );
  });

export interface BatchQuery {
  /** Where the batch begins. */
  readonly address: number;
  /** Subject of the messages, or a pattern. */
  readonly subject: string;
  /** The batch ends after about this many bytes. */
  readonly maxBytes?: number;
}

/** Emits the messages that a server has in a stream, up to a limit; at last, the number of those that follow. Completes. */
export const requestBatch = (
  engine: Engine,
  stream: string,
  { address, subject, maxBytes = BATCH_BYTES }: BatchQuery,
  headers?: Readonly<Record<string, string>>,
): Observable<Msg | { readonly pending: number }> => {
  const query = { seq: address, next_by_subj: subject, batch: BATCH_RECORDS, max_bytes: maxBytes };
  return engine.requestMany(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(query), headers).pipe(
    map((message) => {
      const { code = 0, description = '' } = message.headers ?? {};
      if (code === NOT_FOUND) return { pending: 0 };
      if (code === END_OF_BATCH) return { pending: parsePendingCount(message) };
      if (code !== 0) throw unexpectedAnswer(code, description);
      return message;
    }),
    takeWhile((answer) => !('pending' in answer), true),
  );
};
