import {
  catchError,
  defer,
  endWith,
  from,
  ignoreElements,
  map,
  merge,
  type Observable,
  of,
  skip,
  switchMap,
  take,
  takeUntil,
  tap,
  throwError,
  timer,
} from 'rxjs';
import {
  DEFAULT_WINDOW,
  type History,
  type RelayEvent,
  SMALLEST_WINDOW,
} from '../../../streams/relay/index.js';
import { type Address, DEFAULT_ADDRESS, formatAddress, isLoopback } from '../../address.js';
import { relay } from '../../relay.js';
import { shown } from '../../terminal/visible.js';
import { writeOut } from '../../terminal/write.js';
import { leafOf } from '../../tls/certificate.js';
import { pinOf } from '../../tls/pin.js';
import type { ListeningFault } from '../../transport/fault.js';
import type { Listening } from '../../transport/listening.js';
import { listenTcp } from '../../transport/tcp.js';
import { type Certificate, listenTls } from '../../transport/tls.js';
import { readAddress } from '../address.js';
import { calledAs } from '../calledAs.js';
import type { Run } from '../commandTable.js';
import { Exit, note } from '../exit.js';
import { bytes, choice, span } from '../flags.js';
import { readLimits } from '../limits.js';
import { endSignal$, signal$ } from '../process.js';
import { logHistory } from '../historyLog.js';
import { type Log, logEventsIn, openLog } from '../relayLog.js';
import { readCertificates, shared } from '../serveTls.js';
import { listenForPages, pageUrl, readWeb } from '../serveWeb.js';
import { LOG_LEVELS } from '../choices.js';
import { cannotListen, DELIVERY_GRACE, stopped, withFaults } from '../serving.js';
import { readDir, readStore, type StoreOptions } from '../store.js';

const LARGEST_WINDOW = 2 ** 40;
const LONGEST_HEARTBEAT = 3_600_000;

/** `rxchat serve`: a relay until a signal ends it. */
export const serve: Run = ({ flags }) =>
  defer(() => {
    const address = readAddress(flags, 0);
    const window = bytes(flags, 'window', SMALLEST_WINDOW, LARGEST_WINDOW) ?? DEFAULT_WINDOW;
    const heartbeat = span(flags, 'heartbeat', 100, LONGEST_HEARTBEAT);
    const level = choice(flags, 'logLevel', LOG_LEVELS);
    const store = readStore(flags);
    const web = readWeb(flags, address);
    const certificate$ = shared(readCertificates(address.host, readDir(flags), flags));
    const webCertificate$ =
      certificate$ ?? (web && readCertificates(web.address.host, readDir(flags), flags));
    const limits = readLimits(flags);
    // With a certificate of one's own, SIGHUP reads that again.
    const ending$ = flags['cert'] === undefined ? signal$ : endSignal$;
    const stop$ = stopped(ending$);

    let pin: string | undefined;
    const pinned = (certificate: Certificate) => {
      pin = pinOf(leafOf(certificate, 'the certificate'));
    };
    const listening$ = (
      certificate$ === undefined
        ? listenTcp(address)
        : listenTls(address, certificate$.pipe(tap(pinned)), limits)
    ).pipe(
      catchError((error: unknown) => throwError(() => cannotListen(address, error))),
      takeUntil(stop$),
    );

    /** First the pages': those who come before all is ready are told so by HTTP. */
    const ears$: Observable<{ readonly ear: Listening; readonly pages: Listening | undefined }> =
      web === undefined
        ? listening$.pipe(map((ear) => ({ ear, pages: undefined })))
        : listenForPages(web, webCertificate$, limits).pipe(
            catchError((error: unknown) => throwError(() => cannotListen(web.address, error, '--web-port'))),
            switchMap((pages) => listening$.pipe(map((ear) => ({ ear, pages })))),
            takeUntil(stop$),
          );

    const serving = (history: History | undefined, log: (event: RelayEvent | ListeningFault) => void) =>
      ears$.pipe(
        tap(({ ear, pages }) => {
          announce(ear.address, pin);
          if (pages !== undefined)
            writeOut(shown`page on ${pageUrl(pages.address, webCertificate$ !== undefined)}`);
        }),
        switchMap(({ ear, pages }) =>
          (pages === undefined ? ear.connection$ : merge(ear.connection$, pages.connection$)).pipe(
            relay({ ...limits, window, stop$, history, ...(heartbeat !== undefined && { heartbeat }) }),
            withFaults(ear, pages),
          ),
        ),
        tap(log),
        ignoreElements(),
        takeUntil(stop$.pipe(switchMap(() => timer(DELIVERY_GRACE)))),
        endWith(Exit.ok),
      );

    return from(openLog(level)).pipe(
      switchMap((log) =>
        openStore(store, log).pipe(switchMap((history) => serving(history, logEventsIn(log)))),
      ),
      // The store closes when its observable is unsubscribed.
      take(1),
      takeUntil(
        ending$.pipe(
          skip(1),
          tap((code) => process.exit(code)),
        ),
      ),
    );
  });

const openStore = (store: StoreOptions | undefined, log: Log | undefined): Observable<History | undefined> =>
  store === undefined
    ? of(undefined)
    : from(import('../../history/index.js')).pipe(
        switchMap(({ checkHistory, lmdbHistory }) => {
          // All of it, before anybody relies on it: what is damaged must not look like what is empty.
          checkHistory(store.dir);
          return lmdbHistory({
            ...store,
            onEvent: logHistory(log),
            onDamage: (room, from, to) => {
              note(`the history of room ${room} is damaged: entries ${from} to ${to} cannot be read`);
            },
          });
        }),
      );

const announce = (bound: Address, pin: string | undefined): void => {
  writeOut(shown`listening on ${formatAddress(bound)}`);
  const where = [
    bound.host === DEFAULT_ADDRESS.host ? '' : ` --host ${bound.host}`,
    bound.port === DEFAULT_ADDRESS.port ? '' : ` --port ${bound.port}`,
    pin === undefined ? '' : ` --pin=${pin}`,
    pin === undefined && !isLoopback(bound.host) ? ' --plain' : '',
  ].join('');
  note(`to make a room and join it, from another terminal: ${calledAs()} join${where}`);
  note(`that shows an invite; whoever has it can join: ${calledAs()} join INVITE`);
  if (pin === undefined && !isLoopback(bound.host))
    note('without TLS: nicks, room names and sizes can be read on the way here');
};
