import { once } from 'node:events';
import { get, request } from 'node:http';
import { connect as connectSocket, type Socket } from 'node:net';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { firstValueFrom, NEVER, type Subscription, switchMap, tap } from 'rxjs';
import { WebSocket } from 'ws';
import type { Address } from '../../../../src/util/address.js';
import { connectWebSocket, webSocketUrl } from '../../../../src/net/websocket/webSocketClient.js';
import {
  MAX_FRAME_BYTES,
  MAX_BUFFERED_BYTES,
  webSocketConnection,
  type WebSocketLike,
} from '../../../../src/net/websocket/webSocketConnection.js';
import { listenWeb, type ListenWebOptions } from '../../../../src/net/web/listenWeb.js';
import { type Connection, ConnectionError } from '../../../../streams/wire/index.js';
import { record } from '../../../support/recorder.js';

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const end of cleanups.splice(0)) end();
  jest.useRealTimers();
});

/** A listener and its connections. */
const recorder = async (options: ListenWebOptions = {}) => {
  const far: Connection[] = [];
  const waiting: ((connection: Connection) => void)[] = [];
  let subscription: Subscription | undefined;
  const address = await new Promise<Address>((resolve, reject) => {
    subscription = listenWeb({ host: '127.0.0.1', port: 0 }, options)
      .pipe(
        tap(({ address: bound }) => resolve(bound)),
        switchMap(({ connection$ }) => connection$),
      )
      .subscribe({
        next: (connection) => {
          far.push(connection);
          waiting.shift()?.(connection);
        },
        error: reject,
      });
  });
  const stop = () => subscription?.unsubscribe();
  cleanups.push(() => {
    stop();
    for (const connection of far) connection.close();
  });
  return { address, far, stop, next: () => new Promise<Connection>((resolve) => waiting.push(resolve)) };
};

const urlOf = ({ host, port }: Address) => webSocketUrl('http', `${host}:${port}`);

const socketTo = (address: Address, options: WebSocket.ClientOptions = {}): WebSocket => {
  const socket = new WebSocket(urlOf(address), options);
  cleanups.push(() => socket.terminate());
  socket.on('error', () => undefined);
  return socket;
};

const statusOf = async (socket: WebSocket): Promise<number | undefined> => {
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode?: number }];
  return response.statusCode;
};

describe('a relay with WebSockets', () => {
  test('closes a client that sends text with 1003, and one that sends a frame that is too large with 1009', async () => {
    const { address, next } = await recorder();
    for (const [frame, code] of [
      ['text', 1003],
      [Buffer.alloc(MAX_FRAME_BYTES + 1), 1009],
    ] as const) {
      const came = next();
      const socket = socketTo(address);
      const closed = once(socket, 'close');
      await once(socket, 'open');
      const received = record(await came);
      socket.send(frame);
      expect((await closed)[0]).toBe(code);
      expect(await received.ended).toBeInstanceOf(ConnectionError);
    }
  });

  test('sends frames of at most 64 KiB', async () => {
    const { address, next } = await recorder();
    const came = next();
    const socket = socketTo(address, { maxPayload: MAX_FRAME_BYTES });
    const sizes: number[] = [];
    const all = new Promise<void>((resolve) => {
      socket.on('message', (data: Buffer) => {
        sizes.push(data.length);
        if (sizes.length === 3) resolve();
      });
    });
    (await came).write(new Uint8Array(2 * MAX_FRAME_BYTES + 1));
    await all;
    expect(sizes).toStrictEqual([MAX_FRAME_BYTES, MAX_FRAME_BYTES, 1]);
  });

  test('accepts no compression', async () => {
    const { address } = await recorder();
    const socket = socketTo(address, { perMessageDeflate: true });
    await once(socket, 'open');
    expect(socket.extensions).toBe('');
  });

  test('answers 403 to a page of another origin, and 404 to another path', async () => {
    const { address, far } = await recorder();
    expect(await statusOf(socketTo(address, { origin: 'https://evil.example' }))).toBe(403);
    const elsewhere = new WebSocket(`ws://127.0.0.1:${address.port}/other`);
    elsewhere.on('error', () => undefined);
    expect(await statusOf(elsewhere)).toBe(404);
    const own = socketTo(address, { origin: `http://127.0.0.1:${address.port}` });
    await once(own, 'open');
    const named = await recorder({ origins: new Set(['https://chat.example.org']) });
    await once(socketTo(named.address, { origin: 'https://chat.example.org' }), 'open');
    expect(far).toHaveLength(1);
  });

  /** Connects, and sends nothing or the given bytes. */
  const press = async (
    { host, port }: Address,
    text = '',
  ): Promise<{ socket: Socket; closed: Promise<unknown> }> => {
    const socket = connectSocket({ host, port });
    cleanups.push(() => socket.destroy());
    socket.on('error', () => undefined).resume();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await once(socket, 'connect');
    if (text !== '') socket.write(text);
    return { socket, closed };
  };

  test('ends silent or slow clients after the handshake timeout', async () => {
    const { address } = await recorder({ handshakeTimeoutMs: 300 });
    const silent = await press(address);
    const slow = await press(address, 'GET / HTTP/1.1\r\nHost: a\r\nX-A: ');
    await Promise.all([silent.closed, slow.closed]);
  });

  test('counts a client toward the limit of its address until it is a WebSocket', async () => {
    const { address } = await recorder({ maxConnectionsPerAddress: 2, handshakeTimeoutMs: 60_000 });
    const [one] = [await press(address), await press(address)];
    await (
      await press(address)
    ).closed;
    one.socket.destroy();
    await one.closed;
    const tries = async (): Promise<unknown> => {
      const socket = socketTo(address);
      return Promise.race([once(socket, 'open'), once(socket, 'close').then(tries)]);
    };
    await tries();
    await tries();
    await tries();
  });

  test('answers 431 to headers that are too large, and 404 when it has no pages', async () => {
    const { address } = await recorder();
    const requested = (headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve, reject) => {
        request({ host: address.host, port: address.port, headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end();
      });
    expect(await requested({ 'x-large': 'x'.repeat(20_000) })).toBe(431);
    expect(await requested({})).toBe(404);
  });

  test('ends pending requests but no WebSocket when it is unsubscribed', async () => {
    const { address, far, stop } = await recorder();
    const socket = socketTo(address);
    await once(socket, 'open');
    const pressed = await press(address, 'GET / HTTP/1.1\r\n');
    stop();
    await pressed.closed;
    const message = once(socket, 'message');
    far[0]!.write(Buffer.from('still here'));
    expect(String((await message)[0])).toBe('still here');
    far[0]!.close();
    await once(socket, 'close');
    await new Promise((resolve) => {
      get({ host: address.host, port: address.port }).on('error', resolve);
    });
  });
});

describe('connecting by WebSocket', () => {
  const open = (url: string) => new WebSocket(url);

  test('errors with a ConnectionError when nothing listens, or when the other end is no relay', async () => {
    const { address } = await recorder();
    const wrong = `ws://127.0.0.1:${address.port}/other`;
    await expect(firstValueFrom(connectWebSocket(wrong, { open }))).rejects.toStrictEqual(
      new ConnectionError(`cannot reach 127.0.0.1:${address.port}: Unexpected server response: 404`),
    );
    await expect(
      firstValueFrom(connectWebSocket('ws://127.0.0.1:1/rxchat', { open })),
    ).rejects.toBeInstanceOf(ConnectionError);
    await expect(
      firstValueFrom(
        connectWebSocket('ws://127.0.0.1:1/', {
          open: () => {
            throw new Error('not with this page');
          },
        }),
      ),
    ).rejects.toStrictEqual(new ConnectionError('cannot reach 127.0.0.1:1: not with this page'));
  });

  test('errors when the other end is rejected, which then receives nothing', async () => {
    const { address, next } = await recorder();
    const came = next();
    const refused = new Error('another relay');
    const connecting = connectWebSocket(urlOf(address), {
      open,
      accept: () => {
        throw refused;
      },
    });
    await expect(firstValueFrom(connecting)).rejects.toBe(refused);
    const received = record(await came);
    await received.ended;
    expect(received.bytes()).toHaveLength(0);
  });

  test('times out, and stops when it is unsubscribed', async () => {
    const fake = fakeSocket();
    jest.useFakeTimers();
    const failed = firstValueFrom(connectWebSocket('ws://a/', { open: () => fake, timeoutMs: 50 }));
    jest.advanceTimersByTime(50);
    await expect(failed).rejects.toStrictEqual(new ConnectionError('cannot reach a: no answer within 50 ms'));
    expect(fake.closed).toStrictEqual([undefined]);
    connectWebSocket('ws://a/', { open: () => fake })
      .subscribe()
      .unsubscribe();
    expect(fake.closed).toHaveLength(2);
    expect(jest.getTimerCount()).toBe(0);
  });
});

/** A WebSocket as in a browser: it cannot be paused. */
const fakeSocket = () => {
  const listeners = new Map<string, Set<(event: object) => void>>();
  const socket = {
    binaryType: '',
    readyState: 1,
    bufferedAmount: 0,
    closed: [] as (number | undefined)[],
    send: (bytes: Uint8Array) => {
      socket.bufferedAmount += bytes.length;
    },
    close: (code?: number) => void socket.closed.push(code),
    addEventListener: (type: string, listener: (event: object) => void) => {
      listeners.set(type, (listeners.get(type) ?? new Set()).add(listener));
    },
    removeEventListener: (type: string, listener: (event: object) => void) => {
      listeners.get(type)?.delete(listener);
    },
    summarize: (type: string, event: object = {}) => {
      for (const listener of listeners.get(type) ?? []) listener(event);
    },
  };
  return socket satisfies WebSocketLike;
};

describe('a WebSocket of a browser', () => {
  test('buffers up to its limit and then ends when it cannot be paused, so that memory stays bounded', async () => {
    const socket = fakeSocket();
    const connection = webSocketConnection(socket, { peer: 'a', isDrained: () => true, writable$: NEVER });
    const received = record(connection);
    connection.pause();
    for (let size = 0; size < MAX_BUFFERED_BYTES; size += 65_536)
      socket.summarize('message', { data: new ArrayBuffer(65_536) });
    expect(socket.closed).toStrictEqual([]);
    socket.summarize('message', { data: new ArrayBuffer(1) });
    expect(socket.closed).toStrictEqual([1008]);
    expect(await received.ended).toStrictEqual(new ConnectionError('too much data is waiting for a reader'));
  });

  test('delivers its buffer in order and then its end when it resumes after a pause', async () => {
    const socket = fakeSocket();
    const connection = webSocketConnection(socket, { peer: 'a', isDrained: () => true, writable$: NEVER });
    socket.summarize('message', { data: Buffer.from('one ') });
    const received = record(connection);
    connection.pause();
    socket.summarize('message', { data: Buffer.from('two ') });
    socket.summarize('close', { wasClean: true });
    expect(received.isOver()).toBe(false);
    connection.resume();
    expect(await received.ended).toBeUndefined();
    expect(String(received.bytes())).toBe('one two ');
  });

  test('errors with a ConnectionError when it breaks', async () => {
    const socket = fakeSocket();
    const received = record(
      webSocketConnection(socket, { peer: 'a', isDrained: () => true, writable$: NEVER }),
    );
    await Promise.resolve();
    socket.summarize('error');
    socket.summarize('close', { wasClean: false });
    expect(await received.ended).toStrictEqual(new ConnectionError('the connection was lost'));
  });

  test('polls its buffer while that is full, and no longer', () => {
    jest.useFakeTimers();
    const socket = fakeSocket();
    let connection: Connection | undefined;
    connectWebSocket('ws://a/', { open: () => socket }).subscribe((each) => (connection = each));
    socket.summarize('open');
    expect(connection!.write(new Uint8Array(10))).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
    let reported = 0;
    connection!.writable$.subscribe(() => (reported += 1));
    expect(connection!.write(new Uint8Array(65_536))).toBe(false);
    jest.advanceTimersByTime(1000);
    expect(reported).toBe(0);
    socket.bufferedAmount = 0;
    jest.advanceTimersByTime(1000);
    expect(reported).toBe(1);
    expect(jest.getTimerCount()).toBe(0);
    // The same if it ends meanwhile.
    expect(connection!.write(new Uint8Array(65_536))).toBe(false);
    socket.summarize('close', { wasClean: true });
    expect(jest.getTimerCount()).toBe(0);
  });
});
