import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onCleanup } from './cleanup.js';

/** Handles a chunk of one direction: forwards it whole or in pieces, now, later or never. */
export type ChunkHandler = (chunk: Buffer, on: (bytes: Uint8Array) => void) => unknown;

export interface ProxyOptions {
  /** Creates, for each connection, the handler of the bytes from client to relay. */
  readonly up?: () => ChunkHandler;
  /** Creates the handler of the bytes from relay to client. */
  readonly down?: () => ChunkHandler;
}

const passThrough = (): ChunkHandler => (chunk, on) => on(chunk);

/** Starts a TCP proxy in front of a relay, and resolves with its port. */
export const startProxy = async (
  port: number,
  { up = passThrough, down = passThrough }: ProxyOptions,
): Promise<number> => {
  const sockets = new Set<Socket>();
  const join = (from: Socket, to: Socket, pass: ChunkHandler) => {
    // Chunks stay in order, however long one takes.
    let before: Promise<unknown> = Promise.resolve();
    sockets.add(from);
    from.on('data', (chunk: Buffer) => {
      before = before.then(() => pass(chunk, (bytes) => void to.write(bytes)));
    });
    from.on('end', () => void before.then(() => to.end())).on('error', () => to.destroy());
  };
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const relay = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    join(client, relay, up());
    join(relay, client, down());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onCleanup(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
};
