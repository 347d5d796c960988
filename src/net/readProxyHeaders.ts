import type { Server, Socket } from 'node:net';
import { formatAddress } from '../util/address.js';
import { addListener, startTimer } from '../util/guard.js';
import { dropSocket, peerAddress, type PeerOf, type ReportFault } from './listener.js';
import { parseProxyHeader } from './parseProxyHeader.js';
import type { IsTrustedProxy } from './trustedProxies.js';

/** From which proxies a listener accepts headers of the PROXY protocol. */
export interface ProxyOptions {
  readonly isTrusted: IsTrustedProxy;
  /** Time in ms for a proxy to send a header. Default 10 s. */
  readonly timeoutMs?: number | undefined;
  /** Maximum number of connections whose header is not complete. Default 1000. */
  readonly maxPending?: number | undefined;
}

/**
 * Makes a server read the header of the PROXY protocol from each connection of a trusted proxy, before its
 * `connection` listeners get the socket. Call it when all of them were added. Connections from other addresses
 * have no header.
 *
 * A connection whose header is invalid is closed and reported. A connection that ends without a byte is a
 * health check, and is not reported.
 *
 * @returns a function that returns the address of the client of a socket, or of a TLS socket over it
 * @see https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
 */
export const readProxyHeaders = (
  server: Server,
  { isTrusted, timeoutMs = 10_000, maxPending = 1000 }: ProxyOptions,
  report: ReportFault,
): PeerOf => {
  /** Clients by connection of a proxy: a TLS socket is another object than the socket below. */
  const clients = new Map<string, string>();
  const listeners = server.listeners('connection');
  server.removeAllListeners('connection');
  let pendingCount = 0;
  const drop = (error: unknown, socket: Socket) => {
    dropSocket(report, error, socket);
  };

  const accept = (socket: Socket) => {
    for (const listener of listeners) listener.call(server, socket);
  };
  const readHeader = (socket: Socket) => {
    if (pendingCount >= maxPending) {
      socket.destroy();
      return;
    }
    pendingCount += 1;
    let received = Buffer.alloc(0);
    let isPending = true;
    const finish = () => {
      if (!isPending) return;
      isPending = false;
      pendingCount -= 1;
      cancelTimeout();
      stopReading();
      removeErrorListener();
    };
    const reject = (reason: string) => {
      finish();
      report({ type: 'proxy-header-invalid', peer: peerAddress(socket), reason });
      socket.destroy();
    };
    const onThrow = (error: unknown) => {
      finish();
      drop(error, socket);
    };
    const onReadable = () => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      received = Buffer.concat([received, chunk]);
      const header = parseProxyHeader(received);
      if (header.type === 'invalid') reject(header.reason);
      if (header.type !== 'complete') return;
      finish();
      if (header.source !== undefined) remember(socket, formatAddress(header.source));
      if (received.length > header.lengthBytes) socket.unshift(received.subarray(header.lengthBytes));
      accept(socket);
    };
    const cancelTimeout = startTimer(
      timeoutMs,
      () => {
        if (received.length > 0) reject('it is incomplete');
        else socket.destroy();
      },
      onThrow,
    );
    const stopReading = addListener(socket, 'readable', onReadable, onThrow);
    const removeErrorListener = addListener(socket, 'error', finish, onThrow);
    addListener(socket, 'close', finish, onThrow);
  };
  const remember = (socket: Socket, client: string) => {
    const key = connectionKey(socket);
    clients.set(key, client);
    addListener(
      socket,
      'close',
      () => {
        clients.delete(key);
      },
      (error) => {
        drop(error, socket);
      },
    );
  };

  addListener(
    server,
    'connection',
    (socket: Socket) => {
      if (isTrusted(socket.remoteAddress ?? '')) readHeader(socket);
      else accept(socket);
    },
    drop,
  );
  return (socket) => clients.get(connectionKey(socket)) ?? peerAddress(socket);
};

/** Returns the addresses of both ends of a connection, which no other connection has at the same time. */
const connectionKey = (socket: Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress'>): string =>
  `${peerAddress(socket)} ${socket.localAddress ?? ''}`;
