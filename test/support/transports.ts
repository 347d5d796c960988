import { once } from 'node:events';
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net';
import { firstValueFrom, from, map, type Observable, type Subscription, switchMap } from 'rxjs';
import { type Address, formatAddress } from '../../src/util/address.js';
import type { Listener } from '../../src/net/listener.js';
import { type Connection, connectionPair } from '../../streams/wire/connection.js';
import { connectTcp, listenTcp, tcpConnection } from '../../src/net/tcp.js';
import { connectTls, listenTls } from '../../src/net/tls/tls.js';
import { connectWebSocket, webSocketUrl } from '../../src/net/websocket/webSocketClient.js';
import { listenWeb } from '../../src/net/web/listenWeb.js';
import { WebSocket } from 'ws';
import { testCertificate } from './certificates.js';

/** The two ends of a connection. */
export interface Pair {
  readonly near: Connection;
  readonly far: Connection;
  readonly dispose: () => void;
}

export interface Transport {
  readonly name: string;
  readonly pair: () => Promise<Pair>;
  readonly copiesOnWrite?: boolean;
}

const LOOPBACK = { host: '127.0.0.1', port: 0 };

/** Connects to a listening server, and returns both ends. */
const pairOf = async (
  listening$: Observable<Listener>,
  connect: (address: Address) => Observable<Connection>,
): Promise<Pair> => {
  let listening: Subscription | undefined;
  const ends = await new Promise<[Connection, Connection]>((resolve, reject) => {
    listening = listening$
      .pipe(
        switchMap(({ address, connection$ }) => {
          const near = firstValueFrom(connect(address));
          return connection$.pipe(switchMap((far) => near.then((each) => [each, far] as const)));
        }),
        map(([near, far]): [Connection, Connection] => [near, far]),
      )
      .subscribe({ next: resolve, error: reject });
  });
  const [near, far] = ends;
  return {
    near,
    far,
    dispose: () => {
      near.close();
      far.close();
      listening?.unsubscribe();
    },
  };
};

/** Creates sockets as in a server of another program, with Node's own high-water mark. */
const plainSocketPair = async (): Promise<Pair> => {
  const server = createServer().listen(LOOPBACK);
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const near = connectSocket((server.address() as AddressInfo).port, LOOPBACK.host);
  const [[far]] = await Promise.all([accepted, once(near, 'connect')]);
  const ends = { near: tcpConnection(near), far: tcpConnection(far) };
  return {
    ...ends,
    dispose: () => {
      ends.near.close();
      ends.far.close();
      server.close();
    },
  };
};

export const transports: readonly Transport[] = [
  { name: 'tcp', pair: () => pairOf(listenTcp(LOOPBACK), connectTcp), copiesOnWrite: true },
  { name: 'tcp sockets of another server', pair: plainSocketPair },
  {
    name: 'tls',
    pair: () =>
      pairOf(listenTls(LOOPBACK, from(testCertificate())), (address) => connectTls(address, () => undefined)),
  },
  {
    name: 'websocket',
    pair: () =>
      pairOf(listenWeb(LOOPBACK), (address) =>
        connectWebSocket(webSocketUrl('http', formatAddress(address)), { open: (url) => new WebSocket(url) }),
      ),
  },
  {
    name: 'websocket over tls',
    pair: () =>
      pairOf(listenWeb(LOOPBACK, { certificate$: from(testCertificate()) }), (address) =>
        connectWebSocket(webSocketUrl('https', formatAddress(address)), {
          open: (url) => new WebSocket(url, { rejectUnauthorized: false }),
        }),
      ),
  },
  {
    name: 'memory',
    pair: () => {
      const [near, far] = connectionPair();
      const dispose = () => {
        near.close();
        far.close();
      };
      return Promise.resolve({ near, far, dispose });
    },
  },
];
