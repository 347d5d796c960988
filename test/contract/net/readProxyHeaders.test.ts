import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import { connect as connectWithTls } from 'node:tls';
import { afterEach, describe, expect, test } from '@jest/globals';
import { firstValueFrom, from, merge, type Observable, ReplaySubject, switchMap, tap } from 'rxjs';
import { WebSocket } from 'ws';
import type { Listener, ListenerFault } from '../../../src/net/listener.js';
import type { ProxyOptions } from '../../../src/net/readProxyHeaders.js';
import { listenTcp } from '../../../src/net/tcp.js';
import { listenTls } from '../../../src/net/tls/tls.js';
import { listenWeb } from '../../../src/net/web/listenWeb.js';
import type { Connection } from '../../../streams/wire/index.js';
import { testCertificate } from '../../support/certificates.js';

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const end of cleanups.splice(0)) end();
});

const ADDRESS = { host: '127.0.0.1', port: 0 };
const HEADER = Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.1 40000 443\r\n');
const CLIENT = '192.0.2.7:40000';
const certificate$ = from(testCertificate());

/** Starts a listener that echoes, and records its connections and faults. */
const serve = async (listener$: Observable<Listener>) => {
  const opened = new ReplaySubject<Listener>(1);
  const connections = new ReplaySubject<Connection>(Infinity);
  const faults = new ReplaySubject<ListenerFault>(Infinity);
  const echo = (connection: Connection) =>
    connection.chunk$.pipe(tap((chunk) => connection.write(Uint8Array.from(chunk))));
  const serving = listener$
    .pipe(
      tap(opened),
      switchMap(({ connection$, fault$ }) =>
        merge(
          fault$.pipe(tap(faults)),
          connection$.pipe(
            tap((connection) => {
              connections.next(connection);
              const echoing = echo(connection).subscribe({ error: () => undefined });
              cleanups.push(() => {
                echoing.unsubscribe();
                connection.close();
              });
            }),
          ),
        ),
      ),
    )
    .subscribe();
  cleanups.push(() => {
    serving.unsubscribe();
  });
  const { address } = await firstValueFrom(opened);
  return { port: address.port, connections, faults };
};

const connectTo = async (port: number): Promise<Socket> => {
  const socket = connectSocket({ host: '127.0.0.1', port, noDelay: true });
  cleanups.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
};

/** Resolves with what a socket receives, as soon as that has a length. */
const receive = async (socket: Socket, length: number): Promise<string> => {
  let text = '';
  for await (const chunk of socket) {
    text += String(chunk);
    if (text.length >= length) break;
  }
  return text;
};

const proxy: ProxyOptions = { isTrusted: () => true };
const listeners: readonly (readonly [string, (proxy: ProxyOptions) => Observable<Listener>])[] = [
  ['listenTcp', (options) => listenTcp(ADDRESS, { proxy: options })],
  ['listenTls', (options) => listenTls(ADDRESS, certificate$, { proxy: options })],
  ['listenWeb', (options) => listenWeb(ADDRESS, { proxy: options })],
  ['listenWeb with TLS', (options) => listenWeb(ADDRESS, { proxy: options, certificate$ })],
];

/** Sends a message over a socket whose header was sent, as the clients of a listener do, and expects it back. */
const exchange = async (name: string, socket: Socket): Promise<void> => {
  if (name === 'listenTcp') {
    socket.write('hello');
    expect(await receive(socket, 5)).toBe('hello');
    return;
  }
  const isSecure = name !== 'listenWeb';
  const secured = isSecure ? connectWithTls({ socket, rejectUnauthorized: false }) : socket;
  if (name === 'listenTls') {
    secured.write('hello');
    expect(await receive(secured, 5)).toBe('hello');
    return;
  }
  const webSocket = new WebSocket('ws://127.0.0.1/rxchat', { createConnection: () => secured });
  await once(webSocket, 'open');
  webSocket.send(Buffer.from('hello'));
  expect(String((await once(webSocket, 'message'))[0])).toBe('hello');
};

describe.each(listeners)('%s behind a proxy', (name, listen) => {
  test('gives a connection the address of the client, and the bytes after the header', async () => {
    const { port, connections } = await serve(listen(proxy));
    const socket = await connectTo(port);
    socket.write(HEADER);
    await exchange(name, socket);
    expect((await firstValueFrom(connections)).peer).toBe(CLIENT);
  });

  test('reads a header that arrives in pieces', async () => {
    const { port, connections } = await serve(listen(proxy));
    const socket = await connectTo(port);
    for (const byte of HEADER) {
      socket.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await exchange(name, socket);
    expect((await firstValueFrom(connections)).peer).toBe(CLIENT);
  });

  test('expects no header from another address', async () => {
    const { port, connections } = await serve(listen({ isTrusted: () => false }));
    const socket = await connectTo(port);
    const peer = `127.0.0.1:${socket.localPort}`;
    await exchange(name, socket);
    expect(await firstValueFrom(connections)).toHaveProperty('peer', peer);
  });

  test('closes and reports a connection without a header', async () => {
    const { port, faults } = await serve(listen(proxy));
    const socket = await connectTo(port);
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await once(socket, 'close');
    expect(await firstValueFrom(faults)).toStrictEqual({
      type: 'proxy-header-invalid',
      peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      reason: 'the connection does not begin with a header',
    });
  });
});

test('the rest of the first packet belongs to the connection', async () => {
  const { port } = await serve(listenTcp(ADDRESS, { proxy }));
  const socket = await connectTo(port);
  socket.write(Buffer.concat([HEADER, Buffer.from('hello')]));
  expect(await receive(socket, 5)).toBe('hello');
});

test('a TLS handshake may follow the header in one packet', async () => {
  const { port, connections } = await serve(listenTls(ADDRESS, certificate$, { proxy }));
  const socket = await connectTo(port);
  socket.cork();
  socket.write(HEADER);
  const exchanged = exchange('listenTls', socket);
  await new Promise((resolve) => setImmediate(resolve));
  socket.uncork();
  await exchanged;
  expect((await firstValueFrom(connections)).peer).toBe(CLIENT);
});

test('limits per address apply to the address of the client', async () => {
  const { port } = await serve(listenTls(ADDRESS, certificate$, { proxy, maxConnectionsPerAddress: 1 }));
  const [first, second, other] = [await connectTo(port), await connectTo(port), await connectTo(port)];
  first.write(HEADER);
  // Its handshake is in progress.
  first.write(Buffer.of(0x16));
  await new Promise((resolve) => setImmediate(resolve));
  second.write(HEADER);
  await once(second, 'close');
  other.write('PROXY TCP4 192.0.2.8 198.51.100.1 40000 443\r\n');
  await exchange('listenTls', other);
});

test('a health check without a byte is neither a connection nor a fault', async () => {
  const { port, connections, faults } = await serve(listenTcp(ADDRESS, { proxy }));
  const check = await connectTo(port);
  check.end();
  await once(check, 'close');
  const socket = await connectTo(port);
  socket.write(HEADER);
  expect((await firstValueFrom(merge(connections, faults))) as Connection).toHaveProperty('peer', CLIENT);
});

test.each([
  ['an incomplete header is reported', 'PROXY ', 'it is incomplete'],
  ['silence is not', '', undefined],
])('after the timeout the connection is closed: %s', async (_, sent, reason) => {
  const { port, faults } = await serve(listenTcp(ADDRESS, { proxy: { ...proxy, timeoutMs: 50 } }));
  const reported: ListenerFault[] = [];
  faults.subscribe((fault) => reported.push(fault));
  const socket = await connectTo(port);
  socket.write(sent);
  await once(socket, 'close');
  expect(reported).toMatchObject(reason === undefined ? [] : [{ type: 'proxy-header-invalid', reason }]);
});

test('connections without a complete header are limited in number', async () => {
  const { port } = await serve(listenTcp(ADDRESS, { proxy: { ...proxy, maxPending: 1 } }));
  const first = await connectTo(port);
  const second = await connectTo(port);
  await once(second, 'close');
  first.write(HEADER);
  first.write('hello');
  expect(await receive(first, 5)).toBe('hello');
  const third = await connectTo(port);
  third.write(Buffer.concat([HEADER, Buffer.from('hello')]));
  expect(await receive(third, 5)).toBe('hello');
});
