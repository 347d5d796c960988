import { randomBytes } from 'node:crypto';
import type { Msg } from '@nats-io/transport-node';
import {
  defer,
  EMPTY,
  expand,
  filter,
  forkJoin,
  last,
  map,
  type Observable,
  repeat,
  scan,
  share,
  take,
  takeWhile,
  throwError,
  timeout,
  toArray,
} from 'rxjs';
import type { ReplicaPage, RoomRecord } from '../../streams/relay/cluster/compareReplicas.js';
import { parseObject } from '../../streams/relay/cluster/fields.js';
import { parseStoredRecord } from './answers.js';
import { supportsBatches } from './checkServer.js';
import type { Engine } from './engine.js';
import { LedgerError } from './errors.js';
import { requestBatch, requestMessage } from './readRecords.js';

/** A record, and when it was stored, in ms since 1970. */
export interface TimedRecord extends RoomRecord {
  readonly time: number;
}

export interface TimedPage extends ReplicaPage {
  readonly records: readonly TimedRecord[];
}

export interface PageQuery {
  readonly stream: string;
  /** Pattern of the subjects of the rooms. */
  readonly subject: string;
  readonly address: number;
}

/** Reads pages of a stream from given servers. */
export interface ReplicaReader {
  /** Emits what a server has from an address on, and completes. */
  readAny(query: PageQuery): Observable<TimedPage>;
  /** Emits a page of each of these servers that answers, and completes. */
  readEach(query: PageQuery, servers: readonly string[]): Observable<readonly TimedPage[]>;
}

/** Number of reads per server, after which it counts as one that does not answer. The chance to miss it is 1 in 10^10. */
const READS_PER_SERVER = 20;
const TRACE_TIMEOUT_MS = 2000;
/** Records of a page that are read one by one. */
const SINGLE_RECORDS = 500;

/**
 * Reads what each server of a cluster has stored.
 *
 * A server of those that have a stream answers a read, at random, and its answer does not name it. So each read asks the
 * servers to trace it: the server that this client is connected to then publishes where it sent the request. Reads are
 * repeated until each server has answered.
 */
export const replicaReader = (engine: Engine): ReplicaReader => {
  const traceSubject = `rxto.${randomBytes(9).toString('base64url')}`;
  const trace$ = engine.subscribe(traceSubject).pipe(map(parseTrace), share());
  let reads = 0;

  const readFromOne = (query: PageQuery): Observable<TimedPage> =>
    defer(() => {
      reads += 1;
      const id = String(reads);
      const server$ = trace$.pipe(
        filter((trace) => trace?.id === id),
        take(1),
        map((trace) => trace?.server ?? ''),
        timeout({ first: TRACE_TIMEOUT_MS, with: () => throwError(noTraceError) }),
      );
      const page$ = readPage(engine, query, { 'Nats-Trace-Dest': traceSubject, [ID_HEADER]: id });
      return forkJoin([server$, page$]).pipe(map(([server, page]) => ({ ...page, server })));
    });

  return {
    readAny: (query) => readPage(engine, query),
    readEach: (query, servers) =>
      readFromOne(query).pipe(
        repeat({ count: READS_PER_SERVER * servers.length }),
        scan<TimedPage, ReadonlyMap<string, TimedPage>>(
          (pages, page) => (servers.includes(page.server) ? new Map(pages).set(page.server, page) : pages),
          new Map(),
        ),
        takeWhile(({ size }) => size < servers.length, true),
        last(),
        map((pages) => servers.flatMap((server) => pages.get(server) ?? [])),
      ),
  };
};

const noTraceError = () =>
  new LedgerError('timeout', 'the servers do not trace requests, so they cannot be compared');

const ID_HEADER = 'Rxchat-Read';
/** Kinds of connections of a server in a trace: that of a client, and the ones between servers of a cluster. */
const CLIENT = 0;
const ROUTE = 1;

/** Returns the read that a trace is about, and the server that answers it, if that is certain. */
const parseTrace = ({
  data,
}: Msg): { readonly id: string; readonly server: string | undefined } | undefined => {
  const trace = parseObject(new TextDecoder().decode(data)) as unknown as Trace | undefined;
  const { [ID_HEADER]: id, 'Nats-Trace-Hop': hop } = trace?.request?.header ?? {};
  // Only the first server says to which one it sent the request.
  if (trace === undefined || id?.[0] === undefined || hop !== undefined) return undefined;
  const sent = (trace.events ?? []).filter(({ type, kind }) => type === 'eg' && kind !== CLIENT);
  const [first] = sent;
  // With several, one of them has a subscriber that listens to the requests of others.
  if (sent.length > 1 || (first !== undefined && first.kind !== ROUTE))
    return { id: id[0], server: undefined };
  return { id: id[0], server: first === undefined ? trace.server?.name : first.name };
};

/** What is used of a trace of NATS. */
interface Trace {
  readonly server?: { readonly name?: string };
  readonly request?: { readonly header?: Readonly<Record<string, readonly string[] | undefined>> };
  readonly events?: readonly { readonly type?: string; readonly kind?: number; readonly name?: string }[];
}

const readPage = (
  engine: Engine,
  query: PageQuery,
  headers?: Readonly<Record<string, string>>,
): Observable<TimedPage> =>
  defer(() =>
    supportsBatches(engine.server()) ? readBatch(engine, query, headers) : readSingly(engine, query),
  );

const readBatch = (
  engine: Engine,
  { stream, ...query }: PageQuery,
  headers: Readonly<Record<string, string>> | undefined,
): Observable<TimedPage> =>
  requestBatch(engine, stream, query, headers).pipe(
    toArray(),
    map((answers) =>
      toPage(
        answers.flatMap((answer) => ('pending' in answer ? [] : answer)),
        answers.some((answer) => 'pending' in answer && answer.pending === 0),
      ),
    ),
  );

/** Reads from a server that answers with one record at a time. */
const readSingly = (engine: Engine, { stream, subject, address }: PageQuery): Observable<TimedPage> => {
  const next = (seq: number) => requestMessage(engine, stream, { seq, next_by_subj: subject });
  return next(address).pipe(
    expand((message, index) =>
      message === undefined || index === SINGLE_RECORDS - 1 ? EMPTY : next(parseRecord(message).address + 1),
    ),
    toArray(),
    map((messages) =>
      toPage(
        messages.filter((message) => message !== undefined),
        messages.includes(undefined),
      ),
    ),
  );
};

const toPage = (messages: readonly Msg[], isLast: boolean): TimedPage => {
  const records = messages.map(parseRecord);
  return { server: '', records, last: isLast ? undefined : records.at(-1)?.address };
};

const parseRecord = (message: Msg): TimedRecord => {
  const record = parseStoredRecord(message);
  const room = message.headers?.get('Nats-Subject').split('.').at(-1);
  if (record?.storedAt === undefined || room === undefined)
    throw new Error('NATS answered a read without an address, a subject or a time');
  return { ...record, room, time: record.storedAt };
};
