import { X509Certificate } from 'node:crypto';
import { createServer as createPlain, type RequestListener, type Server } from 'node:http';
import { createServer as createSecure, type Server as SecureServer } from 'node:https';
import { Observable } from 'rxjs';
import type { HeadLimits } from '../../streams/relay/index.js';
import type { Address } from '../address.js';
import { peerOf } from '../transport/fault.js';
import { guarded } from '../guard.js';
import { boundRequests } from '../transport/handshakes.js';
import { dropSocket, faults, listening, type Listening } from '../transport/listening.js';
import type { Certificate } from '../transport/tls.js';
import { type Refusal, webSockets } from '../transport/webSocketServer.js';
import { isFromPage, type OriginRule } from './origin.js';

export interface WebOptions extends HeadLimits {
  /** With these it speaks https and wss, with TLS 1.3; without them http and ws. */
  readonly certificate$?: Observable<Certificate> | undefined;
  /** What answers requests for pages; without it there are none. */
  readonly page?: RequestListener;
  /** Whose pages may connect, beside those of the relay itself. */
  readonly origins?: ReadonlySet<string> | undefined;
  /** Whether the pages of the relay itself may not, where they are not among these. */
  readonly onlyOrigins?: boolean | undefined;
  /** How long TLS, and then a request, may take, in ms; 10 s. */
  readonly handshakeTimeout?: number;
}

/** All headers of a request together, in bytes. */
const HEADERS = 8192;

/** How long, in ms, a connection may idle between two requests. */
const KEEP_ALIVE = 5000;

/** How long, in ms, nothing may come of a connection and nothing be taken by it: who asks and does not read is closed. */
const IDLE = 30_000;

const REQUESTS_EACH = 100;

const SECURE = { minVersion: 'TLSv1.3' } as const;

/** With 1, 'drain' follows whatever the kernel did not take at once (tcp.ts). */
const PLAIN = { highWaterMark: 1 } as const;

const NO_PAGE: RequestListener = (_request, response) => {
  response.writeHead(404, { 'content-length': 0, connection: 'close' }).end();
};

/**
 * Listens for pages and WebSockets on an address: emits once, when it does. Its connections are WebSockets; what is no
 * WebSocket yet is bounded in number (apart from connections, under the same limits), size and time. Errors where it
 * cannot listen, and with `certificate$`; unsubscribing accepts no more and ends requests.
 */
export const listenWeb = (
  address: Address,
  {
    certificate$,
    page = NO_PAGE,
    origins,
    onlyOrigins,
    handshakeTimeout = 10_000,
    ...limits
  }: WebOptions = {},
): Observable<Listening> =>
  new Observable((subscriber) => {
    const options = {
      noDelay: true,
      keepAlive: true,
      maxHeaderSize: HEADERS,
      headersTimeout: handshakeTimeout,
      requestTimeout: handshakeTimeout,
      connectionsCheckingInterval: Math.min(handshakeTimeout, 1000),
      keepAliveTimeout: KEEP_ALIVE,
    };
    const heard = faults();
    const { report } = heard;
    let leaf: X509Certificate | undefined;
    const rule: OriginRule = {
      origins,
      isOnly: onlyOrigins,
      host: address.host,
      isSecure: certificate$ !== undefined,
      isCertified: (name) => leaf?.checkHost(name) !== undefined,
    };
    const refusal: Refusal = (request) =>
      isFromPage(request, rule)
        ? undefined
        : { type: 'origin-refused', peer: peerOf(request.socket), origin: request.headers.origin ?? '' };
    const answer = guarded(page, (error, request) => {
      dropSocket(report, error, request.socket);
    });
    const begin = (server: Server | SecureServer) => {
      server.maxRequestsPerSocket = REQUESTS_EACH;
      server.timeout = IDLE;
      const opened = boundRequests(server, limits, report);
      subscriber.add(
        listening(server, address, subscriber, heard, webSockets(server, { refusal, opened, report })),
      );
      subscriber.add(() => server.closeAllConnections());
    };
    if (certificate$ === undefined) {
      begin(createPlain({ ...options, ...PLAIN }, answer));
      return;
    }
    let server: SecureServer | undefined;
    subscriber.add(
      certificate$.subscribe({
        next: (certificate) => {
          try {
            if (server !== undefined) server.setSecureContext({ ...certificate, ...SECURE });
            else
              begin(
                (server = createSecure({ ...options, ...certificate, ...SECURE, handshakeTimeout }, answer)),
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
