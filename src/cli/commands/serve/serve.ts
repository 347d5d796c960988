import {
  catchError,
  defer,
  EMPTY,
  endWith,
  from,
  ignoreElements,
  map,
  merge,
  type Observable,
  of,
  race,
  skip,
  Subject,
  switchMap,
  take,
  takeUntil,
  tap,
  throwError,
  timer,
} from 'rxjs';
import {
  DEFAULT_WINDOW_BYTES,
  MIN_WINDOW_BYTES,
  type RelayEvent,
  type RelayRules,
} from '../../../../streams/relay/index.js';
import { type Address, formatAddress } from '../../../util/address.js';
import { relay } from '../../../relay/relay.js';
import { safe } from '../../../text/sanitize.js';
import { writeOut } from '../../../terminal/write.js';
import { computePin, parseLeaf } from '../../../net/tls/certificate.js';
import type { Listener, ListenerFault } from '../../../net/listener.js';
import { listenTcp } from '../../../net/tcp.js';
import { listenTls } from '../../../net/tls/tls.js';
import type { Certificate } from '../../../net/tls/certificate.js';
import type { Run } from '../../args/command.js';
import { Exit } from '../../process/exit.js';
import { bytesFlag, choiceFlag, durationFlag } from '../../args/flags.js';
import {
  adminDirFromFlags,
  historyDirFromFlags,
  historyOptionsFromFlags,
  limitsFromFlags,
} from './relayOptions.js';
import { printListening } from './printListening.js';
import { reload } from './reload.js';
import { openOwnStore, openSharedStore, type Store } from './openStore.js';
import { storeOptionsFromFlags } from './storeOptions.js';
import { terminationSignal$, signal$ } from '../../process/stdio.js';
import type { ServedAdmin } from './admin/serveAdmin.js';
import type { ServedMetrics } from './metrics/serveMetrics.js';
import { eventLogger, openRelayLog, type RelayLog } from './relayLog.js';
import {
  certificatesFromFlags,
  shareCertificates,
  listenWebPages,
  proxyFromFlags,
  pageUrl,
} from './endpoints.js';
import { listenAddressesFromFlags } from './listenAddresses.js';
import { LOG_FORMATS, LOG_LEVELS } from '../../args/choices.js';
import { reportToSystemd } from '../../process/systemd.js';
import { listenError, DELIVERY_GRACE_MS, shutdownSignal, mergeFaults } from '../../process/shutdown.js';

const MAX_WINDOW_BYTES = 2 ** 40;
const MAX_HEARTBEAT_MS = 3_600_000;

/** `rxchat serve`: runs a relay until a signal ends it. */
export const serve: Run = ({ flags }, { version, loadFlags }) =>
  defer(() => {
    const { address, web, metricsAddress } = listenAddressesFromFlags(flags);
    const windowBytes =
      bytesFlag(flags, 'window', MIN_WINDOW_BYTES, MAX_WINDOW_BYTES) ?? DEFAULT_WINDOW_BYTES;
    const heartbeatMs = durationFlag(flags, 'heartbeat', 100, MAX_HEARTBEAT_MS);
    const level = choiceFlag(flags, 'logLevel', LOG_LEVELS);
    const logFormat = choiceFlag(flags, 'logFormat', LOG_FORMATS);
    const storeOptions = storeOptionsFromFlags(flags);
    const historyOptions = storeOptions === undefined ? historyOptionsFromFlags(flags) : undefined;
    // What an operator asks for while the relay runs.
    const [drains, rules, reloads] = [new Subject<number>(), new Subject<RelayRules>(), new Subject<void>()];
    const drain$ = drains.asObservable();
    const certificatesFor = ({ host }: Address) =>
      shareCertificates(certificatesFromFlags(host, historyDirFromFlags(flags), flags, reloads));
    const certificate$ = certificatesFor(address);
    const webCertificate$ = certificate$ ?? (web && certificatesFor(web.address));
    const { limits, handshakeTimeoutMs, ...access } = limitsFromFlags(flags);
    const proxy = proxyFromFlags(flags);
    const listenLimits = {
      ...limits,
      handshakeTimeoutMs,
      proxy: proxy && { ...proxy, timeoutMs: handshakeTimeoutMs, maxPending: limits.maxConnections },
    };
    // With `--cert`, SIGHUP reloads the certificate.
    const endSignals$ = flags['cert'] === undefined ? signal$ : terminationSignal$;
    const stop$ = shutdownSignal(merge(endSignals$, drain$.pipe(switchMap((ms) => timer(ms)))));

    let pin: string | undefined;
    const setPin = (certificate: Certificate) => {
      pin = computePin(parseLeaf(certificate, 'the certificate'));
    };
    const openMetrics = (): Observable<ServedMetrics | undefined> =>
      metricsAddress === undefined
        ? of(undefined)
        : from(import('./metrics/serveMetrics.js')).pipe(
            switchMap(({ serveMetrics }) =>
              serveMetrics(metricsAddress, {
                version,
                limits,
                stop$,
                drain$,
                dir: historyOptions?.dir,
                storeLimitBytes: historyOptions?.retention.maxTotalBytes,
                certificate$: certificate$ ?? webCertificate$,
              }),
            ),
            catchError((error: unknown) => throwError(() => listenError(metricsAddress, error, '--metrics'))),
          );
    const adminDir = adminDirFromFlags(flags);
    const openAdmin = (
      log: RelayLog,
      metrics: ServedMetrics | undefined,
    ): Observable<ServedAdmin | undefined> =>
      adminDir === undefined
        ? of(undefined)
        : from(import('./admin/serveAdmin.js')).pipe(
            switchMap(({ serveAdmin }) =>
              serveAdmin({
                dir: adminDir,
                version,
                store: storeOptions === undefined ? (historyOptions?.durability ?? 'memory') : 'shared',
                log,
                stop$,
                drain: (afterMs) => drains.next(afterMs),
                reload$: reload({
                  loadFlags,
                  setLogLevel: log.setLevel,
                  setRules: (newRules) => {
                    rules.next(newRules);
                    metrics?.setLimits(newRules.limits ?? {});
                  },
                  reloadCertificate: () => reloads.next(),
                }),
              }),
            ),
          );
    const listening$ = (
      certificate$ === undefined
        ? listenTcp(address, listenLimits)
        : listenTls(address, certificate$.pipe(tap(setPin)), listenLimits)
    ).pipe(
      catchError((error: unknown) => throwError(() => listenError(address, error))),
      takeUntil(stop$),
    );

    /** Starts the page server first, to answer browsers while the relay starts. */
    const listeners$: Observable<{ readonly members: Listener; readonly pages: Listener | undefined }> =
      web === undefined
        ? listening$.pipe(map((listener) => ({ members: listener, pages: undefined })))
        : listenWebPages(web, webCertificate$, listenLimits).pipe(
            catchError((error: unknown) => throwError(() => listenError(web.address, error, '--web-port'))),
            switchMap((pageListener) =>
              listening$.pipe(map((listener) => ({ members: listener, pages: pageListener }))),
            ),
            takeUntil(stop$),
          );

    const runRelay = (
      { history, ledger }: Store,
      log: (event: RelayEvent | ListenerFault) => void,
      metrics: ServedMetrics | undefined,
      admin: ServedAdmin | undefined,
    ) =>
      listeners$.pipe(
        tap(({ members: listener, pages: pageListener }) => {
          printListening(listener.address, pin);
          if (pageListener !== undefined)
            writeOut(safe`page on ${pageUrl(pageListener.address, webCertificate$ !== undefined)}`);
          if (metrics !== undefined) {
            writeOut(safe`metrics on http://${formatAddress(metrics.listener.address)}/metrics`);
            metrics.setListening();
          }
          admin?.setListening(
            [listener, pageListener].flatMap((each) => (each ? [formatAddress(each.address)] : [])),
          );
        }),
        switchMap(({ members: listener, pages: pageListener }) => {
          const connection$ =
            pageListener === undefined
              ? listener.connection$
              : merge(listener.connection$, pageListener.connection$);
          const event$ = connection$.pipe(
            relay({
              ...access,
              stop$,
              limits,
              timing: {
                handshakeTimeoutMs,
                ...(heartbeatMs !== undefined && { heartbeatMs }),
                ...(storeOptions !== undefined && { storeTimeoutMs: storeOptions.timeoutMs }),
              },
              history: { store: history && (metrics?.measureCommits(history) ?? history), windowBytes },
              ledger: ledger && (metrics?.measureAppends(ledger) ?? ledger),
              sample$: merge(metrics?.sample$ ?? EMPTY, admin?.sample$ ?? EMPTY),
              inspect$: admin?.inspect$,
              removeRoom$: admin?.removeRoom$,
              rules$: rules.asObservable(),
              bans: admin?.bans,
            }),
            mergeFaults(listener, pageListener, metrics?.listener),
          );
          return merge(event$, reportToSystemd(stop$));
        }),
        tap((event) => {
          log(event);
          metrics?.record(event);
          admin?.record(event);
        }),
        ignoreElements(),
        takeUntil(stop$.pipe(switchMap(() => timer(DELIVERY_GRACE_MS)))),
        endWith(Exit.ok),
      );

    return openRelayLog(level, logFormat).pipe(
      switchMap((log) =>
        openMetrics().pipe(
          switchMap((metrics) =>
            (storeOptions === undefined
              ? openOwnStore(historyOptions, log, metrics?.recordUsage)
              : // A signal ends the wait for the store.
                race(
                  openSharedStore(storeOptions, log, metrics?.setStoreConnected),
                  stop$.pipe(take(1), ignoreElements()),
                )
            ).pipe(
              switchMap((store) =>
                openAdmin(log, metrics).pipe(
                  switchMap((admin) => runRelay(store, eventLogger(log), metrics, admin)),
                ),
              ),
            ),
          ),
        ),
      ),
      // The store closes when its observable is unsubscribed.
      take(1),
      takeUntil(
        endSignals$.pipe(
          skip(1),
          tap((code) => process.exit(code)),
        ),
      ),
    );
  });
