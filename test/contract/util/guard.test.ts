import { EventEmitter, once } from 'node:events';
import { createServer as createHttpServer, request } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { firstValueFrom, NEVER, type Subscription } from 'rxjs';
import type { Address } from '../../../src/util/address.js';
import {
  acceptConnections,
  createFaultReporter,
  type Listener,
  type ListenerFault,
  peerAddress,
} from '../../../src/net/listener.js';
import { startTimer, guard, addListener, addEventHandler, queueCallback } from '../../../src/util/guard.js';
import { limitRequests } from '../../../src/net/limitHandshakes.js';
import { tcpConnection } from '../../../src/net/tcp.js';
import { webSocketConnection, type WebSocketLike } from '../../../src/net/websocket/webSocketConnection.js';
import { listenWeb, type ListenWebOptions } from '../../../src/net/web/listenWeb.js';
import { type Connection, ConnectionError } from '../../../streams/wire/index.js';
import { record } from '../../support/recorder.js';

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const end of cleanups.splice(0)) end();
});

const planted = new Error('planted');
const throwPlanted = () => {
  throw planted;
};

describe('guard passes an error of a listener only to the close callback', () => {
  test('for a function, an emitter, a target, a timer or a task', async () => {
    const failed = jest.fn();
    guard(throwPlanted, failed)();
    const emitter = new EventEmitter();
    const stop = addListener(emitter, 'data', throwPlanted, failed);
    emitter.emit('data', 1);
    stop();
    expect(emitter.listenerCount('data')).toBe(0);
    const target = new EventTarget();
    const off = addEventHandler(target, 'data', throwPlanted, failed);
    target.dispatchEvent(new Event('data'));
    off();
    target.dispatchEvent(new Event('data'));
    await new Promise<void>((resolve) => startTimer(1, throwPlanted, (error) => resolve(void failed(error))));
    await new Promise<void>((resolve) => queueCallback(throwPlanted, (error) => resolve(void failed(error))));
    expect(failed.mock.calls.map(([error]) => error)).toStrictEqual(Array(5).fill(planted));
    expect(failed.mock.calls[1]).toStrictEqual([planted, 1]);
  });
});

const port = async (server: Server): Promise<number> => {
  cleanups.push(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  return typeof bound === 'object' && bound !== null ? bound.port : 0;
};

const sendRequest = (to: { host?: string; port: number }, allowHalfOpen = false) => {
  const socket = connect({ host: '127.0.0.1', ...to, allowHalfOpen });
  cleanups.push(() => socket.destroy());
  socket.on('error', () => undefined).resume();
  return { socket, closed: new Promise((resolve) => socket.once('close', resolve)) };
};

describe('the sockets of a server', () => {
  test('are closed and reported when they cannot become a connection, and later clients are served', async () => {
    const server = createServer();
    const { report, fault$ } = createFaultReporter();
    const reported: ListenerFault[] = [];
    fault$.subscribe((fault) => reported.push(fault));
    let tries = 0;
    const made = (socket: Socket): Connection => {
      tries += 1;
      if (tries === 1) throw planted;
      return tcpConnection(socket);
    };
    const next = firstValueFrom(acceptConnections(server, { event: 'connection', wrap: made }, report));
    const to = { port: await port(server) };
    const first = sendRequest(to);
    await first.closed;
    expect(reported).toStrictEqual([
      { type: 'socket-failed', peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/), reason: 'planted' },
    ]);
    sendRequest(to);
    (await next).close();
  });

  test('are closed when nobody accepts connections', async () => {
    const server = createServer();
    const { report } = createFaultReporter();
    const taking = acceptConnections(
      server,
      { event: 'connection', wrap: tcpConnection },
      report,
    ).subscribe();
    taking.unsubscribe();
    const late = sendRequest({ port: await port(server) });
    late.socket.write('x');
    await late.closed;
  });
});

test('an upgrade request counts toward the limit until its socket is closed or a WebSocket', async () => {
  const server = createHttpServer();
  const opened = limitRequests(server, { maxConnectionsPerAddress: 1 }, () => undefined, peerAddress);
  server.on('upgrade', () => undefined);
  const to = { port: await port(server) };
  const requested = once(server, 'upgrade');
  const first = sendRequest(to);
  first.socket.write(upgrade('/other'));
  const [{ socket }] = (await requested) as [{ socket: Socket }];
  await sendRequest(to).closed;
  opened(socket);
  const second = once(server, 'upgrade');
  sendRequest(to).socket.write(upgrade('/other'));
  await second;
});

const recorder = async (options: ListenWebOptions) => {
  const reported: ListenerFault[] = [];
  const far: Connection[] = [];
  let subscription: Subscription | undefined;
  const { address, connection$, fault$ } = await new Promise<Listener>((resolve, reject) => {
    subscription = listenWeb({ host: '127.0.0.1', port: 0 }, options).subscribe({
      next: resolve,
      error: reject,
    });
  });
  connection$.subscribe((each) => far.push(each));
  fault$.subscribe((fault) => reported.push(fault));
  cleanups.push(() => {
    subscription?.unsubscribe();
    for (const each of far) each.close();
  });
  return { address, reported, far };
};

const statusOf = (address: Address, path: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    request({ ...address, path }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });

const upgrade = (path: string, ...headers: readonly string[]): string =>
  [`GET ${path} HTTP/1.1`, 'Host: a', 'Connection: Upgrade', 'Upgrade: websocket', ...headers, '', ''].join(
    '\r\n',
  );

describe('a relay with WebSockets', () => {
  test('closes and reports a request when its page handler throws', async () => {
    const { address, reported } = await recorder({
      page: ({ url }, response) => {
        if (url === '/fails') throw planted;
        response.end();
      },
    });
    await expect(statusOf(address, '/fails')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(reported).toStrictEqual([
      { type: 'socket-failed', peer: expect.stringMatching(/^127/), reason: 'planted' },
    ]);
    expect(await statusOf(address, '/')).toBe(200);
  });

  test.each([
    ['another path', upgrade('/other')],
    ['another origin', upgrade('/rxchat', 'Origin: http://evil.example')],
    ['an invalid handshake', upgrade('/rxchat')],
  ])('closes a client that requests %s, even if it does not close', async (_, text) => {
    const { address } = await recorder({});
    const { socket, closed } = sendRequest(address, true);
    socket.write(text);
    await once(socket, 'end');
    // A half-closed socket would accept this forever.
    const goOn = () => {
      if (socket.writable) socket.write('x', () => setImmediate(goOn));
    };
    goOn();
    await closed;
  });

  test('reports a page of another origin', async () => {
    const { address, reported } = await recorder({});
    const { socket, closed } = sendRequest(address);
    socket.write(upgrade('/rxchat', 'Origin: http://evil.example'));
    await closed;
    expect(reported).toMatchObject([{ type: 'origin-refused', origin: 'http://evil.example' }]);
  });
});

describe('a WebSocket', () => {
  const fake = () => {
    const target = new EventTarget();
    const closed: (number | undefined)[] = [];
    const socket: WebSocketLike = {
      binaryType: '',
      readyState: 1,
      bufferedAmount: 0,
      send: () => undefined,
      // As in a browser, where a page may give only these codes.
      close: (code) => {
        if (code !== undefined && code !== 1000 && code < 3000) throw new Error('InvalidAccessError');
        closed.push(code);
      },
      addEventListener: (type, listener) => target.addEventListener(type, listener),
      removeEventListener: (type, listener) => target.removeEventListener(type, listener),
    };
    return { socket, closed, summarize: (type: string) => target.dispatchEvent(new Event(type)) };
  };

  test('is closed when its listener throws, and its connection ends with the reason', async () => {
    const { socket, closed, summarize: notify } = fake();
    const options = { peer: 'a', isDrained: () => true, writable$: NEVER, explain: throwPlanted };
    const received = record(webSocketConnection(socket, options));
    notify('error');
    expect(await received.ended).toStrictEqual(new ConnectionError('planted'));
    expect(closed).toStrictEqual([undefined]);
  });

  test('ends after sending text, even if the platform accepts no protocol close code', async () => {
    const { socket, closed, summarize: notify } = fake();
    const received = record(
      webSocketConnection(socket, { peer: 'a', isDrained: () => true, writable$: NEVER }),
    );
    notify('message');
    expect(await received.ended).toBeInstanceOf(ConnectionError);
    expect(closed).toStrictEqual([undefined]);
  });
});
