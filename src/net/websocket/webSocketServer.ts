import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { fromEvent, Observable, type Subscriber } from 'rxjs';
import { WebSocketServer } from 'ws';
import type { Connection } from '../../../streams/wire/index.js';
import { dropSocket, type ListenerFault, peerAddress, type PeerOf, type ReportFault } from '../listener.js';
import { startTimer, addListener, ignoreErrors } from '../../util/guard.js';
import { describeNetworkError } from '../../util/errors.js';
import { MAX_FRAME_BYTES, webSocketConnection, type WebSocketLike } from './webSocketConnection.js';
import { WEB_SOCKET_PATH } from './webSocketClient.js';

/** How long the answer to a rejected request may take, in ms. */
const REJECT_TIMEOUT_MS = 1000;

/** Returns why a request must not become a WebSocket, or `undefined` if it may. */
export type CheckRequest = (request: IncomingMessage) => ListenerFault | undefined;

export interface AcceptUpgradesOptions {
  readonly checkRequest: CheckRequest;
  /** Called with the socket of each request that became a WebSocket. */
  readonly onOpened?: (socket: Socket) => void;
  readonly report: ReportFault;
  /** Returns the address of the client of a socket. Default that of its other end. */
  readonly peerOf?: PeerOf;
}

/** Handles an upgrade request. `next` receives the connection if it becomes a WebSocket. */
type Upgrade = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  next: ((connection: Connection) => void) | undefined,
) => void;

const createUpgrade = ({
  checkRequest,
  onOpened,
  report,
  peerOf = peerAddress,
}: AcceptUpgradesOptions): Upgrade => {
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // Ciphertext does not compress, and compression costs memory.
    perMessageDeflate: false,
    maxPayload: MAX_FRAME_BYTES,
  });
  return (request, socket, head, next) => {
    ignoreErrors(socket);
    const fault = checkRequest(request);
    if (fault !== undefined) {
      rejectUpgrade(socket, '403 Forbidden');
      report(fault);
    } else if (next === undefined) rejectUpgrade(socket, '503 Service Unavailable');
    else
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        onOpened?.(request.socket);
        next(nodeWebSocketConnection(webSocket, request.socket, peerOf(request.socket)));
      });
  };
};

const isForRelay = (request: IncomingMessage): boolean => requestPath(request) === WEB_SOCKET_PATH;

/**
 * Emits the WebSockets of an own HTTP server as connections, to one subscriber at a time. Requests for other
 * paths, rejected ones and those without a subscriber get an HTTP error and are closed.
 */
export const acceptUpgrades = (server: Server, options: AcceptUpgradesOptions): Observable<Connection> => {
  const upgrade = createUpgrade(options);
  let subscriber: Subscriber<Connection> | undefined;
  addListener(
    server,
    'upgrade',
    (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (isForRelay(request))
        upgrade(request, socket, head, subscriber && ((each) => subscriber?.next(each)));
      else rejectNotFound(socket);
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
 * Emits the WebSockets of a foreign HTTP server while subscribed. Leaves upgrades for other paths to its other
 * listeners. Without any, they would never be answered or closed.
 */
export const acceptSharedUpgrades = (
  server: Server,
  options: AcceptUpgradesOptions,
): Observable<Connection> =>
  new Observable((subscriber) => {
    const upgrade = createUpgrade(options);
    return addListener(
      server,
      'upgrade',
      (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        if (isForRelay(request))
          upgrade(request, socket, head, (connection) => {
            subscriber.next(connection);
          });
        else if (server.listenerCount('upgrade') === 1) rejectNotFound(socket);
      },
      (error, { socket }) => {
        dropSocket(options.report, error, socket);
      },
    );
  });

/** Returns the path of a request target. `URL` throws at some targets that Node accepts (`//`). */
export const requestPath = ({ url = '' }: Pick<IncomingMessage, 'url'>): string => url.split('?', 1)[0] ?? '';

const rejectNotFound = (socket: Duplex): void => {
  ignoreErrors(socket);
  rejectUpgrade(socket, '404 Not Found');
};

/**
 * Answers and closes a socket. After an upgrade no timeout of the server applies, so the socket is destroyed
 * once the answer is sent, or after a delay.
 */
const rejectUpgrade = (socket: Duplex, status: string): void => {
  const destroy = () => {
    socket.destroy();
  };
  const cancelTimeout = startTimer(REJECT_TIMEOUT_MS, destroy, destroy);
  addListener(socket, 'close', cancelTimeout, destroy);
  addListener(socket, 'finish', destroy, destroy);
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
};

/**
 * Wraps an open WebSocket of the package `ws` as a connection. The socket of its request shows whether it is
 * drained.
 */
export const nodeWebSocketConnection = (
  webSocket: WebSocketLike,
  socket: Socket,
  peer: string = peerAddress(socket),
): Connection =>
  webSocketConnection(webSocket, {
    peer,
    // The same conditions as in tcp.ts and tls.ts.
    isDrained: () => (socket instanceof TLSSocket ? !socket.writableNeedDrain : socket.writableLength === 0),
    writable$: fromEvent(socket, 'drain'),
    explain: (event) =>
      'error' in event && event.error instanceof Error
        ? describeNetworkError(event.error)
        : 'the connection was lost',
  });
