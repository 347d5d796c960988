import { EventEmitter, once } from 'node:events';
import { createServer as createHttpServer, request } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { firstValueFrom, NEVER, type Subscription } from 'rxjs';
import type { Address } from '../../src/address.js';
import type { ListeningFault } from '../../src/transport/fault.js';
import { after, guarded, hear, hearEvent, soonAfter } from '../../src/guard.js';
import { boundRequests } from '../../src/transport/handshakes.js';
import { accepted, faults, type Listening } from '../../src/transport/listening.js';
import { tcpConnection } from '../../src/transport/tcp.js';
import { webSocketConnection, type WebSocketLike } from '../../src/transport/webSocketConnection.js';
import { listenWeb, type WebOptions } from '../../src/web/listenWeb.js';
import { type Connection, LinkError } from '../../streams/wire/index.js';
import { listen } from './ear.js';

const ends: (() => unknown)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

const planted = new Error('planted');
const breaks = () => {
  throw planted;
};

describe('what a guarded listener throws goes to who closes, and nowhere else', () => {
  test('be it of a function, an emitter, a target, a timer or a task', async () => {
    const failed = jest.fn();
    guarded(breaks, failed)();
    const emitter = new EventEmitter();
    const stop = hear(emitter, 'data', breaks, failed);
    emitter.emit('data', 1);
    stop();
    expect(emitter.listenerCount('data')).toBe(0);
    const target = new EventTarget();
    const off = hearEvent(target, 'data', breaks, failed);
    target.dispatchEvent(new Event('data'));
    off();
    target.dispatchEvent(new Event('data'));
    await new Promise<void>((resolve) => after(1, breaks, (error) => resolve(void failed(error))));
    await new Promise<void>((resolve) => soonAfter(breaks, (error) => resolve(void failed(error))));
    expect(failed.mock.calls.map(([error]) => error)).toStrictEqual(Array(5).fill(planted));
    expect(failed.mock.calls[1]).toStrictEqual([planted, 1]);
  });
});

const port = async (server: Server): Promise<number> => {
  ends.push(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  return typeof bound === 'object' && bound !== null ? bound.port : 0;
};

const press = (to: { host?: string; port: number }, allowHalfOpen = false) => {
  const socket = connect({ host: '127.0.0.1', ...to, allowHalfOpen });
  ends.push(() => socket.destroy());
  socket.on('error', () => undefined).resume();
  return { socket, closed: new Promise((resolve) => socket.once('close', resolve)) };
};

describe('the sockets of a server', () => {
  test('of which no connection can be made are closed and reported; who comes next is served', async () => {
    const server = createServer();
    const { report, fault$ } = faults();
    const told: ListeningFault[] = [];
    fault$.subscribe((fault) => told.push(fault));
    let tries = 0;
    const made = (socket: Socket): Connection => {
      tries += 1;
      if (tries === 1) throw planted;
      return tcpConnection(socket);
    };
    const next = firstValueFrom(accepted(server, { event: 'connection', made }, report));
    const to = { port: await port(server) };
    const first = press(to);
    await first.closed;
    expect(told).toStrictEqual([
      { type: 'socket-failed', peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/), reason: 'planted' },
    ]);
    press(to);
    (await next).close();
  });

  test('that come while nobody takes connections are closed, whatever else they do', async () => {
    const server = createServer();
    const { report } = faults();
    const taking = accepted(server, { event: 'connection', made: tcpConnection }, report).subscribe();
    taking.unsubscribe();
    const late = press({ port: await port(server) });
    late.socket.write('x');
    await late.closed;
  });
});

test('who asks for an upgrade counts until the socket is closed or is a WebSocket', async () => {
  const server = createHttpServer();
  const opened = boundRequests(server, { connectionsPerAddress: 1 }, () => undefined);
  server.on('upgrade', () => undefined);
  const to = { port: await port(server) };
  const asked = once(server, 'upgrade');
  const first = press(to);
  first.socket.write(upgrade('/other'));
  const [{ socket }] = (await asked) as [{ socket: Socket }];
  await press(to).closed;
  opened(socket);
  const second = once(server, 'upgrade');
  press(to).socket.write(upgrade('/other'));
  await second;
});

const ear = async (options: WebOptions) => {
  const told: ListeningFault[] = [];
  const far: Connection[] = [];
  let subscription: Subscription | undefined;
  const { address, connection$, fault$ } = await new Promise<Listening>((resolve, reject) => {
    subscription = listenWeb({ host: '127.0.0.1', port: 0 }, options).subscribe({
      next: resolve,
      error: reject,
    });
  });
  connection$.subscribe((each) => far.push(each));
  fault$.subscribe((fault) => told.push(fault));
  ends.push(() => {
    subscription?.unsubscribe();
    for (const each of far) each.close();
  });
  return { address, told, far };
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
  test('whose page fails at a request closes that request and reports it', async () => {
    const { address, told } = await ear({
      page: ({ url }, response) => {
        if (url === '/fails') throw planted;
        response.end();
      },
    });
    await expect(statusOf(address, '/fails')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(told).toStrictEqual([
      { type: 'socket-failed', peer: expect.stringMatching(/^127/), reason: 'planted' },
    ]);
    expect(await statusOf(address, '/')).toBe(200);
  });

  test.each([
    ['another path', upgrade('/other')],
    ['another origin', upgrade('/rxchat', 'Origin: http://evil.example')],
    ['a handshake that is none', upgrade('/rxchat')],
  ])('closes who asks for %s, also one who does not close', async (_, text) => {
    const { address } = await ear({});
    const { socket, closed } = press(address, true);
    socket.write(text);
    await once(socket, 'end');
    // A socket that is only half closed would take this for ever.
    const goOn = () => {
      if (socket.writable) socket.write('x', () => setImmediate(goOn));
    };
    goOn();
    await closed;
  });

  test('reports a page of another origin', async () => {
    const { address, told } = await ear({});
    const { socket, closed } = press(address);
    socket.write(upgrade('/rxchat', 'Origin: http://evil.example'));
    await closed;
    expect(told).toMatchObject([{ type: 'origin-refused', origin: 'http://evil.example' }]);
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
      // As in a browser, where a page may give these alone.
      close: (code) => {
        if (code !== undefined && code !== 1000 && code < 3000) throw new Error('InvalidAccessError');
        closed.push(code);
      },
      addEventListener: (type, listener) => target.addEventListener(type, listener),
      removeEventListener: (type, listener) => target.removeEventListener(type, listener),
    };
    return { socket, closed, tell: (type: string) => target.dispatchEvent(new Event(type)) };
  };

  test('whose listener fails is closed, and its connection ends with the reason', async () => {
    const { socket, closed, tell } = fake();
    const options = { peer: 'a', isTaken: () => true, writable$: NEVER, explain: breaks };
    const heard = listen(webSocketConnection(socket, options));
    tell('error');
    expect(await heard.ended).toStrictEqual(new LinkError('planted'));
    expect(closed).toStrictEqual([undefined]);
  });

  test('that sends text ends where the platform takes no code of the protocol, too', async () => {
    const { socket, closed, tell } = fake();
    const heard = listen(webSocketConnection(socket, { peer: 'a', isTaken: () => true, writable$: NEVER }));
    tell('message');
    expect(await heard.ended).toBeInstanceOf(LinkError);
    expect(closed).toStrictEqual([undefined]);
  });
});
