import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { tcpConnection } from '../../src/transport/tcp.js';
import { LinkError } from '../../streams/wire/errors.js';
import { encodeText } from '../../streams/wire/utf8.js';
import { BUT_SOCKETS, fill, listen } from './ear.js';

const LOOPBACK = { host: '127.0.0.1', port: 0 };

/** `once` would reject at an 'error'. */
const closeOf = (socket: Socket): Promise<unknown> => new Promise((resolve) => socket.once('close', resolve));

describe('a connection over tcp', () => {
  let server: Server;
  let socket: Socket;
  let peer: Socket;
  beforeEach(async () => {
    server = createServer({ highWaterMark: 1 }).listen(LOOPBACK);
    await once(server, 'listening');
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    peer = connect((server.address() as AddressInfo).port, LOOPBACK.host);
    [socket] = await accepted;
  });
  afterEach(() => {
    socket.destroy();
    peer.destroy();
    server.close();
    jest.useRealTimers();
  });

  test('names its peer by address and port', () => {
    expect(tcpConnection(socket).peer).toBe(`127.0.0.1:${peer.localPort}`);
  });

  test('that is reset errors with a LinkError, and takes what is written and closes as any other', async () => {
    const connection = tcpConnection(socket);
    const ear = listen(connection);
    peer.resetAndDestroy();
    expect(await ear.ended).toStrictEqual(new LinkError('the connection was reset'));
    expect(connection.write(encodeText('x'))).toBe(true);
    connection.close();
  });

  test('that is reset while nobody listens does not end the process, and tells who listens later', async () => {
    const connection = tcpConnection(socket);
    const closed = closeOf(socket);
    // A socket that is not read learns of a reset only by writing.
    await fill(connection);
    peer.resetAndDestroy();
    await closed;
    expect(await listen(connection).ended).toBeInstanceOf(LinkError);
  });

  test('leaks no listener, however often it is listened to and waited for', () => {
    const connection = tcpConnection(socket);
    const count = () =>
      Object.fromEntries(socket.eventNames().map((name) => [String(name), socket.listenerCount(name)]));
    const before = count();
    for (let n = 0; n < 20; n += 1) {
      const ear = listen(connection);
      const waiting = connection.writable$.subscribe();
      expect(count()).toMatchObject({ data: 1, drain: (before['drain'] ?? 0) + 1 });
      ear.stop();
      waiting.unsubscribe();
    }
    expect(count()).toStrictEqual(before);
  });

  test('that is closed leaves no timer behind once the peer has taken all', async () => {
    const connection = tcpConnection(socket);
    const closed = closeOf(socket);
    peer.resume();
    jest.useFakeTimers(BUT_SOCKETS);
    connection.write(encodeText('bye'));
    connection.close();
    expect(jest.getTimerCount()).toBe(1);
    await closed;
    expect(jest.getTimerCount()).toBe(0);
  });

  test('that is closed with something unread reads it away, and so ends with its peer and not by force', async () => {
    const connection = tcpConnection(socket);
    const closed = closeOf(socket);
    peer.write(Buffer.alloc(1024 * 1024));
    connection.write(encodeText('last words'));
    jest.useFakeTimers(BUT_SOCKETS);
    connection.close();
    const ear = listen(tcpConnection(peer));
    expect(await ear.ended).toBeUndefined();
    expect(String(ear.bytes())).toBe('last words');
    await closed;
    expect(jest.getTimerCount()).toBe(0);
  });

  test('whose peer does not take what was written is ended by force after a grace of a second', async () => {
    const connection = tcpConnection(socket);
    await fill(connection);
    jest.useFakeTimers(BUT_SOCKETS);
    connection.close();
    jest.advanceTimersByTime(999);
    expect(socket.destroyed).toBe(false);
    jest.advanceTimersByTime(1);
    expect(socket.destroyed).toBe(true);
  });
});

describe('a connection of a socket with a high-water mark of its own', () => {
  let server: Server;
  let socket: Socket;
  let peer: Socket;
  beforeEach(async () => {
    server = createServer({ highWaterMark: 1000 }).listen(LOOPBACK);
    await once(server, 'listening');
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    peer = connect((server.address() as AddressInfo).port, LOOPBACK.host);
    [socket] = await accepted;
  });
  afterEach(() => {
    socket.destroy();
    peer.destroy();
    server.close();
  });

  test('takes what stays below the mark, for no drain would follow it', () => {
    const connection = tcpConnection(socket);
    // Corked, a socket hands nothing to the kernel.
    socket.cork();
    expect(connection.write(Buffer.alloc(999))).toBe(true);
    expect(socket.writableLength).toBe(999);
  });

  test('pushes back at the mark, and is writable once that is gone', async () => {
    const connection = tcpConnection(socket);
    socket.cork();
    expect(connection.write(Buffer.alloc(999))).toBe(true);
    expect(connection.write(Buffer.alloc(1))).toBe(false);
    expect(connection.write(Buffer.alloc(1))).toBe(false);
    const writable = new Promise((resolve) => connection.writable$.subscribe(resolve));
    peer.resume();
    socket.uncork();
    await writable;
    expect(connection.write(Buffer.alloc(999))).toBe(true);
  });
});
