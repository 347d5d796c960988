import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { fromEvent, Observable, type Subscriber } from 'rxjs';
import { WebSocketServer } from 'ws';
import type { Connection } from '../../streams/wire/index.js';
import { formatAddress } from '../address.js';
import type { ListeningFault, Report } from './fault.js';
import { after, hear, ignoreErrors } from '../guard.js';
import { dropSocket } from './listening.js';
import { explainNetworkError } from './networkError.js';
import { FRAME_LIMIT, webSocketConnection, type WebSocketLike } from './webSocketConnection.js';
import { WEB_SOCKET_PATH } from './webSocketClient.js';

/** How long, in ms, the answer to a refused request may take. */
const LINGER = 1000;

/** Why a request may become no WebSocket; `undefined`: it may. */
export type Refusal = (request: IncomingMessage) => ListeningFault | undefined;

export interface WebSocketsOptions {
  readonly refusal: Refusal;
  /** Told of the socket of each request that has become a WebSocket. */
  readonly opened?: (socket: Socket) => void;
  readonly report: Report;
}

/** Takes the request for an upgrade that a server gives; who gets the connection, if it becomes a WebSocket. */
type Upgrade = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  next: ((connection: Connection) => void) | undefined,
) => void;

const upgrading = ({ refusal, opened, report }: WebSocketsOptions): Upgrade => {
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // Ciphertext does not become smaller, and what tries costs memory.
    perMessageDeflate: false,
    maxPayload: FRAME_LIMIT,
  });
  return (request, socket, head, next) => {
    ignoreErrors(socket);
    const fault = refusal(request);
    if (fault !== undefined) {
      refuse(socket, '403 Forbidden');
      report(fault);
    } else if (next === undefined) refuse(socket, '503 Service Unavailable');
    else
      sockets.handleUpgrade(request, socket, head, (each) => {
        opened?.(request.socket);
        next(serverConnection(each, request.socket));
      });
  };
};

const isForRelay = (request: IncomingMessage): boolean => pathOf(request) === WEB_SOCKET_PATH;

/**
 * WebSockets of an HTTP server of ours as connections; one subscriber at a time. Whoever asks for another path, or may not
 * have one, or comes while nobody subscribes, is told so by HTTP and closed.
 */
export const webSockets = (server: Server, options: WebSocketsOptions): Observable<Connection> => {
  const upgrade = upgrading(options);
  let subscriber: Subscriber<Connection> | undefined;
  hear(
    server,
    'upgrade',
    (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (isForRelay(request))
        upgrade(request, socket, head, subscriber && ((each) => subscriber?.next(each)));
      else refuseOther(socket);
    },
    (error, { socket }) => {
      dropSocket(options.report, error, socket);
    },
  );
  return new Observable((each) => {
    subscriber = each;
    return () => {
      if (subscriber === each) subscriber = undefined;
    };
  });
};

/**
 * WebSockets of an HTTP server of somebody else's, while subscribed. Upgrades for other paths are left to its other listeners;
 * without any, nobody would ever answer or close them.
 */
export const webSocketsBeside = (server: Server, options: WebSocketsOptions): Observable<Connection> =>
  new Observable((subscriber) => {
    const upgrade = upgrading(options);
    return hear(
      server,
      'upgrade',
      (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        if (isForRelay(request))
          upgrade(request, socket, head, (each) => {
            subscriber.next(each);
          });
        else if (server.listenerCount('upgrade') === 1) refuseOther(socket);
      },
      (error, { socket }) => {
        dropSocket(options.report, error, socket);
      },
    );
  });

/** Returns the path of a request target. Not by `URL`, which throws at some of those that Node accepts (`//`). */
export const pathOf = ({ url = '' }: Pick<IncomingMessage, 'url'>): string => url.split('?', 1)[0] ?? '';

const refuseOther = (socket: Duplex): void => {
  ignoreErrors(socket);
  refuse(socket, '404 Not Found');
};

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

/**
 * An open WebSocket of the package `ws` as a connection of a server, with the socket of its request: that tells whether it
 * took what was sent.
 */
export const serverConnection = (webSocket: WebSocketLike, socket: Socket): Connection =>
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
