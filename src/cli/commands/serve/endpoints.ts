import { join } from 'node:path';
import {
  catchError,
  concat,
  defer,
  EMPTY,
  fromEvent,
  map,
  merge,
  mergeMap,
  type Observable,
  of,
  ReplaySubject,
  share,
  from,
  switchMap,
} from 'rxjs';
import {
  CertificateError,
  computePin,
  loadCertificate,
  loadOwnCertificate,
  OWN_CERTIFICATE_FILE,
  parseLeaf,
  validityProblem,
  type Certificate,
} from '../../../net/tls/certificate.js';
import { usesTls, hostFromFlags } from '../../shared/addressFlags.js';
import { printNote, usageError } from '../../process/exit.js';
import { type Flags, stringFlag, flagName, integerFlag, stringListFlag } from '../../args/flags.js';
import { type Address, formatAddress } from '../../../util/address.js';
import type { ListenAddress, Listener } from '../../../net/listener.js';
import type { ProxyOptions } from '../../../net/readProxyHeaders.js';
import { LOOPBACK, parseTrustedProxies } from '../../../net/trustedProxies.js';
import type { ListenWebOptions } from '../../../net/web/listenWeb.js';

/** Emits the certificates to use, or returns `undefined` if the relay uses no TLS. */
export const certificatesFromFlags = (
  host: string,
  dir: string,
  flags: Flags,
  reload$: Observable<unknown> = EMPTY,
): Observable<Certificate> | undefined => {
  const [cert, key] = [stringFlag(flags, 'cert'), stringFlag(flags, 'key')];
  if ((cert === undefined) !== (key === undefined)) throw usageError('--cert and --key go together');
  if (cert !== undefined && flags['plain'] === true)
    throw usageError('--cert and --key have no effect with --plain');
  if (cert !== undefined && key !== undefined) return fileCertificates(cert, key, reload$);
  if (!usesTls(host, flags)) return undefined;
  if (flags['store'] !== undefined)
    printNote(
      `this relay has a key of its own: invites with its pin fail at the other relays of the store; give all of them ` +
        `the same --cert and --key, or a copy of ${join(dir, OWN_CERTIFICATE_FILE)}`,
    );
  return defer(() => loadOwnCertificate(dir));
};

/**
 * Emits the certificate in the files, and again at each SIGHUP and each reload.
 * If the files are invalid then, the previous certificate stays in use.
 */
const fileCertificates = (
  cert: string,
  key: string,
  reload$: Observable<unknown>,
): Observable<Certificate> => {
  const loaded$ = defer(() => of(loadCertificate(cert, key)));
  const reloaded$ = merge(fromEvent(process, 'SIGHUP'), reload$).pipe(
    mergeMap(() =>
      loaded$.pipe(
        map((certificate) => {
          printNote(`the certificate was reloaded; its pin is ${computePin(parseLeaf(certificate, cert))}`);
          return certificate;
        }),
        catchError((error: unknown) => {
          if (!(error instanceof CertificateError)) throw error;
          printNote(`${error.message}; the previous certificate stays in use`);
          return EMPTY;
        }),
      ),
    ),
  );
  return concat(loaded$, reloaded$).pipe(
    map((certificate) => {
      const problem = validityProblem(parseLeaf(certificate, cert), Date.now());
      if (problem !== undefined) printNote(`the certificate in ${cert}: ${problem}`);
      return certificate;
    }),
  );
};

/** Shares the certificates between two listeners, so that the files are read once. */
export const shareCertificates = (
  certificate$: Observable<Certificate> | undefined,
): Observable<Certificate> | undefined =>
  certificate$?.pipe(share({ connector: () => new ReplaySubject(1), resetOnComplete: false }));

/** Parses `--proxy-protocol` and `--trusted-proxies`, or returns `undefined` without them. */
export const proxyFromFlags = (flags: Flags): ProxyOptions | undefined => {
  const given = stringFlag(flags, 'trustedProxies');
  if (flags['proxyProtocol'] !== true) {
    if (given !== undefined) throw usageError('--trusted-proxies needs --proxy-protocol');
    return undefined;
  }
  const isTrusted = parseTrustedProxies(given ?? LOOPBACK);
  if (isTrusted === undefined)
    throw usageError('--trusted-proxies needs IP addresses or networks, such as 10.0.0.7,fd00::/8');
  return { isTrusted };
};

/** The port of the web page unless a flag says otherwise. */
const DEFAULT_WEB_PORT = 55_580;

/** The address of pages and WebSockets, and the origins that may connect. */
export interface WebOptions {
  readonly address: ListenAddress;
  readonly origins: ReadonlySet<string>;
  readonly isOriginsOnly: boolean;
}

/** Parses `--web` and its flags, or returns `undefined` without `--web`. */
export const webFromFlags = (flags: Flags, { host }: Address): WebOptions | undefined => {
  if (flags['web'] !== true) {
    const given = ['webHost', 'webPort', 'webOriginOnly'].find((key) => flags[key] !== undefined);
    // A flag that can be repeated is an empty list if it is absent.
    const unusedFlag = given ?? (stringListFlag(flags, 'webOrigin') === undefined ? undefined : 'webOrigin');
    if (unusedFlag !== undefined) throw usageError(`${flagName(unusedFlag)} needs --web`);
    return undefined;
  }
  const isOriginsOnly = flags['webOriginOnly'] === true;
  if (isOriginsOnly && stringListFlag(flags, 'webOrigin') === undefined)
    throw usageError('--web-origin-only needs at least one --web-origin');
  return {
    address: {
      host: hostFromFlags(flags, 'webHost') ?? host,
      port: integerFlag(flags, 'webPort', 0, 65_535) ?? DEFAULT_WEB_PORT,
    },
    isOriginsOnly,
    origins: new Set((stringListFlag(flags, 'webOrigin') ?? []).map(parseOrigin)),
  };
};

const parseOrigin = (given: string): string => {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const isOrigin =
    url !== undefined && /^https?:$/.test(url.protocol) && given.replace(/\/$/, '') === url.origin;
  if (!isOrigin)
    throw usageError(
      '--web-origin needs the origin of a page',
      'such as https://chat.example.org, without a path',
    );
  return url.origin;
};

/** Listens for pages and WebSockets, whose modules are loaded only here. */
export const listenWebPages = (
  { address, origins, isOriginsOnly }: WebOptions,
  certificate$: Observable<Certificate> | undefined,
  limits: Omit<ListenWebOptions, 'certificate$' | 'page' | 'origins' | 'onlyOrigins'>,
): Observable<Listener> =>
  defer(() =>
    from(Promise.all([import('../../../net/web/listenWeb.js'), import('../../../net/web/pageFiles.js')])),
  ).pipe(
    map(([{ listenWeb }, { createPageListener }]) => ({ listenWeb, page: createPageListener() })),
    switchMap(({ listenWeb, page }) =>
      listenWeb(address, { ...limits, certificate$, page, origins, onlyOrigins: isOriginsOnly }),
    ),
  );

/** Returns the URL of the page, to print. */
export const pageUrl = (address: Address, isSecure: boolean): string =>
  `${isSecure ? 'https' : 'http'}://${formatAddress(address)}/`;
