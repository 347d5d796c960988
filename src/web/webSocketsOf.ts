import type { Server } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Observable } from 'rxjs';
import type { Connection } from '../../streams/wire/index.js';
import { type ListeningFault, peerOf } from '../transport/fault.js';
import { webSocketsBeside } from '../transport/webSocketServer.js';
import { isFromPage } from './origin.js';

export interface WebSocketsOfOptions {
  /** Whose pages may connect (`https://chat.example.org`), beside those that this server serves at an IP address or `localhost`. */
  readonly origins?: ReadonlySet<string> | undefined;
  /** Told of a page that may not connect, and of a fault with one socket. */
  readonly onFault?: ((fault: ListeningFault) => void) | undefined;
}

/**
 * WebSockets of an HTTP server that is there already as connections for `relay`, at the path `/rxchat` and for as long as
 * it is subscribed. Upgrades for other paths are left to other listeners, and refused (404) if there are none. Never
 * completes by itself.
 *
 * @example
 * import { createServer } from 'node:http';
 * import { relay, webSocketsOf } from 'rxchat/relay';
 *
 * const server = createServer((_request, response) => response.end('hello'));
 * webSocketsOf(server, { origins: new Set(['https://app.example.org']) })
 *   .pipe(relay())
 *   .subscribe({ error: console.error });
 */
export const webSocketsOf = (
  server: Server,
  { origins, onFault = () => undefined }: WebSocketsOfOptions = {},
): Observable<Connection> =>
  webSocketsBeside(server, {
    report: onFault,
    refusal: (request) => {
      const isSecure = request.socket instanceof TLSSocket;
      return isFromPage(request, { origins, host: '0.0.0.0', isSecure })
        ? undefined
        : { type: 'origin-refused', peer: peerOf(request.socket), origin: request.headers.origin ?? '' };
    },
  });
