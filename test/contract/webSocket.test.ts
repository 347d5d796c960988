import { once } from 'node:events';
import { get, request } from 'node:http';
import { connect as connectSocket, type Socket } from 'node:net';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { firstValueFrom, NEVER, type Subscription, switchMap, tap } from 'rxjs';
import { WebSocket } from 'ws';
import type { Address } from '../../src/address.js';
import { connectWebSocket, webSocketUrl } from '../../src/transport/webSocketClient.js';
import {
  FRAME_LIMIT,
  HELD_LIMIT,
  webSocketConnection,
  type WebSocketLike,
} from '../../src/transport/webSocketConnection.js';
import { listenWeb, type WebOptions } from '../../src/web/listenWeb.js';
import { type Connection, LinkError } from '../../streams/wire/index.js';
import { listen } from './ear.js';

const ends: (() => unknown)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
  jest.useRealTimers();
});

/** Somebody who listens, and whoever has come. */
const ear = async (options: WebOptions = {}) => {
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
  ends.push(() => {
    stop();
    for (const connection of far) connection.close();
  });
  return { address, far, stop, next: () => new Promise<Connection>((resolve) => waiting.push(resolve)) };
};

const urlOf = ({ host, port }: Address) => webSocketUrl('http', `${host}:${port}`);

const socketTo = (address: Address, options: WebSocket.ClientOptions = {}): WebSocket => {
  const socket = new WebSocket(urlOf(address), options);
  ends.push(() => socket.terminate());
  socket.on('error', () => undefined);
  return socket;
};

const statusOf = async (socket: WebSocket): Promise<number | undefined> => {
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode?: number }];
  return response.statusCode;
};

describe('a relay with WebSockets', () => {
  test('closes with 1003 who sends text, and with 1009 who sends a frame that is too large', async () => {
    const { address, next } = await ear();
    for (const [frame, code] of [
      ['text', 1003],
      [Buffer.alloc(FRAME_LIMIT + 1), 1009],
    ] as const) {
      const came = next();
      const socket = socketTo(address);
      const closed = once(socket, 'close');
      await once(socket, 'open');
      const heard = listen(await came);
      socket.send(frame);
      expect((await closed)[0]).toBe(code);
      expect(await heard.ended).toBeInstanceOf(LinkError);
    }
  });

  test('sends frames of 64 KiB at most', async () => {
    const { address, next } = await ear();
    const came = next();
    const socket = socketTo(address, { maxPayload: FRAME_LIMIT });
    const sizes: number[] = [];
    const all = new Promise<void>((resolve) => {
      socket.on('message', (data: Buffer) => {
        sizes.push(data.length);
        if (sizes.length === 3) resolve();
      });
    });
    (await came).write(new Uint8Array(2 * FRAME_LIMIT + 1));
    await all;
    expect(sizes).toStrictEqual([FRAME_LIMIT, FRAME_LIMIT, 1]);
  });

  test('takes no compression', async () => {
    const { address } = await ear();
    const socket = socketTo(address, { perMessageDeflate: true });
    await once(socket, 'open');
    expect(socket.extensions).toBe('');
  });

  test('answers 403 to a page of another origin, and 404 to another path', async () => {
    const { address, far } = await ear();
    expect(await statusOf(socketTo(address, { origin: 'https://evil.example' }))).toBe(403);
    const elsewhere = new WebSocket(`ws://127.0.0.1:${address.port}/other`);
    elsewhere.on('error', () => undefined);
    expect(await statusOf(elsewhere)).toBe(404);
    const own = socketTo(address, { origin: `http://127.0.0.1:${address.port}` });
    await once(own, 'open');
    const named = await ear({ origins: new Set(['https://chat.example.org']) });
    await once(socketTo(named.address, { origin: 'https://chat.example.org' }), 'open');
    expect(far).toHaveLength(1);
  });

  /** Connects and says nothing, or this. */
  const press = async (
    { host, port }: Address,
    text = '',
  ): Promise<{ socket: Socket; closed: Promise<unknown> }> => {
    const socket = connectSocket({ host, port });
    ends.push(() => socket.destroy());
    socket.on('error', () => undefined).resume();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await once(socket, 'connect');
    if (text !== '') socket.write(text);
    return { socket, closed };
  };

  test('ends who says nothing, or does not come to an end, after the time of a handshake', async () => {
    const { address } = await ear({ handshakeTimeout: 300 });
    const silent = await press(address);
    const slow = await press(address, 'GET / HTTP/1.1\r\nHost: a\r\nX-A: ');
    await Promise.all([silent.closed, slow.closed]);
  });

  test('counts who has not asked yet by its address, and a WebSocket there no more', async () => {
    const { address } = await ear({ connectionsPerAddress: 2, handshakeTimeout: 60_000 });
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

  test('answers 431 to headers that are too large, and 404 where there are no pages', async () => {
    const { address } = await ear();
    const asked = (headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve, reject) => {
        request({ host: address.host, port: address.port, headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end();
      });
    expect(await asked({ 'x-large': 'x'.repeat(20_000) })).toBe(431);
    expect(await asked({})).toBe(404);
  });

  test('that is unsubscribed ends who is in the middle of a request, and no WebSocket', async () => {
    const { address, far, stop } = await ear();
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

  test('errors with a LinkError where nothing listens, or what is no relay', async () => {
    const { address } = await ear();
    const wrong = `ws://127.0.0.1:${address.port}/other`;
    await expect(firstValueFrom(connectWebSocket(wrong, { open }))).rejects.toStrictEqual(
      new LinkError(`cannot reach 127.0.0.1:${address.port}: Unexpected server response: 404`),
    );
    await expect(
      firstValueFrom(connectWebSocket('ws://127.0.0.1:1/rxchat', { open })),
    ).rejects.toBeInstanceOf(LinkError);
    await expect(
      firstValueFrom(
        connectWebSocket('ws://127.0.0.1:1/', {
          open: () => {
            throw new Error('not with this page');
          },
        }),
      ),
    ).rejects.toStrictEqual(new LinkError('cannot reach 127.0.0.1:1: not with this page'));
  });

  test('errors with what refuses the other end, which hears nothing', async () => {
    const { address, next } = await ear();
    const came = next();
    const refused = new Error('another relay');
    const connecting = connectWebSocket(urlOf(address), {
      open,
      accept: () => {
        throw refused;
      },
    });
    await expect(firstValueFrom(connecting)).rejects.toBe(refused);
    const heard = listen(await came);
    await heard.ended;
    expect(heard.bytes()).toHaveLength(0);
  });

  test('gives up in time, and when it is unsubscribed', async () => {
    const fake = fakeSocket();
    jest.useFakeTimers();
    const failed = firstValueFrom(connectWebSocket('ws://a/', { open: () => fake, timeoutMs: 50 }));
    jest.advanceTimersByTime(50);
    await expect(failed).rejects.toStrictEqual(new LinkError('cannot reach a: no answer within 50 ms'));
    expect(fake.closed).toStrictEqual([undefined]);
    connectWebSocket('ws://a/', { open: () => fake })
      .subscribe()
      .unsubscribe();
    expect(fake.closed).toHaveLength(2);
    expect(jest.getTimerCount()).toBe(0);
  });
});

/** A WebSocket as a browser has it: one that cannot be paused. */
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
    tell: (type: string, event: object = {}) => {
      for (const listener of listeners.get(type) ?? []) listener(event);
    },
  };
  return socket satisfies WebSocketLike;
};

describe('a WebSocket of a browser', () => {
  test('which cannot be paused: holds up to its limit and ends then, so that memory stays bounded', async () => {
    const socket = fakeSocket();
    const connection = webSocketConnection(socket, { peer: 'a', isTaken: () => true, writable$: NEVER });
    const heard = listen(connection);
    connection.pause();
    for (let size = 0; size < HELD_LIMIT; size += 65_536)
      socket.tell('message', { data: new ArrayBuffer(65_536) });
    expect(socket.closed).toStrictEqual([]);
    socket.tell('message', { data: new ArrayBuffer(1) });
    expect(socket.closed).toStrictEqual([1008]);
    expect(await heard.ended).toStrictEqual(new LinkError('more came than is held while nobody reads'));
  });

  test('which was paused: hands over what it holds when it reads on, in order, and then its end', async () => {
    const socket = fakeSocket();
    const connection = webSocketConnection(socket, { peer: 'a', isTaken: () => true, writable$: NEVER });
    socket.tell('message', { data: Buffer.from('one ') });
    const heard = listen(connection);
    connection.pause();
    socket.tell('message', { data: Buffer.from('two ') });
    socket.tell('close', { wasClean: true });
    expect(heard.over()).toBe(false);
    connection.resume();
    expect(await heard.ended).toBeUndefined();
    expect(String(heard.bytes())).toBe('one two ');
  });

  test('that breaks errors with a LinkError', async () => {
    const socket = fakeSocket();
    const heard = listen(webSocketConnection(socket, { peer: 'a', isTaken: () => true, writable$: NEVER }));
    await Promise.resolve();
    socket.tell('error');
    socket.tell('close', { wasClean: false });
    expect(await heard.ended).toStrictEqual(new LinkError('the connection was lost'));
  });

  test('is asked for its buffer while that is full, and no longer', () => {
    jest.useFakeTimers();
    const socket = fakeSocket();
    let connection: Connection | undefined;
    connectWebSocket('ws://a/', { open: () => socket }).subscribe((each) => (connection = each));
    socket.tell('open');
    expect(connection!.write(new Uint8Array(10))).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
    let told = 0;
    connection!.writable$.subscribe(() => (told += 1));
    expect(connection!.write(new Uint8Array(65_536))).toBe(false);
    jest.advanceTimersByTime(1000);
    expect(told).toBe(0);
    socket.bufferedAmount = 0;
    jest.advanceTimersByTime(1000);
    expect(told).toBe(1);
    expect(jest.getTimerCount()).toBe(0);
    // And where it ends meanwhile.
    expect(connection!.write(new Uint8Array(65_536))).toBe(false);
    socket.tell('close', { wasClean: true });
    expect(jest.getTimerCount()).toBe(0);
  });
});
