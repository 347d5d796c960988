import type { Server as HttpServer } from 'node:http';
import type { Server as NetServer, Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import { headcount, type HeadLimits } from '../../streams/relay/index.js';
import { peerOf, type Report } from './fault.js';
import { hear, hearFirst } from '../guard.js';
import { dropSocket } from './listening.js';

/** Counts the sockets of a server by themselves, until they close or are more than that; gives what says so. */
const count = (server: NetServer, limits: HeadLimits, report: Report): ((peer: string) => void) => {
  const { add, refusal } = headcount(limits);
  const pending = new Map<string, () => void>();
  const over = (peer: string) => {
    pending.get(peer)?.();
    pending.delete(peer);
  };
  const drop = (error: unknown, socket: Socket) => {
    dropSocket(report, error, socket);
  };
  // In front: the server's own listener begins the handshake.
  hearFirst(
    server,
    'connection',
    (socket: Socket) => {
      const peer = peerOf(socket);
      if (refusal(peer) !== undefined) {
        socket.destroy();
        return;
      }
      pending.set(peer, add(peer));
      hear(
        socket,
        'close',
        () => {
          over(peer);
        },
        (error) => {
          drop(error, socket);
        },
      );
    },
    drop,
  );
  return over;
};

/**
 * Bounds what is no connection yet: the sockets in the middle of a TLS handshake count by themselves under the same two
 * numbers, one too many is closed, and so is one whose handshake fails or takes longer than the server allows. Node ends
 * none of them by itself.
 */
export const boundHandshakes = (server: Server, limits: HeadLimits, report: Report): void => {
  const over = count(server, limits, report);
  hear(
    server,
    'secureConnection',
    (socket: TLSSocket) => {
      over(peerOf(socket));
    },
    (error, socket) => {
      dropSocket(report, error, socket);
    },
  );
  endFailed(server, report);
};

/** The same for what asks by HTTP, until it is a WebSocket, which the function that this gives is told. */
export const boundRequests = (
  server: HttpServer,
  limits: HeadLimits,
  report: Report,
): ((socket: Socket) => void) => {
  const over = count(server, limits, report);
  endFailed(server, report);
  return (socket) => {
    over(peerOf(socket));
  };
};

const endFailed = (server: NetServer, report: Report): void => {
  hear(
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
