import {
  concat,
  concatMap,
  defer,
  EMPTY,
  from,
  ignoreElements,
  map,
  type Observable,
  of,
  switchMap,
  takeWhile,
  tap,
} from 'rxjs';
import { ReservationCheck, type ReservationReport } from '../../streams/relay/cluster/checkReservations.js';
import { type RoomResult, StreamCheck } from '../../streams/relay/cluster/checkStream.js';
import type { ComparedPage } from '../../streams/relay/cluster/compareReplicas.js';
import { checkServer } from './checkServer.js';
import { connectNats, type NatsServers } from './connect.js';
import { type Engine, openEngine } from './engine.js';
import { loadStore, type StoredStream } from './loadStore.js';
import { answerWithin, PageComparison } from './pageComparison.js';
import { type ReplicaReader, replicaReader } from './readReplicas.js';
import { recordOpener, storeKeyId } from './sealedLedger.js';

export interface CheckStoreOptions extends NatsServers {
  /** Opens the records, if they are sealed. */
  readonly key: Uint8Array | undefined;
  /** Time in ms in which the store has to answer. */
  readonly timeoutMs: number;
  /** Called with the reason if the store does not answer at first. */
  readonly onWaiting?: (reason: string) => void;
}

/** What the check of a store finds. `uncompared` are servers of a stream that did not answer, or are offline. */
export type StoreFinding =
  | ({ readonly type: 'room'; readonly stream: string } & RoomResult)
  | ({ readonly type: 'reservations'; readonly stream: string } & ReservationReport)
  | { readonly type: 'missing-stream'; readonly stream: string }
  | {
      readonly type: 'stream';
      readonly stream: string;
      readonly compared: readonly string[];
      readonly uncompared: readonly string[];
    };

/**
 * Checks the store that several relays share. Emits each room that has records, and each stream; completes after the records
 * that the store had at the start. It changes nothing, and relays may run.
 *
 * It reads each stream from each of its servers, compares them, and checks the chains of the rooms. It needs memory for one
 * page of 256 KiB per server, for the state of each room of one stream, and for the reservations of all rooms. Errors with `LedgerError` if the store does not
 * answer in time or cannot be read.
 */
export const checkStore = ({
  key,
  timeoutMs,
  onWaiting,
  ...servers
}: CheckStoreOptions): Observable<StoreFinding> =>
  connectNats(servers, timeoutMs, onWaiting).pipe(
    switchMap(openEngine),
    switchMap((engine) => concat(checkStreams(engine, key, timeoutMs), of('end' as const))),
    // The engine stays open until it is unsubscribed.
    takeWhile((finding) => finding !== 'end'),
  );

const checkStreams = (
  engine: Engine,
  key: Uint8Array | undefined,
  timeoutMs: number,
): Observable<StoreFinding> =>
  loadStore(engine, key && storeKeyId(key)).pipe(
    answerWithin(timeoutMs),
    tap(({ streams }) => {
      const server = engine.server();
      const replicas = Math.max(1, ...streams.map(({ servers }) => servers.length));
      if (server !== undefined) checkServer(server, engine.address(), replicas);
    }),
    switchMap(({ streams, reservations, missing }) => {
      const reader = replicaReader(engine);
      const reserved = new ReservationCheck(openerOf(key));
      return concat(
        missing.map((stream): StoreFinding => ({ type: 'missing-stream', stream })),
        reservations === undefined
          ? EMPTY
          : checkReservations({ reader, stream: reservations, timeoutMs }, reserved),
        from(streams).pipe(
          concatMap((stream) =>
            checkStream(
              { reader, stream, timeoutMs },
              key,
              reservations === undefined ? undefined : reserved,
            ),
          ),
        ),
      );
    }),
  );

interface StreamContext {
  readonly reader: ReplicaReader;
  readonly stream: StoredStream;
  readonly timeoutMs: number;
}

/** Returns a function that returns the opener of the records of a room. */
const openerOf =
  (key: Uint8Array | undefined) =>
  (room: string): ((bytes: Uint8Array) => Uint8Array) =>
    key === undefined ? (bytes) => bytes : recordOpener(key, room);

/** Checks a stream of rooms. Without `reserved`, the stream of the reservations is missing. */
const checkStream = (
  context: StreamContext,
  key: Uint8Array | undefined,
  reserved: ReservationCheck | undefined,
): Observable<StoreFinding> =>
  defer(() => {
    const { name, lastAddress, limitsRooms } = context.stream;
    const check = new StreamCheck({ lastAddress, limitsRooms, openerOf: openerOf(key), reserved });
    return concat(
      readStream(context, lastAddress, check),
      defer(() => check.finish()).pipe(
        map((result): StoreFinding => ({ type: 'room', stream: name, ...result })),
      ),
    );
  });

/** Reads the reservations into `reserved`, also those that relays write meanwhile: they replace others. */
const checkReservations = (context: StreamContext, reserved: ReservationCheck): Observable<StoreFinding> =>
  concat(
    readStream(context, Infinity, reserved),
    defer(() =>
      of<StoreFinding>({ type: 'reservations', stream: context.stream.name, ...reserved.finish() }),
    ),
  );

/** Reads what the servers of a stream have into a check, and emits which servers were compared. */
const readStream = (
  { reader, stream, timeoutMs }: StreamContext,
  lastAddress: number,
  check: { read(page: ComparedPage): void },
): Observable<StoreFinding> =>
  defer(() => {
    const comparison = new PageComparison(reader, stream, timeoutMs);
    return concat(
      comparison.pages(lastAddress).pipe(
        tap((page) => {
          check.read(page);
        }),
        ignoreElements(),
      ),
      defer(() => of<StoreFinding>({ type: 'stream', stream: stream.name, ...comparison.servers })),
    );
  });
