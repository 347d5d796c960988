import {
  concat,
  concatMap,
  defer,
  EMPTY,
  expand,
  from,
  ignoreElements,
  map,
  type Observable,
  of,
  retry,
  switchMap,
  takeWhile,
  tap,
  throwError,
  timeout,
  timer,
} from 'rxjs';
import { type RoomResult, StreamCheck } from '../../streams/relay/cluster/checkStream.js';
import {
  type ComparedPage,
  compareReplicas,
  type ReplicaDifference,
} from '../../streams/relay/cluster/compareReplicas.js';
import { checkServer } from './checkServer.js';
import { connectNats, type NatsServers } from './connect.js';
import { type Engine, openEngine } from './engine.js';
import { LedgerError } from './errors.js';
import { loadStore, type StoredStream } from './loadStore.js';
import { type ReplicaReader, replicaReader, type TimedPage } from './readReplicas.js';
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
  | { readonly type: 'missing-stream'; readonly stream: string }
  | {
      readonly type: 'stream';
      readonly stream: string;
      readonly compared: readonly string[];
      readonly uncompared: readonly string[];
    };

/** A difference counts if it is still there after as many reads. A server may be late with what others have. */
const COMPARISONS = 6;
const COMPARISON_INTERVAL_MS = 1000;
/** A server that has just become a follower does not answer yet. */
const SERVER_ATTEMPTS = 10;
const RETRY_MS = 250;
/** Time in ms before records expire in which they are not checked, since each server removes them by its own clock. */
const EXPIRY_MARGIN_MS = 60_000;

/**
 * Checks the store that several relays share. Emits each room that has records, and each stream; completes after the records
 * that the store had at the start. It changes nothing, and relays may run.
 *
 * It reads each stream from each of its servers, compares them, and checks the chains of the rooms. It needs memory for one
 * page of 256 KiB per server, and for the state of each room of one stream. Errors with `LedgerError` if the store does not
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
    switchMap(({ streams, missing }) => {
      const reader = replicaReader(engine);
      return concat(
        missing.map((stream): StoreFinding => ({ type: 'missing-stream', stream })),
        from(streams).pipe(concatMap((stream) => checkStream({ reader, stream, key, timeoutMs }))),
      );
    }),
  );

interface StreamContext {
  readonly reader: ReplicaReader;
  readonly stream: StoredStream;
  readonly key: Uint8Array | undefined;
  readonly timeoutMs: number;
}

const checkStream = ({ reader, stream, key, timeoutMs }: StreamContext): Observable<StoreFinding> =>
  defer(() => {
    const { name, lastAddress, limitsRooms } = stream;
    const check = new StreamCheck({
      lastAddress,
      limitsRooms,
      openerOf: (room) => (key === undefined ? (bytes) => bytes : recordOpener(key, room)),
    });
    const comparison = new PageComparison(reader, stream, timeoutMs);
    const page$ = comparison
      .compare(Math.max(1, stream.firstAddress))
      .pipe(
        expand(({ last }) =>
          last === undefined || last >= lastAddress ? EMPTY : comparison.compare(last + 1),
        ),
      );
    return concat(
      page$.pipe(
        tap((page) => {
          check.read(page);
        }),
        ignoreElements(),
      ),
      defer(() => check.finish()).pipe(
        map((result): StoreFinding => ({ type: 'room', stream: name, ...result })),
      ),
      defer(() => of<StoreFinding>({ type: 'stream', stream: name, ...comparison.servers })),
    );
  });

/** Reads pages of a stream from its servers, and compares them. */
class PageComparison {
  readonly #reader: ReplicaReader;
  readonly #stream: StoredStream;
  readonly #timeoutMs: number;
  /** Records that were stored before this time are about to expire. */
  readonly #expiredBefore: number;
  /** The servers that answer. */
  #servers: readonly string[];
  /** Servers that differ, and not because they are late. */
  readonly #differing = new Set<string>();

  constructor(reader: ReplicaReader, stream: StoredStream, timeoutMs: number) {
    this.#reader = reader;
    this.#stream = stream;
    this.#timeoutMs = timeoutMs;
    const { maxAgeMs, servers } = stream;
    this.#expiredBefore =
      maxAgeMs === 0 ? 0 : Date.now() - maxAgeMs + Math.min(EXPIRY_MARGIN_MS, maxAgeMs / 10);
    this.#servers = servers.filter(({ isOffline }) => !isOffline).map((server) => server.name);
  }

  get servers(): { readonly compared: readonly string[]; readonly uncompared: readonly string[] } {
    const names = this.#stream.servers.map(({ name }) => name);
    return { compared: this.#servers, uncompared: names.filter((name) => !this.#servers.includes(name)) };
  }

  /** Emits what the servers have from an address on. Compares again if they differ, because one may be late. */
  compare(address: number): Observable<ComparedPage> {
    const attempt = (count: number, suspects?: ReadonlySet<string>): Observable<ComparedPage> =>
      this.#read(address).pipe(
        map(compareReplicas),
        switchMap((page) => {
          const differences = page.differences.filter(
            (each) => each.address <= this.#stream.lastAddress && (suspects?.has(keyOf(each)) ?? true),
          );
          const isCertain =
            count === COMPARISONS || differences.every(({ server }) => this.#differing.has(server));
          if (!isCertain)
            return timer(COMPARISON_INTERVAL_MS).pipe(
              switchMap(() => attempt(count + 1, new Set(differences.map(keyOf)))),
            );
          for (const { server } of differences) this.#differing.add(server);
          return of({ ...page, differences });
        }),
      );
    return attempt(1);
  }

  /** Emits a page of each server. A server that answers none of `attempts` is not compared from now on. */
  #read(address: number, attempts = SERVER_ATTEMPTS): Observable<readonly TimedPage[]> {
    const { name, subject, servers } = this.#stream;
    const query = { stream: name, subject, address };
    const page$ =
      servers.length === 1
        ? this.#reader.readAny(query).pipe(map((page) => [page]))
        : this.#reader.readEach(query, this.#servers);
    return page$.pipe(
      answerWithin(this.#timeoutMs),
      switchMap((pages) => {
        if (servers.length > 1 && pages.length < this.#servers.length) {
          if (attempts > 1)
            return timer(COMPARISON_INTERVAL_MS).pipe(switchMap(() => this.#read(address, attempts - 1)));
          this.#servers = pages.map(({ server }) => server);
        }
        return of(pages.map((page) => this.#withoutExpiring(page)));
      }),
    );
  }

  #withoutExpiring(page: TimedPage): TimedPage {
    return { ...page, records: page.records.filter(({ time }) => time >= this.#expiredBefore) };
  }
}

const keyOf = ({ address, server }: ReplicaDifference): string => `${address} ${server}`;

/** Tries again until there is an answer, or errors with `unreachable` after a time in ms. */
const answerWithin =
  (timeoutMs: number) =>
  <T>(answer$: Observable<T>): Observable<T> =>
    defer(() => {
      let reason = 'no answer';
      return answer$.pipe(
        retry({
          delay: (error: unknown) => {
            if (error instanceof LedgerError && error.code !== 'timeout') return throwError(() => error);
            if (error instanceof Error) reason = error.message;
            return timer(RETRY_MS);
          },
        }),
        timeout({
          first: timeoutMs,
          with: () => throwError(() => new LedgerError('unreachable', `the store cannot be read: ${reason}`)),
        }),
      );
    });
