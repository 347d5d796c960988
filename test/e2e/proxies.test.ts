import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connect as connectWithTls } from 'node:tls';
import { afterEach, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { newCertificate } from '../support/certificates.js';
import { freePort } from '../support/freePort.js';
import { withProgram } from '../support/withProgram.js';
import { rxchat, start, tempDir } from './support/child.js';
import { cleanUp } from './support/cleanup.js';
import { newRoom } from './support/relay.js';
import { runShared } from './support/runShared.js';

afterEach(cleanUp);

const testWithHaproxy = withProgram('RXCHAT_NEED_PROXIES', 'haproxy', '-v');
const testWithCaddy = withProgram('RXCHAT_NEED_PROXIES', 'caddy', 'version');
const testWithNginx = withProgram('RXCHAT_NEED_PROXIES', 'nginx', '-v');

/** Starts a relay with a page, and resolves with its ports. */
const serve = async (...flags: readonly string[]) => {
  const child = rxchat([
    ...['serve', '--port', '0', '--web', '--web-port', '0', '--data', tempDir(), '--log-level', 'info'],
    ...flags,
  ]);
  const [, port] = await child.out.until(({ text }) => /listening on \S+:(\d+)/.exec(text));
  const [, web] = await child.out.until(({ text }) => /^page on \S+:(\d+)/m.exec(text));
  return { child, port: Number(port), web: Number(web) };
};

/** Writes a configuration of docs/proxy with other ports, certificates and directories. */
const configure = (name: string, replacements: Readonly<Record<string, string | number>>): string => {
  let text = readFileSync(join('docs/proxy', name), 'utf8');
  for (const [from, to] of Object.entries(replacements)) {
    if (!text.includes(from)) throw new Error(`${name} does not contain ${from}`);
    text = text.replaceAll(from, String(to));
  }
  const file = join(tempDir(), name);
  writeFileSync(file, text);
  return file;
};

/** Starts a proxy in the foreground, and waits until it accepts connections. */
const startProxy = async (port: number, program: string, ...args: readonly string[]): Promise<void> => {
  const child = start(program, args);
  for (;;) {
    if (!child.running) throw new Error(`${program} ended: ${child.err.text}`);
    const socket = connect({ host: '127.0.0.1', port });
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await new Promise(setImmediate);
    } finally {
      socket.destroy();
    }
  }
};

const startNginx = (file: string, port: number): Promise<void> =>
  // Without a master process, no worker outlives the test.
  startProxy(
    port,
    'nginx',
    ...['-c', file],
    ...['-g', `daemon off; master_process off; pid ${file}.pid; error_log stderr;`],
  );

/** Expects that clients can use the relay, and that the relay knows their address. */
const expectProxied = async (
  { child }: Awaited<ReturnType<typeof serve>>,
  port: number,
  web: number,
): Promise<void> => {
  const { text } = newRoom(port);
  expect((await runShared(['send', text, '-m', 'hello'])).code).toBe(0);
  expect((await runShared(['listen', text, '--after', '0', '-n', '1'])).out).toContain('hello');
  expect((await fetch(`http://127.0.0.1:${web}/`)).status).toBe(200);

  // Only a client that comes from another address shows that the relay does not see the proxy.
  const stranger = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.2' });
  stranger.on('error', () => undefined).write('no join\n');
  await child.err.until(({ lines }) =>
    lines.find((line) => line.includes('"msg":"rejected"') && line.includes('"peer":"127.0.0.2:')),
  );
  stranger.destroy();
  expect(child.err.text).not.toContain('no valid header');
};

testWithHaproxy('a relay behind HAProxy knows the addresses of its clients', async () => {
  const relay = await serve('--proxy-protocol');
  const [port, web] = [await freePort(), await freePort()];
  const file = configure('haproxy.cfg', {
    '127.0.0.1:55556': `127.0.0.1:${relay.port}`,
    '127.0.0.1:55580': `127.0.0.1:${relay.web}`,
    'bind :55555': `bind 127.0.0.1:${port}`,
    'bind :443': `bind 127.0.0.1:${web}`,
  });
  await startProxy(port, 'haproxy', '-db', '-f', file);
  await expectProxied(relay, port, web);
});

testWithNginx('a relay behind nginx with streams knows the addresses of its clients', async () => {
  const relay = await serve('--proxy-protocol');
  const [port, web] = [await freePort(), await freePort()];
  const file = configure('nginx-stream.conf', {
    '127.0.0.1:55556': `127.0.0.1:${relay.port}`,
    '127.0.0.1:55580': `127.0.0.1:${relay.web}`,
    'listen 55555': `listen 127.0.0.1:${port}`,
    'listen 443': `listen 127.0.0.1:${web}`,
  });
  await startNginx(file, port);
  await expectProxied(relay, port, web);
});

/** Starts a relay for a page of another origin, and resolves with its port and the files of a certificate for that origin. */
const servePage = async () => {
  const relay = await serve('--web-origin', PAGE_ORIGIN);
  const { key, cert } = await newCertificate();
  const [keyFile, certFile] = [join(tempDir(), 'chat.key'), join(tempDir(), 'chat.pem')];
  writeFileSync(keyFile, key);
  writeFileSync(certFile, cert);
  const files = { '/etc/ssl/chat.pem': certFile, '/etc/ssl/chat.key': keyFile };
  return { web: relay.web, files, port: await freePort() };
};

const PAGE_ORIGIN = 'https://chat.example.org';

/** Expects that the page of the origin can connect through a proxy, and no other page. */
const expectPage = async (port: number): Promise<void> => {
  const open = (from: string) =>
    new WebSocket('wss://chat.example.org/rxchat', {
      origin: from,
      createConnection: () =>
        connectWithTls({
          host: '127.0.0.1',
          port,
          servername: 'chat.example.org',
          rejectUnauthorized: false,
        }),
    });
  expect(String((await once(open(PAGE_ORIGIN), 'message'))[0])).toMatch(/^NICK rxchat\/1 /);
  const [, response] = (await once(open('https://evil.example'), 'unexpected-response')) as [
    unknown,
    { readonly statusCode: number },
  ];
  expect(response.statusCode).toBe(403);
};

testWithNginx('a page behind nginx with a certificate of its own can connect', async () => {
  const { web, files, port } = await servePage();
  const file = configure('nginx-http.conf', {
    ...files,
    '127.0.0.1:55580': `127.0.0.1:${web}`,
    'http {': 'http { access_log off;',
    'listen 443': `listen 127.0.0.1:${port}`,
  });
  await startNginx(file, port);
  await expectPage(port);
});

testWithCaddy('a page behind Caddy with a certificate of its own can connect', async () => {
  const { web, files, port } = await servePage();
  const file = configure('Caddyfile', {
    ...files,
    '127.0.0.1:55580': `127.0.0.1:${web}`,
    // No other port is used: neither its admin interface nor the one from which it redirects.
    'chat.example.org {': `{\nadmin off\nauto_https disable_redirects\n}\nchat.example.org:${port} {\nbind 127.0.0.1`,
  });
  await startProxy(port, 'caddy', 'run', '--adapter', 'caddyfile', '--config', file);
  await expectPage(port);
});

test.each([
  [['--trusted-proxies', '10.0.0.7'], '--trusted-proxies needs --proxy-protocol'],
  [['--proxy-protocol', '--trusted-proxies', 'proxy.example.org'], '--trusted-proxies needs IP addresses'],
])('serve %j prints one line', async (flags, line) => {
  const { code, err } = await runShared(['serve', '--port', '0', ...flags]);
  expect(code).toBe(2);
  expect(err).toContain(line);
});
