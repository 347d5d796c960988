import { statfsSync, statSync } from 'node:fs';
import type { Socket } from 'node:net';
import {
  catchError,
  defer,
  EMPTY,
  ignoreElements,
  map,
  merge,
  type Observable,
  of,
  Subject,
  switchMap,
  tap,
} from 'rxjs';
import type { Ledger } from '../../../../../streams/relay/cluster/ledger.js';
import type { History, RelayEvent, RelayLimits } from '../../../../../streams/relay/index.js';
import { dataFile } from '../../../../history/layout/directory.js';
import type { StoreUsage } from '../../../../history/index.js';
import type { ListenAddress, Listener, ListenerFault } from '../../../../net/listener.js';
import { type Certificate, parseLeaf } from '../../../../net/tls/certificate.js';
import { type AnswerPath, listenStatus } from '../../../../net/web/statusServer.js';
import { measureAppends, measureCommits, type OnCommit } from './measureCommits.js';
import { createMetrics, type StoreFiles } from './metrics.js';
import { readinessProblem, type ReadinessState } from './readiness.js';
import { socketTraffic } from './socketTraffic.js';

export interface ServeMetricsOptions {
  /** Version of rxchat. */
  readonly version: string;
  readonly limits: Pick<RelayLimits, 'maxConnections' | 'memoryLimitBytes'>;
  /** Directory of the store, if there is one. */
  readonly dir: string | undefined;
  /** Limit of the store in bytes. */
  readonly storeLimitBytes: number | undefined;
  /** Emits the certificates that the relay uses. Its errors are reported by the listeners. */
  readonly certificate$: Observable<Certificate> | undefined;
  /** Emits when the relay stops taking clients. */
  readonly stop$: Observable<unknown>;
  /** When it emits, the relay is draining. */
  readonly drain$: Observable<unknown>;
}

/** The metrics of a relay while they are served. */
export interface ServedMetrics {
  readonly listener: Listener;
  /** Asks the relay for a sample of its load, at each scrape. */
  readonly sample$: Observable<unknown>;
  readonly record: (event: RelayEvent | ListenerFault) => void;
  readonly recordUsage: (usage: StoreUsage) => void;
  /** Returns a history whose commits are measured. */
  readonly measureCommits: (history: History) => History;
  /** Returns a ledger whose appends are measured as commits. */
  readonly measureAppends: (ledger: Ledger) => Ledger;
  /** Whether the relay is connected to the store that it shares with others; at first it is. */
  readonly setStoreConnected: (isConnected: boolean) => void;
  /** Replaces the limits that the metrics show. */
  readonly setLimits: (limits: ServeMetricsOptions['limits']) => void;
  /** The relay listens from now on. */
  readonly setListening: () => void;
}

/**
 * Serves `/metrics`, `/healthz` and `/readyz` on an address while subscribed: emits once it listens. Errors if it cannot
 * listen. Until `setListening` is called, the relay is not ready.
 */
export const serveMetrics = (
  address: ListenAddress,
  {
    version,
    limits: initialLimits,
    dir,
    storeLimitBytes,
    certificate$ = EMPTY,
    drain$,
    stop$,
  }: ServeMetricsOptions,
): Observable<ServedMetrics> =>
  defer(() => {
    let limits = initialLimits;
    let ownPort: number | undefined;
    let certificateExpiry: number | undefined;
    let state: ReadinessState = {
      isListening: false,
      isStopping: false,
      isDraining: false,
      isStoreConnected: true,
      failedAtMs: undefined,
    };
    // Before it listens, a relay tries its reads with a socket of its own. The lock of the store has no port.
    const isOfClient = ({ localPort }: Socket) =>
      state.isListening && localPort !== undefined && localPort !== ownPort;
    return socketTraffic(isOfClient).pipe(
      switchMap((traffic) => {
        const sample$ = new Subject<unknown>();
        const problem = () => readinessProblem(state, performance.now());
        const isReady = () => problem() === undefined;
        const storeFiles = () => (dir === undefined ? undefined : readStoreFiles(dir));
        const metrics = createMetrics({
          version,
          limits: {
            get connections() {
              return limits.maxConnections ?? Infinity;
            },
            get windowBytes() {
              return limits.memoryLimitBytes ?? Infinity;
            },
            storeBytes: dir === undefined ? undefined : storeLimitBytes,
          },
          traffic,
          storeFiles,
          certificateExpiry: () => certificateExpiry,
          isReady,
        });
        const fail = () => (state = { ...state, failedAtMs: performance.now() });
        const recordCommit: OnCommit = (durationMs, isStored) => {
          metrics.recordCommit(durationMs);
          if (isStored) state = { ...state, failedAtMs: undefined };
          else fail();
        };
        const now = () => performance.now();

        const answerPath: AnswerPath = (path) => {
          switch (path) {
            case '/metrics':
              return defer(() => {
                sample$.next(undefined);
                return metrics.format();
              }).pipe(map((body) => ({ status: 200, type: metrics.type, body })));
            case '/healthz':
              return of({ status: 200, body: 'ok\n' });
            case '/readyz':
              return defer(() => {
                const reason = problem();
                return of({ status: reason === undefined ? 200 : 503, body: `${reason ?? 'ready'}\n` });
              });
            default:
              return undefined;
          }
        };
        const changes$ = merge(
          stop$.pipe(tap(() => (state = { ...state, isStopping: true }))),
          drain$.pipe(tap(() => (state = { ...state, isDraining: true }))),
          certificate$.pipe(
            tap((certificate) => {
              certificateExpiry = Date.parse(parseLeaf(certificate, 'the certificate').validTo);
            }),
            catchError(() => EMPTY),
          ),
        ).pipe(ignoreElements());
        const served$ = listenStatus(address, answerPath).pipe(
          map((listener): ServedMetrics => {
            ownPort = listener.address.port;
            return {
              listener,
              sample$: sample$.asObservable(),
              record: (event) => {
                if (event.type === 'not-stored') fail();
                metrics.record(event);
              },
              recordUsage: metrics.recordUsage,
              measureCommits: (history) => measureCommits(history, recordCommit, now),
              measureAppends: (ledger) => measureAppends(ledger, recordCommit, now),
              setStoreConnected: (isStoreConnected) => (state = { ...state, isStoreConnected }),
              setLimits: (newLimits) => {
                limits = newLimits;
              },
              setListening: () => (state = { ...state, isListening: true }),
            };
          }),
        );
        return merge(served$, changes$);
      }),
    );
  });

/** Returns the sizes of the store in a directory, or `undefined` if its files cannot be read. */
const readStoreFiles = (dir: string): StoreFiles | undefined => {
  try {
    const { bavail, bsize } = statfsSync(dir);
    return { fileBytes: statSync(dataFile(dir)).size, freeBytes: bavail * bsize };
  } catch {
    return undefined;
  }
};
