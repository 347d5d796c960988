import { afterEach, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { withProgram } from '../support/withProgram.js';
import { run, rxchat, tempDir } from './support/child.js';
import { cleanUp, onCleanup } from './support/cleanup.js';
import { connectRaw, fakeToken, joinRaw } from './support/rawClient.js';
import { newRoom } from './support/relay.js';

afterEach(cleanUp);

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };

const serve = async (...flags: readonly string[]) => {
  const child = rxchat(['serve', '--port', '0', '--metrics', '0', ...flags], {
    env: { RXCHAT_HOME: tempDir() },
  });
  const [, url = ''] = await child.out.until(({ text }) => /^metrics on (\S+)$/m.exec(text));
  const [, port] = /^listening on \S+:(\d+)$/m.exec(child.out.text) ?? [];
  const get = async (path: string) => (await fetch(new URL(path, url))).text();
  /** Resolves once a metric has a value. */
  const hasValue = async (name: string, value: number | string): Promise<void> => {
    while (!(await get('/metrics')).includes(`\n${name} ${value}\n`));
  };
  return { child, url: new URL(url), port: Number(port), get, hasValue };
};

test('serve --metrics shows members, messages, commits and refusals of a running relay', async () => {
  const { child, port, get, hasValue } = await serve();
  expect(await get('/healthz')).toBe('ok\n');
  expect(await get('/readyz')).toBe('ready\n');
  const room = newRoom(port);
  const alice = await joinRaw(room, 'alice');
  await hasValue('rxchat_members', 1);
  alice.writeLines(fakeToken(), fakeToken(), 'PING 0');
  await alice.output.until(({ lines }) => lines.some((line) => line.startsWith('PONG ')));
  const stranger = await connectRaw(port);
  stranger.writeLines('GET / HTTP/1.1');
  await hasValue('rxchat_refusals_total{code="bad-line"}', 1);
  await hasValue('rxchat_entries_received_total', 2);
  // Both messages and +alice.
  await hasValue('rxchat_entries_sent_total', 3);
  const text = await get('/metrics');
  for (const pattern of [
    /^rxchat_joins_total 1$/m,
    /^rxchat_sockets_accepted_total 2$/m,
    /^rxchat_commit_duration_seconds_count [1-9]/m,
    /^rxchat_received_bytes_total [1-9]\d\d/m,
    /^rxchat_sent_bytes_total [1-9]\d\d/m,
    /^rxchat_store_limit_bytes 1073741824$/m,
    /^rxchat_store_file_bytes [1-9]/m,
    /^rxchat_window_bytes [1-9]/m,
  ])
    expect(text).toMatch(pattern);
  expect(text).toContain(`\nrxchat_build_info{version="${version}"} 1\n`);
  expect(text).not.toMatch(/alice|127\.0\.0\.1/);
  child.signal('SIGTERM');
  expect(await child.exit).toBe(0);
});

withProgram(
  'RXCHAT_NEED_PROMTOOL',
  'promtool',
  '--version',
)('promtool accepts the metrics of a running relay', async () => {
  const { port, get, hasValue } = await serve();
  await joinRaw(newRoom(port), 'alice');
  await hasValue('rxchat_members', 1);
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    encoding: 'utf8',
    input: await get('/metrics'),
  });
  expect([status, stdout + stderr]).toStrictEqual([0, '']);
});

test('serve --metrics ends with one line if its port is in use', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  onCleanup(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as { readonly port: number };
  const ran = await run(['serve', '--port', '0', '--memory', '--metrics', String(port)]);
  expect([ran.code, ran.out]).toStrictEqual([3, '']);
  expect(ran.err).toMatch(
    new RegExp(
      `^rxchat: cannot listen on 127\\.0\\.0\\.1:${port}: .*\\n.*choose another port with --metrics\\n$`,
    ),
  );
});
