import {
  type IncomingMessage,
  createServer as createPlain,
  type RequestListener,
  type Server,
} from 'node:http';
import { isIP } from 'node:net';
import { isLoopback, normalizeHost } from '../../util/address.js';
import { X509Certificate } from 'node:crypto';
import { createServer as createSecure, type Server as SecureServer } from 'node:https';
import { Observable } from 'rxjs';
import type { ConnectionLimits } from '../../../streams/relay/index.js';
import {
  createFaultReporter,
  dropSocket,
  type ListenAddress,
  type Listener,
  peerAddress,
  type PeerOf,
  startListening,
  type ListenerFault,
} from '../listener.js';
import { type ProxyOptions, readProxyHeaders } from '../readProxyHeaders.js';
import { guard } from '../../util/guard.js';
import { limitRequests } from '../limitHandshakes.js';
import type { Certificate } from '../tls/certificate.js';
import { type CheckRequest, acceptUpgrades, acceptSharedUpgrades } from '../websocket/webSocketServer.js';
import { TLSSocket } from 'node:tls';
import type { Connection } from '../../../streams/wire/index.js';

export interface ListenWebOptions extends ConnectionLimits {
  /** Certificates for https and wss with TLS 1.3. Without them it serves http and ws. */
  readonly certificate$?: Observable<Certificate> | undefined;
  /** Answers page requests. Default 404. */
  readonly page?: RequestListener;
  /** Origins of pages that may connect, in addition to the pages of the relay itself. */
  readonly origins?: ReadonlySet<string> | undefined;
  /** Rejects the pages of the relay itself too, unless `origins` contains them. */
  readonly onlyOrigins?: boolean | undefined;
  /** Timeout of the TLS handshake and of a request in ms. Default 10 s. */
  readonly handshakeTimeoutMs?: number;
  /** Connections of trusted proxies begin with a header of the PROXY protocol. */
  readonly proxy?: ProxyOptions | undefined;
}

/** Maximum size of all headers of a request in bytes. */
const MAX_HEADER_BYTES = 8192;

/** How long a connection may idle between two requests, in ms. */
const KEEP_ALIVE_MS = 5000;

/** How long a connection may neither send nor receive, in ms. It closes clients that do not read. */
const IDLE_TIMEOUT_MS = 30_000;

const MAX_REQUESTS_PER_SOCKET = 100;

const SECURE_OPTIONS = { minVersion: 'TLSv1.3' } as const;

/** With 1, 'drain' follows whenever the kernel did not take everything (tcp.ts). */
const PLAIN_OPTIONS = { highWaterMark: 1 } as const;

const NO_PAGE: RequestListener = (_request, response) => {
  response.writeHead(404, { 'content-length': 0, connection: 'close' }).end();
};

/**
 * Listens for pages and WebSockets on an address: emits once it listens. Its connections are WebSockets. Other
 * requests are limited in number (separately, under the same limits), size and time. Errors if it cannot
 * listen, and with `certificate$`. Unsubscribing stops accepting and ends requests.
 */
export const listenWeb = (
  address: ListenAddress,
  {
    certificate$,
    page = NO_PAGE,
    origins,
    onlyOrigins,
    handshakeTimeoutMs = 10_000,
    proxy,
    ...limits
  }: ListenWebOptions = {},
): Observable<Listener> =>
  new Observable((subscriber) => {
    const options = {
      noDelay: true,
      keepAlive: true,
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: handshakeTimeoutMs,
      requestTimeout: handshakeTimeoutMs,
      connectionsCheckingInterval: Math.min(handshakeTimeoutMs, 1000),
      keepAliveTimeout: KEEP_ALIVE_MS,
    };
    const faultReporter = createFaultReporter();
    const { report } = faultReporter;
    let leaf: X509Certificate | undefined;
    let peerOf: PeerOf = peerAddress;
    const policy: OriginPolicy = {
      origins,
      isOnly: onlyOrigins,
      host: address.host,
      isSecure: certificate$ !== undefined,
      isCertifiedFor: (name) => leaf?.checkHost(name) !== undefined,
    };
    const refusal: CheckRequest = (request) =>
      isAllowedOrigin(request, policy)
        ? undefined
        : { type: 'origin-refused', peer: peerOf(request.socket), origin: request.headers.origin ?? '' };
    const answer = guard(page, (error, request) => {
      dropSocket(report, error, request.socket);
    });
    const startServer = (server: Server | SecureServer) => {
      server.maxRequestsPerSocket = MAX_REQUESTS_PER_SOCKET;
      server.timeout = IDLE_TIMEOUT_MS;
      const onOpened = limitRequests(server, limits, report, (socket) => peerOf(socket));
      const connection$ = acceptUpgrades(server, {
        checkRequest: refusal,
        onOpened,
        report,
        peerOf: (socket) => peerOf(socket),
      });
      if (proxy !== undefined) peerOf = readProxyHeaders(server, proxy, report);
      subscriber.add(startListening(server, address, subscriber, faultReporter, connection$));
      subscriber.add(() => server.closeAllConnections());
    };
    if (certificate$ === undefined) {
      startServer(createPlain({ ...options, ...PLAIN_OPTIONS }, answer));
      return;
    }
    let server: SecureServer | undefined;
    subscriber.add(
      certificate$.subscribe({
        next: (certificate) => {
          try {
            if (server !== undefined) server.setSecureContext({ ...certificate, ...SECURE_OPTIONS });
            else
              startServer(
                (server = createSecure(
                  { ...options, ...certificate, ...SECURE_OPTIONS, handshakeTimeout: handshakeTimeoutMs },
                  answer,
                )),
              );
            leaf = new X509Certificate(certificate.cert);
          } catch (error) {
            subscriber.error(error);
          }
        },
        error: (error: unknown) => {
          subscriber.error(error);
        },
      }),
    );
  });

export interface AcceptWebSocketsOptions {
  /**
   * Origins of pages that may connect, such as `https://chat.example.org`, in addition to pages of this server
   * at an IP address or `localhost`.
   */
  readonly origins?: ReadonlySet<string> | undefined;
  /** Called for a rejected page, and for an internal error with a socket. */
  readonly onFault?: ((fault: ListenerFault) => void) | undefined;
}

/**
 * Accepts WebSockets of an existing HTTP server as connections for `relay`, at the path `/rxchat`, while
 * subscribed. Leaves upgrades for other paths to other listeners; without any, it rejects them (404). Never
 * completes.
 *
 * @example
 * import { createServer } from 'node:http';
 * import { relay, acceptWebSockets } from 'rxchat/relay';
 *
 * const server = createServer((_request, response) => response.end('hello'));
 * acceptWebSockets(server, { origins: new Set(['https://app.example.org']) })
 *   .pipe(relay())
 *   .subscribe({ error: console.error });
 */
export const acceptWebSockets = (
  server: Server,
  { origins, onFault = () => undefined }: AcceptWebSocketsOptions = {},
): Observable<Connection> =>
  acceptSharedUpgrades(server, {
    report: onFault,
    checkRequest: (request) => {
      const isSecure = request.socket instanceof TLSSocket;
      return isAllowedOrigin(request, { origins, host: '0.0.0.0', isSecure })
        ? undefined
        : { type: 'origin-refused', peer: peerAddress(request.socket), origin: request.headers.origin ?? '' };
    },
  });

export interface OriginPolicy {
  /** Origins of pages that may connect, such as `https://chat.example.org`. */
  readonly origins?: ReadonlySet<string> | undefined;
  /** Whether only these may connect, and not the pages of the relay itself. */
  readonly isOnly?: boolean | undefined;
  /** Host that the relay listens on. */
  readonly host: string;
  readonly isSecure: boolean;
  /** Whether the certificate of the relay is valid for a name. */
  readonly isCertifiedFor?: ((name: string) => boolean) | undefined;
}

/**
 * Returns the canonical form of an origin (RFC 6454), `https://host[:port]`, or `undefined` if it is not an
 * origin.
 */
export const normalizeOrigin = (text: string): string | undefined => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOrigin = url !== undefined && ['https:', 'http:'].includes(url.protocol) && url.pathname === '/';
  return isOrigin && url.search === '' && url.hash === '' && url.username === '' ? url.origin : undefined;
};

/**
 * Whether a request for a WebSocket comes from an allowed page: one of the relay itself, or of a listed origin.
 * Browsers add the origin of a page to its requests. A request without origin does not come from a browser.
 *
 * Equal `Origin` and `Host` are not enough: the owner of any name can point it to this relay (DNS rebinding). So the
 * relay's own pages are at an IP address, at `localhost`, at its host name or at a name of its certificate. A relay
 * that listens on this machine only accepts pages of this machine.
 */
export const isAllowedOrigin = (
  { headers }: Pick<IncomingMessage, 'headers'>,
  { origins = new Set(), isOnly = false, host, isSecure, isCertifiedFor = () => false }: OriginPolicy,
): boolean => {
  const { origin } = headers;
  if (origin === undefined) return true;
  const pageOrigin = normalizeOrigin(origin);
  if (pageOrigin === undefined) return false;
  if (origins.has(pageOrigin)) return true;
  const ownOrigin = normalizeOrigin(`${isSecure ? 'https' : 'http'}://${headers.host ?? ''}`);
  if (isOnly || ownOrigin !== pageOrigin) return false;
  const name = new URL(ownOrigin).hostname.replace(/^\[|\]$/g, '');
  if (isLoopback(name) || isCertifiedFor(name)) return true;
  return !isLoopback(host) && (isIP(name) !== 0 || name === normalizeHost(host));
};
