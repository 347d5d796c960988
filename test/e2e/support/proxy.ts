import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { atEnd } from './endings.js';

/** What a proxy does with a chunk of one direction: hands it on whole or in pieces, now, later or never. */
export type Pass = (chunk: Buffer, on: (bytes: Uint8Array) => void) => unknown;

export interface ProxyOptions {
  /** Makes, for each connection, what becomes of the bytes from client to relay. */
  readonly up?: () => Pass;
  /** And of those from relay to client. */
  readonly down?: () => Pass;
}

const asItIs = (): Pass => (chunk, on) => on(chunk);

/** A TCP proxy in front of a relay; resolves with its port. */
export const startProxy = async (
  port: number,
  { up = asItIs, down = asItIs }: ProxyOptions,
): Promise<number> => {
  const sockets = new Set<Socket>();
  const join = (from: Socket, to: Socket, pass: Pass) => {
    // One chunk after the other, however long one takes.
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
  atEnd(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
};
