import { afterEach, expect, test } from '@jest/globals';
import { createServer, connect, type Server } from 'node:net';
import { once } from 'node:events';
import { Subject, Subscription } from 'rxjs';
import {
  serveMetrics,
  type ServedMetrics,
} from '../../../../../../src/cli/commands/serve/metrics/serveMetrics.js';

let subscription = new Subscription();
const servers: Server[] = [];
afterEach(() => {
  subscription.unsubscribe();
  subscription = new Subscription();
  for (const server of servers.splice(0)) server.close();
});

const LOCAL = { host: '127.0.0.1', port: 0 };

const start = async (address = LOCAL) => {
  const stop$ = new Subject<void>();
  const drain$ = new Subject<void>();
  const options = {
    version: '1.2.3',
    limits: {},
    dir: undefined,
    storeLimitBytes: undefined,
    certificate$: undefined,
    drain$,
    stop$,
  };
  const metrics = await new Promise<ServedMetrics>((resolve, reject) => {
    subscription.add(serveMetrics(address, options).subscribe({ next: resolve, error: reject }));
  });
  const base = `http://127.0.0.1:${metrics.listener.address.port}`;
  const get = async (path: string, method = 'GET') => {
    const response = await fetch(`${base}${path}`, { method });
    return [response.status, await response.text()] as const;
  };
  return { metrics, get, drain$, stop$, port: metrics.listener.address.port };
};

test('a relay is ready while it listens, stores and is not stopping', async () => {
  const { metrics, get, drain$, stop$ } = await start();
  expect(await get('/readyz')).toStrictEqual([503, 'the relay is starting\n']);
  expect(await get('/healthz')).toStrictEqual([200, 'ok\n']);
  metrics.setListening();
  expect(await get('/readyz')).toStrictEqual([200, 'ready\n']);
  metrics.setStoreConnected(false);
  expect(await get('/readyz')).toStrictEqual([503, 'the relay has lost the connection to the store\n']);
  metrics.setStoreConnected(true);
  expect(await get('/readyz')).toStrictEqual([200, 'ready\n']);
  metrics.record({ type: 'not-stored', room: 'room', reason: 'ENOSPC' });
  expect(await get('/readyz')).toStrictEqual([503, 'the store failed to store a message\n']);
  // A server whose disk is full takes connections.
  metrics.setStoreConnected(true);
  expect(await get('/readyz')).toStrictEqual([503, 'the store failed to store a message\n']);
  drain$.next();
  expect(await get('/readyz')).toStrictEqual([503, 'the relay is draining\n']);
  stop$.next();
  expect(await get('/readyz')).toStrictEqual([503, 'the relay is stopping\n']);
  expect((await get('/metrics'))[1]).toContain('\nrxchat_ready 0\n');
  expect(await get('/healthz')).toStrictEqual([200, 'ok\n']);
});

test('each scrape asks for a sample first', async () => {
  const { metrics, get } = await start();
  let samples = 0;
  const load = { type: 'sampled', connections: 0, members: 0, slowReaders: 0, windowBytes: 0 } as const;
  subscription.add(
    metrics.sample$.subscribe(() => {
      samples += 1;
      metrics.record({ ...load, rooms: samples, sentEntries: 0, skippedEntries: 0 });
    }),
  );
  expect((await get('/metrics'))[1]).toContain('\nrxchat_rooms 1\n');
  expect((await get('/metrics?x=y'))[1]).toContain('\nrxchat_rooms 2\n');
});

test('the traffic of other servers counts, and that of the scrapes does not', async () => {
  const { metrics, get } = await start();
  metrics.setListening();
  const server = createServer((socket) => socket.end('12345'));
  servers.push(server.listen(LOCAL.port, LOCAL.host));
  await once(server, 'listening');
  const client = connect((server.address() as { port: number }).port, LOCAL.host);
  client.end('123').resume();
  await once(client, 'close');
  const [, text] = await get('/metrics');
  expect(/rxchat_sockets_accepted_total (\d+)/.exec(text)?.[1]).toBe('1');
  expect(/rxchat_sent_bytes_total (\d+)/.exec(text)?.[1]).toBe('5');
});

test('other requests are rejected, and the server answers on', async () => {
  const { get, port } = await start();
  expect(await get('/metrics', 'POST')).toStrictEqual([405, 'only GET\n']);
  expect(await get('/', 'GET')).toStrictEqual([404, 'not found\n']);
  for (const [request, answer] of [
    ['nonsense\r\n\r\n', /^HTTP\/1\.1 400 /],
    [`GET /${'x'.repeat(9000)} HTTP/1.1\r\n\r\n`, /^HTTP\/1\.1 431 /],
  ] as const) {
    const socket = connect(port, LOCAL.host);
    let received = '';
    socket.setEncoding('utf8').on('data', (text: string) => (received += text));
    socket.write(request);
    await once(socket, 'close');
    expect(received).toMatch(answer);
  }
  expect((await get('/healthz'))[0]).toBe(200);
});

test('it errors if the port is in use, and releases its own when unsubscribed', async () => {
  const { port } = await start();
  await expect(start({ ...LOCAL, port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  subscription.unsubscribe();
  subscription = new Subscription();
  expect((await start({ ...LOCAL, port })).port).toBe(port);
});

test('the metrics show limits that were replaced', async () => {
  const { metrics, get } = await start();
  expect((await get('/metrics'))[1]).toMatch(/^rxchat_connections_limit \+Inf$/m);
  metrics.setLimits({ maxConnections: 7, memoryLimitBytes: 4096 });
  const [, text] = await get('/metrics');
  expect(text).toMatch(/^rxchat_connections_limit 7$/m);
  expect(text).toMatch(/^rxchat_window_limit_bytes 4096$/m);
});
