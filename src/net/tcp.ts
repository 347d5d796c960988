import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net';
import { Observable } from 'rxjs';
import type { Connection } from '../../streams/wire/index.js';
import type { Address } from '../util/address.js';
import { openConnection, socketConnection, type SocketOptions } from './socketConnection.js';
import { guard } from '../util/guard.js';
import {
  acceptConnections,
  createFaultReporter,
  type ListenAddress,
  type Listener,
  peerAddress,
  type PeerOf,
  startListening,
} from './listener.js';
import { type ProxyOptions, readProxyHeaders } from './readProxyHeaders.js';
import { canShareReadBuffer, useSharedReadBuffer } from './sharedReadBuffer.js';

/**
 * With 1, `writableLength` shows whether the kernel took everything, and 'drain' always follows if not. A
 * larger mark would queue slices in the socket that the log holds anyway.
 */
const HIGH_WATER_MARK = 1;

const NO_BINDING = new Uint8Array(0);

/** Wraps a socket as a connection. Also works with a socket of your own server and another high-water mark. */
export const tcpConnection = (socket: Socket): Connection => wrapTcp(socket, peerAddress(socket));

const wrapTcp = (socket: Socket, peer: string, readBy?: SocketOptions['attachReader']): Connection =>
  socketConnection(socket, {
    peer,
    channelBinding: NO_BINDING,
    // Below the high-water mark no 'drain' would follow.
    isDrained: ({ writableLength, writableNeedDrain }) => writableLength === 0 || !writableNeedDrain,
    copiesOnWrite: socket.writableHighWaterMark === HIGH_WATER_MARK,
    attachReader: readBy,
  });

/**
 * Listens on an address: emits once it listens. Errors if it cannot. Unsubscribing stops accepting.
 *
 * With `proxy`, connections of trusted proxies begin with a header of the PROXY protocol.
 */
export const listenTcp = (
  address: ListenAddress,
  { proxy }: { readonly proxy?: ProxyOptions | undefined } = {},
): Observable<Listener> =>
  new Observable((subscriber) => {
    const server: Server = createServer({ highWaterMark: HIGH_WATER_MARK, noDelay: true, keepAlive: true });
    const faultReporter = createFaultReporter();
    let attachReader: SocketOptions['attachReader'];
    let peerOf: PeerOf = peerAddress;
    const wrap = (socket: Socket) => wrapTcp(socket, peerOf(socket), attachReader);
    const connection$ = acceptConnections(server, { event: 'connection', wrap }, faultReporter.report);
    if (proxy !== undefined) peerOf = readProxyHeaders(server, proxy, faultReporter.report);
    void canShareReadBuffer().then(
      guard(
        (isShared: boolean) => {
          // The shared buffer needs sockets that were not read before.
          if (isShared && proxy === undefined) attachReader = useSharedReadBuffer;
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
