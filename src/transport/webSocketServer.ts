import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { fromEvent, Observable } from 'rxjs';
import { WebSocketServer } from 'ws';
import type { Connection } from '../../streams/wire/index.js';
import { formatAddress } from '../address.js';
import { explainNetworkError } from './networkError.js';
import { FRAME_LIMIT, webSocketConnection, type WebSocketLike } from './webSocketConnection.js';
import { WEB_SOCKET_PATH } from './webSocketClient.js';

/** Whether a request may become a WebSocket. */
export type IsAllowed = (request: IncomingMessage) => boolean;

/**
 * WebSockets of an HTTP server as connections, from when it is subscribed; one subscriber at a time. Whoever asks for
 * another path, or is not allowed, is told so by HTTP and closed. Never completes by itself.
 */
export const webSockets = (server: Server, isAllowed: IsAllowed): Observable<Connection> =>
  new Observable((subscriber) => {
    const sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      // Ciphertext does not become smaller, and what tries costs memory.
      perMessageDeflate: false,
      maxPayload: FRAME_LIMIT,
    });
    const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => undefined);
      try {
        if (pathOf(request) !== WEB_SOCKET_PATH) refuse(socket, '404 Not Found');
        else if (!isAllowed(request)) refuse(socket, '403 Forbidden');
        else
          sockets.handleUpgrade(request, socket, head, (each) => {
            subscriber.next(serverConnection(each, request.socket));
          });
      } catch {
        // What one request makes fail must not end the process, which has the connections of all.
        socket.destroy();
      }
    };
    server.on('upgrade', upgrade);
    return () => {
      server.off('upgrade', upgrade);
      sockets.close();
    };
  });

/** Returns the path of a request target. Not by `URL`, which throws at some of those that Node accepts (`//`). */
export const pathOf = ({ url = '' }: Pick<IncomingMessage, 'url'>): string => url.split('?', 1)[0] ?? '';

const refuse = (socket: Duplex, status: string): void => {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
};

/** Under each WebSocket lies the socket that tells whether it took what was sent. */
const serverConnection = (webSocket: WebSocketLike, socket: Socket): Connection =>
  webSocketConnection(webSocket, {
    peer: formatAddress({ host: socket.remoteAddress ?? 'gone', port: socket.remotePort ?? 0 }),
    // As with TCP and TLS without it (tcp.ts, tls.ts).
    isTaken: () => (socket instanceof TLSSocket ? !socket.writableNeedDrain : socket.writableLength === 0),
    writable$: fromEvent(socket, 'drain'),
    explain: (event) =>
      'error' in event && event.error instanceof Error
        ? explainNetworkError(event.error)
        : 'the connection was lost',
  });
