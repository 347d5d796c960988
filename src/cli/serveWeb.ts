import { defer, from, map, type Observable, switchMap } from 'rxjs';
import type { HeadLimits } from '../../streams/relay/index.js';
import { type Address, formatAddress } from '../address.js';
import type { Listening } from '../transport/listening.js';
import type { Certificate } from '../transport/tls.js';
import { readHost } from './address.js';
import { usageError } from './exit.js';
import { flagName, type Flags, integer, texts } from './flags.js';

/** Where pages are, if nothing else is said. */
export const DEFAULT_WEB_PORT = 55_580;

/** Where pages and WebSockets are, and whose pages may connect. */
export interface Web {
  readonly address: Address;
  readonly origins: ReadonlySet<string>;
  readonly onlyOrigins: boolean;
}

/** `--web` and what belongs to it; `undefined` where there are to be no pages. */
export const readWeb = (flags: Flags, { host }: Address): Web | undefined => {
  if (flags['web'] !== true) {
    const given = ['webHost', 'webPort', 'webOriginOnly'].find((key) => flags[key] !== undefined);
    // What may be given several times is an empty list where it is not given.
    const idle = given ?? (texts(flags, 'webOrigin') === undefined ? undefined : 'webOrigin');
    if (idle !== undefined) throw usageError(`${flagName(idle)} means nothing without --web`);
    return undefined;
  }
  const onlyOrigins = flags['webOriginOnly'] === true;
  if (onlyOrigins && texts(flags, 'webOrigin') === undefined)
    throw usageError('--web-origin-only needs at least one --web-origin');
  return {
    address: {
      host: readHost(flags, 'webHost') ?? host,
      port: integer(flags, 'webPort', 0, 65_535) ?? DEFAULT_WEB_PORT,
    },
    onlyOrigins,
    origins: new Set((texts(flags, 'webOrigin') ?? []).map(readOrigin)),
  };
};

const readOrigin = (given: string): string => {
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

/** Listens for pages and WebSockets, which are loaded for that alone. */
export const listenForPages = (
  { address, origins, onlyOrigins }: Web,
  certificate$: Observable<Certificate> | undefined,
  limits: HeadLimits & { readonly handshakeTimeout?: number },
): Observable<Listening> =>
  defer(() => from(Promise.all([import('../web/listenWeb.js'), import('../web/pageFiles.js')]))).pipe(
    map(([{ listenWeb }, { pageListener }]) => ({ listenWeb, page: pageListener() })),
    switchMap(({ listenWeb, page }) =>
      listenWeb(address, { ...limits, certificate$, page, origins, onlyOrigins }),
    ),
  );

/** The address of the page, for people. */
export const pageUrl = (address: Address, isSecure: boolean): string =>
  `${isSecure ? 'https' : 'http'}://${formatAddress(address)}/`;
