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
import { RESERVATIONS, streamName } from './subjects.js';

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

/** Error codes of JetStream. */
export const STREAM_NOT_FOUND = 10_059;
const STREAM_NAME_IN_USE = 10_058;

const NS_PER_MS = 1_000_000;

/** Window in ms in which the engine compares message ids. The relays send none. */
const DUPLICATE_WINDOW_MS = 100;

interface Description extends Pick<StreamSettings, 'shards' | 'keyId'> {
  readonly shard: number;
}

const formatDescription = ({ shard, shards, keyId }: Description): string =>
  `rxchat rooms, ${shard + 1} of ${shards}${sealedSuffix({ keyId })}`;

const sealedSuffix = ({ keyId }: Pick<StreamSettings, 'keyId'>) =>
  keyId === undefined ? '' : `, sealed with key ${keyId}`;

/** What the configurations of all streams have in common, in the words of JetStream. */
const commonConfig = ({ replicas }: StreamSettings) => ({
  storage: 'file',
  num_replicas: replicas,
  retention: 'limits',
  discard: 'old',
  max_msgs: -1,
  max_bytes: -1,
  max_msg_size: -1,
  max_consumers: -1,
  duplicate_window: DUPLICATE_WINDOW_MS * NS_PER_MS,
  allow_direct: true,
});

/** The configuration of a stream of rooms. */
const streamConfig = (shard: number, settings: StreamSettings) => ({
  ...commonConfig(settings),
  name: streamName(shard),
  description: formatDescription({ ...settings, shard }),
  subjects: [`rx.${shard}.*`],
  max_age: settings.maxAgeMs * NS_PER_MS,
  max_msgs_per_subject: -1,
  republish: { src: `rx.${shard}.>`, dest: `rxlive.${shard}.>` },
});

/** The configuration of the stream of reservations: the last one of each room, without a limit of age. */
const reservationsConfig = (settings: StreamSettings) => ({
  ...commonConfig(settings),
  name: RESERVATIONS,
  description: `rxchat reservations${sealedSuffix(settings)}`,
  subjects: ['rxreservation.*'],
  max_age: 0,
  max_msgs_per_subject: 1,
  republish: undefined,
});

/**
 * The properties that a stream must have. An operator may limit its size, for example, or the age of reservations: a room
 * whose reservation has expired begins a new log when its records have expired, too.
 */
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
  from([
    ...Array.from({ length: settings.shards }, (_, shard) => streamConfig(shard, settings)),
    reservationsConfig(settings),
  ]).pipe(
    concatMap((config) => createStream(engine, config)),
    ignoreElements(),
  );

type StreamConfig = ReturnType<typeof streamConfig | typeof reservationsConfig>;

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
    if (key === 'max_age' && wanted.name === RESERVATIONS) continue;
    if (JSON.stringify(wanted[key]) === JSON.stringify(found[key])) continue;
    const { difference, hint } = describeDifference(key, wanted, found[key]);
    throw new LedgerError('unsuitable', `the store has other settings than this relay: ${difference}`, {
      hint,
    });
  }
};

interface Difference {
  readonly difference: string;
  readonly hint: string;
}

const FIXED_HINT = 'use the same as the other relays; an existing store cannot change it';
const EDIT_HINT = 'use the same as the other relays; docs/cluster.md describes how to change it';

/** Describes a difference, by the flag of `serve` that causes it if there is one. */
const describeDifference = (
  key: (typeof REQUIRED)[number],
  wanted: StreamConfig,
  found: unknown,
): Difference => {
  if (key === 'description') return describeOtherStore(wanted.description, found);
  if (key === 'max_age')
    return {
      difference: `--keep is ${formatSeconds(Number(found))} there, not ${formatSeconds(wanted.max_age)}`,
      hint: EDIT_HINT,
    };
  if (key === 'num_replicas')
    return {
      difference: `--store-replicas is ${String(found)} there, not ${wanted.num_replicas}`,
      hint: EDIT_HINT,
    };
  return {
    difference: `the stream ${wanted.name} has ${key} ${JSON.stringify(found)}, not ${JSON.stringify(wanted[key])}`,
    hint: `change it with: nats stream edit ${wanted.name}`,
  };
};

const formatSeconds = (ns: number): string => `${ns / NS_PER_MS / 1000}s`;

/** Describes the difference between two descriptions of `streamConfig`. */
const describeOtherStore = (wanted: string, found: unknown): Difference => {
  const [want, have] = [parseDescription(wanted), parseDescription(found)];
  if (have === undefined)
    return {
      difference: 'another program created its streams',
      hint: 'use a server or an account of NATS for the relays alone',
    };
  if (have.shards !== want?.shards)
    return { difference: `--store-streams is ${have.shards} there, not ${want?.shards}`, hint: FIXED_HINT };
  if (have.keyId === undefined)
    return {
      difference: 'its records are not encrypted',
      hint: 'omit --store-key-file, or use an empty store',
    };
  return want.keyId === undefined
    ? {
        difference: 'its records are encrypted',
        hint: 'use the key of the other relays: --store-key-file FILE',
      }
    : { difference: '--store-key-file has another key', hint: FIXED_HINT };
};

const parseDescription = (description: unknown): Description | undefined => {
  const [, number, shards, keyId] =
    /^rxchat rooms, (\d+) of (\d+)(?:, sealed with key (\w+))?$/.exec(String(description)) ?? [];
  return number === undefined ? undefined : { shard: Number(number) - 1, shards: Number(shards), keyId };
};

/**
 * Returns the number of streams of a store, from the description of one of them. Throws `LedgerError` `unsuitable` if another
 * program created it, or if its records are sealed with another key.
 */
export const parseShards = (description: unknown, keyId: string | undefined): number => {
  const found = parseDescription(description);
  if (found !== undefined && found.keyId === keyId) return found.shards;
  const wanted = formatDescription({ shard: 0, shards: found?.shards ?? 1, keyId });
  const { difference, hint } = describeOtherStore(wanted, description);
  throw new LedgerError('unsuitable', `the store cannot be read: ${difference}`, { hint });
};

/** An error that JetStream reports. */
export class ApiError extends Error {
  readonly code: number;

  constructor(code: number, description: string) {
    super(description);
    this.code = code;
  }
}

/** Sends a request to JetStream and emits its answer. Errors with `ApiError` if JetStream reports an error. */
export const callApi = (
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
