import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { fromEvent, Observable, type Subscriber } from 'rxjs';
import { WebSocketServer } from 'ws';
import type { Connection } from '../../streams/wire/index.js';
import { formatAddress } from '../address.js';
import type { Fault, Report } from './fault.js';
import { after, hear, ignoreErrors } from './guard.js';
import { dropSocket } from './listening.js';
import { explainNetworkError } from './networkError.js';
import { FRAME_LIMIT, webSocketConnection, type WebSocketLike } from './webSocketConnection.js';
import { WEB_SOCKET_PATH } from './webSocketClient.js';

/** How long, in ms, the answer to a refused request may take. */
const LINGER = 1000;

/** Why a request may become no WebSocket; `undefined`: it may. */
export type Refusal = (request: IncomingMessage) => Fault | undefined;

export interface WebSocketsOptions {
  readonly refusal: Refusal;
  /** Told of the socket of each request that has become a WebSocket. */
  readonly opened: (socket: Socket) => void;
  readonly report: Report;
}

/**
 * WebSockets of an HTTP server as connections; one subscriber at a time. Whoever asks for another path, or may not have
 * one, or comes while nobody subscribes, is told so by HTTP and closed.
 */
export const webSockets = (
  server: Server,
  { refusal, opened, report }: WebSocketsOptions,
): Observable<Connection> => {
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // Ciphertext does not become smaller, and what tries costs memory.
    perMessageDeflate: false,
    maxPayload: FRAME_LIMIT,
  });
  let subscriber: Subscriber<Connection> | undefined;
  const drop = (error: unknown, { socket }: Pick<IncomingMessage, 'socket'>) => {
    dropSocket(report, error, socket);
  };
  hear(
    server,
    'upgrade',
    (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      ignoreErrors(socket);
      if (pathOf(request) !== WEB_SOCKET_PATH) {
        refuse(socket, '404 Not Found');
        return;
      }
      const fault = refusal(request);
      if (fault !== undefined) {
        refuse(socket, '403 Forbidden');
        report(fault);
      } else if (subscriber === undefined) refuse(socket, '503 Service Unavailable');
      else
        sockets.handleUpgrade(request, socket, head, (each) => {
          opened(request.socket);
          subscriber?.next(serverConnection(each, request.socket));
        });
    },
    drop,
  );
  return new Observable((each) => {
    subscriber = each;
    return () => {
      if (subscriber === each) subscriber = undefined;
    };
  });
};

/** Returns the path of a request target. Not by `URL`, which throws at some of those that Node accepts (`//`). */
export const pathOf = ({ url = '' }: Pick<IncomingMessage, 'url'>): string => url.split('?', 1)[0] ?? '';

/**
 * Answers and closes. The server keeps a socket whose other end goes on sending, and after an upgrade no time limit of
 * the server ends it: so it is destroyed once the answer is out, or soon.
 */
const refuse = (socket: Duplex, status: string): void => {
  const destroy = () => {
    socket.destroy();
  };
  const callOff = after(LINGER, destroy, destroy);
  hear(socket, 'close', callOff, destroy);
  hear(socket, 'finish', destroy, destroy);
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
