import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { fromEvent } from 'rxjs';
import { WebSocket, WebSocketServer } from 'ws';
import { relay, webSocketConnection, acceptWebSockets } from '../../../../src/relay/index.js';
import type { ListenerFault } from '../../../../src/net/listener.js';

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const end of cleanups.splice(0)) end();
});

const serve = async () => {
  const server = createServer();
  cleanups.push(() => server.close().closeAllConnections());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
};

const open = (url: string, origin?: string): WebSocket => {
  const socket = new WebSocket(url, origin === undefined ? {} : { origin });
  cleanups.push(() => socket.terminate());
  socket.on('error', () => undefined);
  return socket;
};

const greeting = async (socket: WebSocket): Promise<string> => String((await once(socket, 'message'))[0]);

test('acceptWebSockets handles its own upgrades of an HTTP server and leaves the others alone', async () => {
  const { server, port } = await serve();
  const reported: ListenerFault[] = [];
  const origins = new Set(['https://app.example.org']);
  const serving = acceptWebSockets(server, { origins, onFault: (fault) => reported.push(fault) })
    .pipe(relay())
    .subscribe();
  cleanups.push(() => serving.unsubscribe());
  const others = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    if (request.url !== '/other') return;
    others.handleUpgrade(request, socket, head, (each) => each.send('another'));
  });

  expect(await greeting(open(`ws://127.0.0.1:${port}/other`))).toBe('another');
  const url = `ws://127.0.0.1:${port}/rxchat`;
  for (const origin of [undefined, 'https://app.example.org', `http://127.0.0.1:${port}`])
    expect(await greeting(open(url, origin))).toMatch(/^NICK rxchat\/1 /);
  await once(open(url, 'https://evil.example'), 'unexpected-response');
  expect(reported).toMatchObject([{ type: 'origin-refused', origin: 'https://evil.example' }]);

  serving.unsubscribe();
  expect(server.listenerCount('upgrade')).toBe(1);
});

test('acceptWebSockets refuses an upgrade that nobody else handles', async () => {
  const { server, port } = await serve();
  const serving = acceptWebSockets(server).pipe(relay()).subscribe();
  cleanups.push(() => serving.unsubscribe());
  const [, response] = (await once(open(`ws://127.0.0.1:${port}/other`), 'unexpected-response')) as [
    unknown,
    { statusCode: number },
  ];
  expect(response.statusCode).toBe(404);
});

test('a WebSocket accepted by another server can be used as a connection', async () => {
  const { server, port } = await serve();
  const sockets = new WebSocketServer({ server });
  const serving = fromEvent(sockets, 'connection', (socket: WebSocket, request: { socket: Socket }) =>
    webSocketConnection(socket, request.socket),
  )
    .pipe(relay())
    .subscribe();
  cleanups.push(() => serving.unsubscribe());
  expect(await greeting(open(`ws://127.0.0.1:${port}/`))).toMatch(/^NICK rxchat\/1 /);
});
