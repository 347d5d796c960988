import { once } from 'node:events';
import { request } from 'node:http';
import { get as getSecure } from 'node:https';
import { connect } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createInvite, formatInvite } from '../../src/index.js';
import { type Child, rxchat } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { runShared } from './support/runShared.js';

afterEach(cleanUp);

const serveWeb = async (
  ...flags: readonly string[]
): Promise<{ child: Child; page: URL; pin: string | undefined }> => {
  const child = rxchat(['serve', '--port', '0', '--web', '--web-port', '0', '--log-level', 'info', ...flags]);
  const [, page = ''] = await child.out.until(({ text }) => /^page on (\S+)$/m.exec(text));
  const [, pin] = flags.includes('--tls')
    ? await child.err.until(({ text }) => / --pin=([\w-]{43})\n/.exec(text))
    : [];
  return { child, page: new URL(page), pin };
};

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

const ask = async (url: URL | string, method = 'GET', headers = {}, body = ''): Promise<Answer> => {
  const requested = request(url, { method, headers }).end(body);
  const [response] = (await once(requested, 'response')) as [import('node:http').IncomingMessage];
  const chunks: Uint8Array[] = [];
  for await (const chunk of response) chunks.push(chunk as Uint8Array);
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
};

const linkOf = (page: URL, pin?: string): string =>
  formatInvite({
    ...createInvite({ host: page.hostname, port: Number(page.port), pin }),
    web: page.protocol === 'https:' ? 'https' : 'http',
  });

/** Writes a request to a relay, waits until the relay closes the connection, and returns the answer. */
const sendRaw = async (page: Pick<URL, 'hostname' | 'port'>, text: string | Uint8Array): Promise<string> => {
  const socket = connect({ host: page.hostname, port: Number(page.port) });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(text);
  await closed;
  return Buffer.concat(chunks).toString('latin1');
};

/** Request targets, most of which are no URLs. */
const TARGETS = [
  '//',
  '///',
  '/\\',
  '//[',
  '//[]/x',
  'http://[',
  'http://%',
  'http:///',
  '//:99999',
  '//@',
  '//a:b:c',
  'http://a b',
  'https://',
  '//%',
  '//\\/rxchat',
  '//rxchat:99999/rxchat',
  'rxchat',
  '*',
  '?',
  '#',
  '/rxchat/',
  '/rxchat#?',
  '/%',
  '/%00',
  '/\xff\xfe',
  `/${'/'.repeat(6000)}`,
];

/** Invalid values of `Upgrade` and its related headers, or those of other protocols. */
const UPGRADES = [
  'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
  'Upgrade: websocket, h2c',
  'Upgrade: ',
  'Upgrade: \xff\xfe',
  'Upgrade: TLS/1.0',
  'Upgrade: websocket',
  'Upgrade: websocket\r\nSec-WebSocket-Key: x',
  'Upgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 99',
  'Upgrade: websocket\r\nOrigin: http://[',
  'Upgrade: websocket\r\nOrigin: //',
  'Upgrade: websocket\r\nOrigin: http://a\r\nOrigin: http://b',
];

describe('serve --web', () => {
  test('keeps serving after any target or upgrade of a request', async () => {
    const { page, child } = await serveWeb();
    const link = linkOf(page);
    const listener = rxchat(['listen', link, '-n', '1', '--nick', 'ear']);
    await child.err.until(({ text }) => text.includes('"nick":"ear"') && text.includes('"msg":"joined"'));
    const requests = [
      ...TARGETS.flatMap((target) => UPGRADES.slice(0, 6).map((upgrade) => [target, upgrade])),
      ...UPGRADES.map((upgrade) => ['/rxchat', upgrade]),
    ];
    for (const [target = '', upgrade = ''] of requests)
      for (const host of ['Host: 127.0.0.1', 'Host: [', 'Host: //'])
        await sendRaw(
          page,
          Buffer.from(
            `GET ${target} HTTP/1.1\r\n${host}\r\nConnection: Upgrade\r\n${upgrade}\r\n\r\n`,
            'latin1',
          ),
        );
    expect((await ask(page)).status).toBe(200);
    expect(await runShared(['send', link, '-m', 'hello'])).toMatchObject({ code: 0 });
    expect(await listener.exit).toBe(0);
    expect(listener.out.text).toMatch(/hello/);
    expect(child.running).toBe(true);
  });

  test('serves the page with strict headers and no cookies, and nothing else', async () => {
    const { page } = await serveWeb();
    for (const [path, type] of [
      ['/', 'text/html; charset=utf-8'],
      ['/page.js', 'text/javascript; charset=utf-8'],
      ['/page.css', 'text/css; charset=utf-8'],
      ['/icon.svg', 'image/svg+xml'],
      ['/?x=1', 'text/html; charset=utf-8'],
    ] as const) {
      const { status, headers, body } = await ask(new URL(path, page));
      expect([status, headers['content-type']]).toStrictEqual([200, type]);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cache-control': 'no-cache',
      });
      const policy = String(headers['content-security-policy']);
      for (const rule of [
        "default-src 'none'",
        "script-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
      ])
        expect(policy.split('; ')).toContain(rule);
      expect(policy).not.toMatch(/unsafe|\*|http/);
      expect(headers).not.toHaveProperty('set-cookie');

      const zipped = await ask(new URL(path, page), 'GET', { 'accept-encoding': 'gzip, br' });
      expect(zipped.headers['content-encoding']).toBe('gzip');
      expect(gunzipSync(zipped.body)).toStrictEqual(body);
      const again = await ask(new URL(path, page), 'GET', { 'if-none-match': headers['etag'] });
      expect([again.status, again.body.length]).toStrictEqual([304, 0]);
      const head = await ask(new URL(path, page), 'HEAD');
      expect([head.status, head.headers['content-length'], head.body.length]).toStrictEqual([
        200,
        String(body.length),
        0,
      ]);
    }
    for (const path of ['/other', '/../package.json', '/page.js/', '/%2e%2e/x', '/rxchat', '//'])
      expect((await ask(`${page.origin}${path}`)).status).toBe(404);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])
      expect([(await ask(page, method)).status, method]).toStrictEqual([405, method]);
    expect((await ask(page, 'GET', { 'content-length': 4 }, 'body')).status).toBe(400);
  });

  test('accepts a link to its page as an invite for join, send and listen, without TLS on this machine', async () => {
    const { page, child } = await serveWeb();
    const link = linkOf(page);
    const listener = rxchat(['listen', link, '-n', '1', '--nick', 'ear']);
    await child.err.until(({ text }) => text.includes('"nick":"ear"') && text.includes('"msg":"joined"'));
    expect(await runShared(['send', link, '-m', 'hello'])).toMatchObject({ code: 0 });
    expect(await listener.exit).toBe(0);
    expect(listener.out.text).toMatch(/hello/);
    expect(await runShared(['send', link, '-m', 'hello', '--tls'])).toMatchObject({ code: 2 });
  });

  test('uses TLS if the relay does, with the same pin', async () => {
    const { page, pin } = await serveWeb('--tls');
    expect(page.protocol).toBe('https:');
    const answered = getSecure(page, { rejectUnauthorized: false });
    const [response] = (await once(answered, 'response')) as [import('node:http').IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(200);
    expect(await runShared(['send', linkOf(page, pin), '-m', 'hello'])).toMatchObject({ code: 0 });
    const wrong = await runShared(['send', linkOf(page, 'A'.repeat(43)), '-m', 'hello']);
    expect(wrong.code).toBe(5);
    expect(wrong.err).toMatch(/has a different key than expected/);
    expect(await runShared(['send', linkOf(page, pin), '-m', 'hello', '--plain'])).toMatchObject({ code: 2 });
  });

  test('sends BYE to WebSockets when it stops, after all that was accepted, and exits in time', async () => {
    const { page, child } = await serveWeb();
    const link = linkOf(page);
    const listener = rxchat(['listen', link, '--no-retry', '--nick', 'ear']);
    await child.err.until(({ text }) => text.includes('"nick":"ear"') && text.includes('"msg":"joined"'));
    expect(await runShared(['send', link, '-m', 'the last words'])).toMatchObject({ code: 0 });
    child.signal('SIGTERM');
    expect(await child.exit).toBe(0);
    await listener.exit;
    expect(listener.out.text).toMatch(/the last words/);
  });

  test('rejects pages of other hosts, and of its own when told to, and logs which', async () => {
    const upgrade = (host: string) =>
      `GET /rxchat HTTP/1.1\r\nHost: ${host}\r\nOrigin: http://${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
    const open = await serveWeb('--web-host', '0.0.0.0', '--plain');
    const at = { hostname: '127.0.0.1', port: open.page.port };
    expect(await sendRaw(at, upgrade(`evil.example:${at.port}`))).toMatch(/^HTTP\/1\.1 403 /);
    await open.child.err.until(({ text }) => text.includes(`"origin":"http://evil.example:${at.port}"`));
    expect(await sendRaw(at, upgrade(`192.0.2.1:${at.port}`))).toMatch(/^HTTP\/1\.1 400 /);

    const { page } = await serveWeb('--web-origin', 'https://chat.example.org', '--web-origin-only');
    expect(await sendRaw(page, upgrade(page.host))).toMatch(/^HTTP\/1\.1 403 /);
  });

  test('counts WebSockets among its connections', async () => {
    const { page, child } = await serveWeb('--connections-per-address', '1');
    const first = rxchat(['listen', linkOf(page), '--nick', 'one']);
    await child.err.until(({ text }) => text.includes('"msg":"joined"'));
    expect(await runShared(['send', linkOf(page), '-m', 'hello', '--timeout', '1s'])).not.toMatchObject({
      code: 0,
    });
    first.signal('SIGTERM');
    await first.exit;
  });

  test('prints one line when its flags are invalid or it cannot listen', async () => {
    for (const [flags, text] of [
      [['--web-port', '1'], '--web-port needs --web'],
      [['--web-origin', 'https://chat.example.org'], '--web-origin needs --web'],
      [['--web-origin-only'], '--web-origin-only needs --web'],
      [['--web', '--web-origin-only'], '--web-origin-only needs at least one --web-origin'],
      [['--web', '--web-port', '70000'], '--web-port needs a whole number'],
      [['--web', '--web-host', 'a b'], '--web-host needs a host name'],
      [['--web', '--web-origin', 'chat.example.org'], '--web-origin needs the origin of a page'],
      [['--web', '--web-origin', 'https://chat.example.org/page'], '--web-origin needs the origin of a page'],
    ] as const) {
      const { code, err } = await runShared(['serve', '--port', '0', ...flags]);
      expect(code).toBe(2);
      expect(err).toContain(text);
    }
    const { page } = await serveWeb();
    const { code, err } = await runShared([
      'serve',
      '--port',
      '0',
      '--memory',
      '--web',
      '--web-port',
      page.port,
    ]);
    expect(code).toBe(3);
    expect(err).toContain('choose another port with --web-port');
  });
});
