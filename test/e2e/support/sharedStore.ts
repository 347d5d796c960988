import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { type NatsServer, type NatsServerOptions, startNatsServer } from '../../support/natsServer.js';
import { onCleanup } from './cleanup.js';

/** Starts a nats-server that ends with the test. */
export const startStore = async (options?: NatsServerOptions): Promise<NatsServer> => {
  const server = await startNatsServer(options);
  onCleanup(() => server.dispose());
  return server;
};

/** The flags of a relay that shares its rooms in that store, which may have several addresses. */
export const storeFlags = ({ address }: Pick<NatsServer, 'address'>, replicas = 1): readonly string[] => [
  '--store',
  `nats://${address}`,
  ...(replicas > 1
    ? ['--store-replicas', String(replicas), '--store-streams', '1', '--store-timeout', '2m']
    : ['--store-streams', '2']),
];

export interface RelayAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Starts a balancer in front of relays, and resolves with its port. It takes the relays in turn, from the
 * first one on, and the next one if a relay does not accept the connection.
 */
export const startBalancer = async (relays: readonly RelayAddress[]): Promise<number> => {
  const sockets = new Set<Socket>();
  let next = 0;
  const forward = (client: Socket, attempts: number) => {
    const relay = connect({ port: 0, ...relays[next++ % relays.length], noDelay: true });
    sockets.add(relay);
    let isConnected = false;
    relay.once('connect', () => {
      isConnected = true;
      client.pipe(relay).pipe(client);
    });
    relay.once('error', () => {
      if (!isConnected && attempts > 1) forward(client, attempts - 1);
      else client.destroy();
    });
    relay.once('close', () => {
      sockets.delete(relay);
      if (isConnected) client.destroy();
    });
    client.once('close', () => relay.destroy());
  };
  const server = createServer({ noDelay: true }, (client) => {
    sockets.add(client);
    client.on('error', () => client.destroy()).once('close', () => sockets.delete(client));
    forward(client, relays.length);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onCleanup(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
};
