import {
  defer,
  EMPTY,
  expand,
  map,
  type Observable,
  of,
  retry,
  switchMap,
  throwError,
  timeout,
  timer,
} from 'rxjs';
import {
  type ComparedPage,
  compareReplicas,
  type ReplicaDifference,
} from '../../streams/relay/cluster/compareReplicas.js';
import { LedgerError } from './errors.js';
import type { StoredStream } from './loadStore.js';
import type { ReplicaReader, TimedPage } from './readReplicas.js';

/** A difference counts if it is still there after as many reads. A server may be late with what others have. */
const COMPARISONS = 6;
const COMPARISON_INTERVAL_MS = 1000;
/** A server that has just become a follower does not answer yet. */
const SERVER_ATTEMPTS = 10;
/** Time in ms before records expire in which they are not checked, since each server removes them by its own clock. */
const EXPIRY_MARGIN_MS = 60_000;

const RETRY_MS = 250;

/** Reads pages of a stream from its servers, and compares them. */
export class PageComparison {
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

  /** Emits what the servers have, page by page, until a page reaches an address. */
  pages(lastAddress: number): Observable<ComparedPage> {
    return this.#compare(Math.max(1, this.#stream.firstAddress)).pipe(
      expand(({ last }) => (last === undefined || last >= lastAddress ? EMPTY : this.#compare(last + 1))),
    );
  }

  /** Emits what the servers have from an address on. Compares again if they differ, because one may be late. */
  #compare(address: number): Observable<ComparedPage> {
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
export const answerWithin =
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
