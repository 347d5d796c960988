import { createHash } from 'node:crypto';
import {
  catchError,
  concatMap,
  from,
  ignoreElements,
  map,
  type Observable,
  of,
  switchMap,
  throwError,
} from 'rxjs';
import type { Engine } from './engine.js';
import { LedgerError } from './errors.js';
import { parseAnswer } from './answers.js';

/** The streams of a store. All relays of a store have the same settings. */
export interface StreamSettings {
  /** Number of streams that share the rooms; fixed when the store is created. */
  readonly shards: number;
  /** Number of servers that have each record. */
  readonly replicas: number;
  /** Maximum age of a record in ms. */
  readonly maxAgeMs: number;
  /** Identifies the key with which the records are sealed, if they are. */
  readonly keyId?: string | undefined;
}

/** Where the records of a room are. */
export interface RoomSubject {
  readonly stream: string;
  /** Records are appended here. */
  readonly subject: string;
  /** The engine publishes committed records here. */
  readonly liveSubject: string;
}

/** Returns where the records of a room are. Throws if the name of the room cannot be part of a subject. */
export const roomSubject = (room: string, shards: number): RoomSubject => {
  if (!/^[\w-]+$/.test(room)) throw new Error('the name of a room has other characters than base64url');
  const shard = createHash('sha256').update(room).digest().readUInt32BE(0) % shards;
  return {
    stream: streamName(shard),
    subject: `rx.${shard}.${room}`,
    liveSubject: `rxlive.${shard}.${room}`,
  };
};

const streamName = (shard: number): string => `RX${shard}`;

/** Error codes of JetStream. */
const STREAM_NOT_FOUND = 10_059;
const STREAM_NAME_IN_USE = 10_058;

const NS_PER_MS = 1_000_000;

/** Window in ms in which the engine compares message ids. The relays send none. */
const DUPLICATE_WINDOW_MS = 100;

/** The configuration of a stream, in the words of JetStream. */
const streamConfig = (shard: number, { shards, replicas, maxAgeMs, keyId }: StreamSettings) => ({
  name: streamName(shard),
  description: `rxchat rooms, ${shard + 1} of ${shards}${keyId === undefined ? '' : `, sealed with key ${keyId}`}`,
  subjects: [`rx.${shard}.*`],
  storage: 'file',
  num_replicas: replicas,
  retention: 'limits',
  discard: 'old',
  max_age: maxAgeMs * NS_PER_MS,
  max_msgs: -1,
  max_bytes: -1,
  max_msg_size: -1,
  max_msgs_per_subject: -1,
  max_consumers: -1,
  duplicate_window: DUPLICATE_WINDOW_MS * NS_PER_MS,
  allow_direct: true,
  republish: { src: `rx.${shard}.>`, dest: `rxlive.${shard}.>` },
});

/** The properties that a stream must have. An operator may limit its size, for example. */
const REQUIRED = [
  'description',
  'subjects',
  'storage',
  'num_replicas',
  'retention',
  'discard',
  'max_age',
  'allow_direct',
  'republish',
] as const;

/**
 * Creates the streams of a store that are missing, and completes. Errors with `LedgerError` `unsuitable` if a stream
 * exists with other settings, and with any other error if another attempt may succeed.
 */
export const createStreams = (engine: Engine, settings: StreamSettings): Observable<never> =>
  from(Array.from({ length: settings.shards }, (_, shard) => streamConfig(shard, settings))).pipe(
    concatMap((config) => createStream(engine, config)),
    ignoreElements(),
  );

type StreamConfig = ReturnType<typeof streamConfig>;

const createStream = (engine: Engine, config: StreamConfig): Observable<void> =>
  callApi(engine, `STREAM.INFO.${config.name}`, '').pipe(
    catchError((error: unknown) =>
      error instanceof ApiError && error.code === STREAM_NOT_FOUND
        ? callApi(engine, `STREAM.CREATE.${config.name}`, JSON.stringify(config)).pipe(
            catchError((failure: unknown) =>
              // Another relay creates it at the same time, perhaps with other settings.
              failure instanceof ApiError && failure.code === STREAM_NAME_IN_USE
                ? callApi(engine, `STREAM.INFO.${config.name}`, '')
                : throwError(() => failure),
            ),
          )
        : throwError(() => error),
    ),
    map((answer) => {
      checkConfig(config, (answer['config'] ?? {}) as Readonly<Record<string, unknown>>);
    }),
  );

const checkConfig = (wanted: StreamConfig, found: Readonly<Record<string, unknown>>): void => {
  for (const key of REQUIRED) {
    const [want, have] = [wanted[key], found[key]].map((value) => JSON.stringify(value));
    if (want !== have)
      throw new LedgerError(
        'unsuitable',
        `the stream ${wanted.name} exists with other settings: ${key} is ${have ?? 'missing'}, not ${want}`,
        {
          hint: 'all relays of a store need the same settings; change those of the stream with nats stream edit',
        },
      );
  }
};

/** An error that JetStream reports. */
class ApiError extends Error {
  readonly code: number;

  constructor(code: number, description: string) {
    super(description);
    this.code = code;
  }
}

const callApi = (
  engine: Engine,
  method: string,
  payload: string,
): Observable<Readonly<Record<string, unknown>>> =>
  engine.request(`$JS.API.${method}`, payload).pipe(
    switchMap(({ data }) => {
      const { error, answer } = parseAnswer(data);
      return error === undefined ? of(answer) : throwError(() => new ApiError(error.code, error.description));
    }),
  );
