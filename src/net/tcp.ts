import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net';
import { Observable } from 'rxjs';
import type { Connection } from '../../streams/wire/index.js';
import type { Address } from '../util/address.js';
import { openConnection, socketConnection, type SocketOptions } from './socketConnection.js';
import { guard } from '../util/guard.js';
import { acceptConnections, createFaultReporter, startListening, type Listener } from './listener.js';
import { canShareReadBuffer, useSharedReadBuffer } from './sharedReadBuffer.js';

/**
 * With 1, `writableLength` shows whether the kernel took everything, and 'drain' always follows if not. A
 * larger mark would queue slices in the socket that the log holds anyway.
 */
const HIGH_WATER_MARK = 1;

const NO_BINDING = new Uint8Array(0);

/** Wraps a socket as a connection. Also works with a socket of your own server and another high-water mark. */
export const tcpConnection = (socket: Socket): Connection => wrapTcp(socket);

const wrapTcp = (socket: Socket, readBy?: SocketOptions['attachReader']): Connection =>
  socketConnection(socket, {
    channelBinding: NO_BINDING,
    // Below the high-water mark no 'drain' would follow.
    isDrained: ({ writableLength, writableNeedDrain }) => writableLength === 0 || !writableNeedDrain,
    copiesOnWrite: socket.writableHighWaterMark === HIGH_WATER_MARK,
    attachReader: readBy,
  });

/** Listens on an address: emits once it listens. Errors if it cannot. Unsubscribing stops accepting. */
export const listenTcp = (address: Address): Observable<Listener> =>
  new Observable((subscriber) => {
    const server: Server = createServer({ highWaterMark: HIGH_WATER_MARK, noDelay: true, keepAlive: true });
    const faultReporter = createFaultReporter();
    let attachReader: SocketOptions['attachReader'];
    const wrap = (socket: Socket) => wrapTcp(socket, attachReader);
    const connection$ = acceptConnections(server, { event: 'connection', wrap }, faultReporter.report);
    void canShareReadBuffer().then(
      guard(
        (isShared: boolean) => {
          if (isShared) attachReader = useSharedReadBuffer;
          if (!subscriber.closed)
            subscriber.add(startListening(server, address, subscriber, faultReporter, connection$));
        },
        (error) => {
          subscriber.error(error);
        },
      ),
    );
  });

/**
 * Connects to an address: emits the connection, which the caller has to close, and completes. Errors with
 * `ConnectionError`. Unsubscribing cancels the attempt.
 */
export const connectTcp = (address: Address, timeoutMs = 10_000): Observable<Connection> =>
  openConnection({
    address,
    timeoutMs,
    open: () => connectSocket({ ...address, noDelay: true, keepAlive: true, ...HIGH_WATER_MARKS }),
    readyEvent: 'connect',
    wrap: tcpConnection,
  });

const HIGH_WATER_MARKS = { highWaterMark: HIGH_WATER_MARK };
