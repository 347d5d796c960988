import type { Server as HttpServer } from 'node:http';
import type { Server as NetServer, Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import { connectionCounter, type ConnectionLimits } from '../../streams/relay/index.js';
import { dropSocket, type PeerOf, type ReportFault } from './listener.js';
import { addListener, prependListener } from '../util/guard.js';

/**
 * Counts the pending sockets of a server, and rejects those above the limits. Returns a function that releases
 * a socket.
 */
const countPending = (
  server: NetServer,
  limits: ConnectionLimits,
  report: ReportFault,
  peerOf: PeerOf,
): ((peer: string) => void) => {
  const { add, rejectionReason } = connectionCounter(limits);
  const pending = new Map<string, () => void>();
  const release = (peer: string) => {
    pending.get(peer)?.();
    pending.delete(peer);
  };
  const drop = (error: unknown, socket: Socket) => {
    dropSocket(report, error, socket);
  };
  // First, since the listener of the server starts the handshake.
  prependListener(
    server,
    'connection',
    (socket: Socket) => {
      const peer = peerOf(socket);
      if (rejectionReason(peer) !== undefined) {
        socket.destroy();
        return;
      }
      pending.set(peer, add(peer));
      addListener(
        socket,
        'close',
        () => {
          release(peer);
        },
        (error) => {
          drop(error, socket);
        },
      );
    },
    drop,
  );
  return release;
};

/**
 * Limits pending TLS handshakes, which count separately from connections under the same limits. Excess sockets,
 * failed handshakes and timeouts are closed. Node closes none of them itself.
 */
export const limitHandshakes = (
  server: Server,
  limits: ConnectionLimits,
  report: ReportFault,
  peerOf: PeerOf,
): void => {
  const release = countPending(server, limits, report, peerOf);
  addListener(
    server,
    'secureConnection',
    (socket: TLSSocket) => {
      release(peerOf(socket));
    },
    (error, socket) => {
      dropSocket(report, error, socket);
    },
  );
  destroyFailed(server, report);
};

/** Limits HTTP requests that are not a WebSocket yet. Call the returned function when a socket became one. */
export const limitRequests = (
  server: HttpServer,
  limits: ConnectionLimits,
  report: ReportFault,
  peerOf: PeerOf,
): ((socket: Socket) => void) => {
  const release = countPending(server, limits, report, peerOf);
  destroyFailed(server, report);
  return (socket) => {
    release(peerOf(socket));
  };
};

const destroyFailed = (server: NetServer, report: ReportFault): void => {
  addListener(
    server,
    'tlsClientError',
    (_error: Error, socket: TLSSocket) => {
      socket.destroy();
    },
    (error, _error, socket) => {
      dropSocket(report, error, socket);
    },
  );
};
