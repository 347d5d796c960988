import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { fromEvent } from 'rxjs';
import { WebSocket, WebSocketServer } from 'ws';
import { relay, webSocketConnection, webSocketsOf } from '../../src/entries/relay.js';
import type { ListeningFault } from '../../src/transport/fault.js';

const ends: (() => unknown)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

const serve = async () => {
  const server = createServer();
  ends.push(() => server.close().closeAllConnections());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
};

const open = (url: string, origin?: string): WebSocket => {
  const socket = new WebSocket(url, origin === undefined ? {} : { origin });
  ends.push(() => socket.terminate());
  socket.on('error', () => undefined);
  return socket;
};

const greeting = async (socket: WebSocket): Promise<string> => String((await once(socket, 'message'))[0]);

test('a relay in an HTTP server takes its own upgrades and leaves the others alone', async () => {
  const { server, port } = await serve();
  const told: ListeningFault[] = [];
  const origins = new Set(['https://app.example.org']);
  const serving = webSocketsOf(server, { origins, onFault: (fault) => told.push(fault) })
    .pipe(relay())
    .subscribe();
  ends.push(() => serving.unsubscribe());
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
  expect(told).toMatchObject([{ type: 'origin-refused', origin: 'https://evil.example' }]);

  serving.unsubscribe();
  expect(server.listenerCount('upgrade')).toBe(1);
});

test('an upgrade that nobody else listens for is refused instead of kept open', async () => {
  const { server, port } = await serve();
  const serving = webSocketsOf(server).pipe(relay()).subscribe();
  ends.push(() => serving.unsubscribe());
  const [, response] = (await once(open(`ws://127.0.0.1:${port}/other`), 'unexpected-response')) as [
    unknown,
    { statusCode: number },
  ];
  expect(response.statusCode).toBe(404);
});

test('a WebSocket that a server of its own has accepted is a connection, too', async () => {
  const { server, port } = await serve();
  const sockets = new WebSocketServer({ server });
  const serving = fromEvent(sockets, 'connection', (socket: WebSocket, request: { socket: Socket }) =>
    webSocketConnection(socket, request.socket),
  )
    .pipe(relay())
    .subscribe();
  ends.push(() => serving.unsubscribe());
  expect(await greeting(open(`ws://127.0.0.1:${port}/`))).toMatch(/^NICK rxchat\/1 /);
});
