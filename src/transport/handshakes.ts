import { isIPv6, type Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import { headcount, type HeadLimits } from '../../streams/relay/index.js';

const peerOf = ({ remoteAddress = '', remotePort = 0 }: Socket): string =>
  `${isIPv6(remoteAddress) ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`;

/**
 * Bounds what is no connection yet: the sockets in the middle of a TLS handshake count by themselves under the same two
 * numbers, one too many is closed, and so is one whose handshake fails or takes longer than the server allows. Node ends
 * none of them by itself.
 */
export const boundHandshakes = (server: Server, limits: HeadLimits): void => {
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
  server.on('secureConnection', (socket: TLSSocket) => {
    over(peerOf(socket));
  });
  server.on('tlsClientError', (_error: Error, socket: TLSSocket) => {
    socket.destroy();
  });
};
