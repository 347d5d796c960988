import { concatMap, from, map, type Observable, of, switchMap, throwError, toArray, catchError } from 'rxjs';
import type { Engine } from './engine.js';
import { LedgerError } from './errors.js';
import { ApiError, callApi, parseShards, STREAM_NOT_FOUND } from './streams.js';
import { RESERVATIONS, streamName } from './subjects.js';

/** A stream of a store as its servers report it. */
export interface StoredStream {
  readonly name: string;
  /** Pattern of the subjects of its records. */
  readonly subject: string;
  readonly firstAddress: number;
  readonly lastAddress: number;
  readonly maxAgeMs: number;
  /** It also removes records of a room that are newer than those of other rooms. */
  readonly limitsRooms: boolean;
  /** The servers that have it, the leader first. Without a cluster, the only one. */
  readonly servers: readonly { readonly name: string; readonly isOffline: boolean }[];
}

/** A store: its streams, and the names of those that are missing. */
export interface StoredStreams {
  readonly streams: readonly StoredStream[];
  /** The stream of the reservations. */
  readonly reservations: StoredStream | undefined;
  readonly missing: readonly string[];
}

/**
 * Loads the description of an existing store, without changing it. Errors with `LedgerError` `unsuitable` if it is not one, or
 * if its records are sealed with another key.
 */
export const loadStore = (engine: Engine, keyId: string | undefined): Observable<StoredStreams> =>
  loadStream(engine, ...roomsOf(0)).pipe(
    switchMap((first) =>
      first === undefined
        ? throwError(() => new LedgerError('unsuitable', NO_STORE, { hint: NO_STORE_HINT }))
        : of(parseShards(first.description, keyId)),
    ),
    switchMap((shards) =>
      from([RESERVATION_RECORDS, ...Array.from({ length: shards }, (_, shard) => roomsOf(shard))]),
    ),
    concatMap(([name, subject]) => loadStream(engine, name, subject).pipe(map((loaded) => loaded ?? name))),
    toArray(),
    map((all) => {
      const loaded = all.filter((each) => typeof each !== 'string');
      return {
        streams: loaded.filter(({ name }) => name !== RESERVATIONS),
        reservations: loaded.find(({ name }) => name === RESERVATIONS),
        missing: all.filter((each) => typeof each === 'string'),
      };
    }),
  );

/** Name of a stream, and pattern of its subjects. */
type StreamRecords = readonly [name: string, subject: string];

const roomsOf = (shard: number): StreamRecords => [streamName(shard), `rx.${shard}.*`];
const RESERVATION_RECORDS: StreamRecords = [RESERVATIONS, 'rxreservation.*'];

const NO_STORE = 'the servers have no store of relays';
const NO_STORE_HINT = 'a relay creates it when it first starts; compare --store with that of the relays';

const NS_PER_MS = 1_000_000;

/** Emits a stream and its description, or `undefined` if it is missing. */
const loadStream = (
  engine: Engine,
  name: string,
  subject: string,
): Observable<(StoredStream & { readonly description: unknown }) | undefined> =>
  callApi(engine, `STREAM.INFO.${name}`, '').pipe(
    map((answer) => {
      const { config = {}, state = {}, cluster = {} } = answer as StreamInfo;
      return {
        name,
        subject,
        description: config.description,
        firstAddress: state.first_seq ?? 1,
        lastAddress: state.last_seq ?? 0,
        maxAgeMs: (config.max_age ?? 0) / NS_PER_MS,
        limitsRooms: (config.max_msgs_per_subject ?? -1) > 0,
        servers: [{ name: cluster.leader ?? '' }, ...(cluster.replicas ?? [])].map(
          ({ name, offline = false }) => ({ name, isOffline: offline }),
        ),
      };
    }),
    catchError((error: unknown) =>
      error instanceof ApiError && error.code === STREAM_NOT_FOUND ? of(undefined) : throwError(() => error),
    ),
  );

/** What is used of an answer about a stream. */
interface StreamInfo {
  readonly config?: {
    readonly description?: string;
    readonly max_age?: number;
    readonly max_msgs_per_subject?: number;
  };
  readonly state?: { readonly first_seq?: number; readonly last_seq?: number };
  readonly cluster?: {
    readonly leader?: string;
    readonly replicas?: readonly { readonly name: string; readonly offline?: boolean }[];
  };
}
