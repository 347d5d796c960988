import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { tcpConnection } from '../../../src/net/tcp.js';
import { ConnectionError } from '../../../streams/wire/errors.js';
import { encodeText } from '../../../streams/wire/encoding.js';
import { FAKE_ALL_BUT_SOCKETS, fillSendBuffer, record } from '../../support/recorder.js';

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

  test('errors with a ConnectionError when it is reset, and still accepts writes and closes', async () => {
    const connection = tcpConnection(socket);
    const recorder = record(connection);
    peer.resetAndDestroy();
    expect(await recorder.ended).toStrictEqual(new ConnectionError('the connection was reset'));
    expect(connection.write(encodeText('x'))).toBe(true);
    connection.close();
  });

  test('does not end the process when it is reset without a subscriber, and errors for later subscribers', async () => {
    const connection = tcpConnection(socket);
    const closed = closeOf(socket);
    // A socket that is not read detects a reset only by writing.
    await fillSendBuffer(connection);
    peer.resetAndDestroy();
    await closed;
    expect(await record(connection).ended).toBeInstanceOf(ConnectionError);
  });

  test('leaks no listener after any number of subscriptions and waits', () => {
    const connection = tcpConnection(socket);
    const count = () =>
      Object.fromEntries(socket.eventNames().map((name) => [String(name), socket.listenerCount(name)]));
    const before = count();
    for (let n = 0; n < 20; n += 1) {
      const recorder = record(connection);
      const waiting = connection.writable$.subscribe();
      expect(count()).toMatchObject({ data: 1, drain: (before['drain'] ?? 0) + 1 });
      recorder.stop();
      waiting.unsubscribe();
    }
    expect(count()).toStrictEqual(before);
  });

  test('leaves no timer when it is closed and the peer has read everything', async () => {
    const connection = tcpConnection(socket);
    const closed = closeOf(socket);
    peer.resume();
    jest.useFakeTimers(FAKE_ALL_BUT_SOCKETS);
    connection.write(encodeText('bye'));
    connection.close();
    expect(jest.getTimerCount()).toBe(1);
    await closed;
    expect(jest.getTimerCount()).toBe(0);
  });

  test('discards unread bytes when it is closed, and so ends with its peer and not by force', async () => {
    const connection = tcpConnection(socket);
    const closed = closeOf(socket);
    peer.write(Buffer.alloc(1024 * 1024));
    connection.write(encodeText('last words'));
    jest.useFakeTimers(FAKE_ALL_BUT_SOCKETS);
    connection.close();
    const recorder = record(tcpConnection(peer));
    expect(await recorder.ended).toBeUndefined();
    expect(String(recorder.bytes())).toBe('last words');
    await closed;
    expect(jest.getTimerCount()).toBe(0);
  });

  test('is destroyed after a grace period of one second when its peer does not read', async () => {
    const connection = tcpConnection(socket);
    await fillSendBuffer(connection);
    jest.useFakeTimers(FAKE_ALL_BUT_SOCKETS);
    connection.close();
    jest.advanceTimersByTime(999);
    expect(socket.destroyed).toBe(false);
    jest.advanceTimersByTime(1);
    expect(socket.destroyed).toBe(true);
  });
});

describe('a TCP connection with a high-water mark of its own', () => {
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

  test('accepts what stays below the mark, since no drain would follow', () => {
    const connection = tcpConnection(socket);
    // Corked, a socket hands nothing to the kernel.
    socket.cork();
    expect(connection.write(Buffer.alloc(999))).toBe(true);
    expect(socket.writableLength).toBe(999);
  });

  test('pushes back at the mark, and is writable again when the buffer is empty', async () => {
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
