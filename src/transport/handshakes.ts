import type { Server as HttpServer } from 'node:http';
import { isIPv6, type Server as NetServer, type Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import { headcount, type HeadLimits } from '../../streams/relay/index.js';

const peerOf = ({ remoteAddress = '', remotePort = 0 }: Socket): string =>
  `${isIPv6(remoteAddress) ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`;

/** Counts the sockets of a server by themselves, until they close or are more than that; gives what says so. */
const count = (server: NetServer, limits: HeadLimits): ((peer: string) => void) => {
  const { add, refusal } = headcount(limits);
  const pending = new Map<string, () => void>();
  const over = (peer: string) => {
    pending.get(peer)?.();
    pending.delete(peer);
  };
  // In front: the server's own listener begins the handshake.
  server.prependListener('connection', (socket: Socket) => {
    const peer = peerOf(socket);
    if (refusal(peer) !== undefined) {
      socket.destroy();
      return;
    }
    pending.set(peer, add(peer));
    socket.once('close', () => {
      over(peer);
    });
  });
  return over;
};

/**
 * Bounds what is no connection yet: the sockets in the middle of a TLS handshake count by themselves under the same two
 * numbers, one too many is closed, and so is one whose handshake fails or takes longer than the server allows. Node ends
 * none of them by itself.
 */
export const boundHandshakes = (server: Server, limits: HeadLimits): void => {
  const over = count(server, limits);
  server.on('secureConnection', (socket: TLSSocket) => {
    over(peerOf(socket));
  });
  endFailed(server);
};

/** The same for what asks by HTTP, until it is a WebSocket. */
export const boundRequests = (server: HttpServer, limits: HeadLimits): void => {
  const over = count(server, limits);
  // In front: who takes it over may count it as something else.
  server.prependListener('upgrade', ({ socket }: { socket: Socket }) => {
    over(peerOf(socket));
  });
  endFailed(server);
};

const endFailed = (server: NetServer): void => {
  server.on('tlsClientError', (_error: Error, socket: TLSSocket) => {
    socket.destroy();
  });
};
