import { afterEach, expect } from '@jest/globals';
import { connect } from '@nats-io/transport-node';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { RELAY_PASSWORD, startShippedCluster } from '../support/natsServer.js';
import { withNats, withNatsCluster } from '../support/withNats.js';
import { rxchat, run, tempDir } from './support/child.js';
import { cleanUp, onCleanup } from './support/cleanup.js';
import { entriesOf, fakeToken, joinRaw } from './support/rawClient.js';
import { newRoom, startRelayWithoutProxy } from './support/relay.js';
import { startStore, storeFlags } from './support/sharedStore.js';

const test = withNats('the store that relays share is not tested');
const testCluster = withNatsCluster('docs/cluster/three.conf is not tested');
afterEach(cleanUp);

/** A server as docs/cluster describes it. */
const ONE = { shipped: { file: 'one.conf' } } as const;

const fileWith = (text: string): string => {
  const file = join(tempDir(), 'file');
  writeFileSync(file, text, { mode: 0o600 });
  return file;
};

const openConnection = async (servers: string, user: string) => {
  const connection = await connect({ servers, user, pass: `${user}-password` });
  onCleanup(() => connection.close());
  return connection;
};

/** Starts two relays, and expects that members at both receive a message. */
const expectSharedRoom = async (flags: readonly string[]): Promise<void> => {
  const [relay, other] = await Promise.all([
    startRelayWithoutProxy(...flags),
    startRelayWithoutProxy(...flags),
  ]);
  const room = newRoom(relay.port);
  const alice = await joinRaw(room, 'alice');
  const bob = await joinRaw({ ...room, port: other.port }, 'bob');
  const token = fakeToken();
  alice.writeLines(token);
  for (const member of [alice, bob]) await member.output.until(() => entriesOf(member).includes(token));
};

test('the user of the relays in docs/cluster is enough for a relay, and can neither purge nor delete', async () => {
  const store = await startStore(ONE);
  const flags = [...storeFlags(store), '--store-creds', fileWith('relay:relay-password\n')];
  await expectSharedRoom(flags);

  const connection = await openConnection(store.address, 'relay');
  for (const action of ['PURGE', 'DELETE', 'MSG.DELETE', 'UPDATE'])
    await expect(connection.request(`$JS.API.STREAM.${action}.RX0`, '', { timeout: 60_000 })).rejects.toThrow(
      /Permissions Violation/,
    );
});

testCluster(
  'relays share a room over the three servers of docs/cluster, and check compares these',
  async () => {
    const servers = await startShippedCluster();
    onCleanup(() => Promise.all(servers.map((server) => server.dispose())));
    const store = [
      '--store',
      `nats://${servers.map(({ address }) => address).join(',')}`,
      '--store-creds',
      fileWith(`relay:${RELAY_PASSWORD}\n`),
      '--store-timeout',
      '5m',
    ];
    const flags = [...store, '--store-replicas', '3', '--store-streams', '2', '--durability', 'disk'];
    await expectSharedRoom(flags);
    const { code, out } = await run(['check', ...store]);
    expect(out).toMatch(/ is intact: 1 room, \d entries, \d+ bytes, the same on a, b, c\n$/);
    expect(code).toBe(0);
  },
);

test('with a key, the store sees neither rooms nor nicks nor tokens', async () => {
  const store = await startStore(ONE);
  const key = fileWith(randomBytes(32).toString('base64url'));
  const flags = [...storeFlags(store), '--store-creds', fileWith('relay:relay-password\n')];
  const relay = await startRelayWithoutProxy(...flags, '--store-key-file', key);
  const admin = await openConnection(store.address, 'admin');
  const seen: string[] = [];
  admin.subscribe('>', {
    callback: (_, { subject, data }) => {
      seen.push(subject, Buffer.from(data).toString('latin1'));
    },
  });
  await admin.flush();
  const alice = await joinRaw(newRoom(relay.port), 'alice');
  const token = fakeToken();
  alice.writeLines(token);
  await alice.output.until(() => entriesOf(alice).includes(token));
  await admin.flush();
  const { room } = /room=(?<room>[\w-]{43})/.exec(relay.child.err.text)?.groups ?? {};
  expect(seen.some((each) => /^rx\.\d\.[\w-]{43}$/.test(each))).toBe(true);
  for (const secret of ['alice', token, ...(room === undefined ? [] : [room])])
    expect(seen.filter((each) => each.includes(secret))).toStrictEqual([]);

  const wrongKey = fileWith(randomBytes(32).toString('base64url'));
  const wrong = await run(['serve', '--port', '0', ...flags, '--store-key-file', wrongKey]);
  expect(wrong.code).toBe(2);
  expect(wrong.err).toMatch(
    /^rxchat: the store has other settings than this relay: --store-key-file has another key\n/,
  );
});

test('check reads the store while a relay runs, and exits with 1 if a record is missing', async () => {
  const store = await startStore(ONE);
  const creds = ['--store-creds', fileWith('relay:relay-password\n')];
  const relay = await startRelayWithoutProxy(...storeFlags(store), ...creds);
  const alice = await joinRaw(newRoom(relay.port), 'alice');
  for (let count = 1; count <= 3; count += 1) {
    const token = fakeToken();
    alice.writeLines(token);
    await alice.output.until(() => entriesOf(alice).includes(token));
  }
  const check = (...flags: readonly string[]) =>
    run(['check', '--store', `nats://${store.address}`, ...creds, ...flags]);
  const intact = await check();
  expect(intact).toMatchObject({ code: 0, err: '' });
  expect(intact.out).toMatch(
    new RegExp(`^the store at ${store.address} is intact: 1 room, \\d entries, \\d+ bytes\\n$`),
  );

  const admin = await openConnection(store.address, 'admin');
  for (const stream of ['RX0', 'RX1'])
    await admin.request(`$JS.API.STREAM.MSG.DELETE.${stream}`, JSON.stringify({ seq: 2 }));
  const damaged = await check('--json');
  expect(damaged.code).toBe(1);
  const [room, result, ...rest] = damaged.out
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  expect(room).toMatchObject({ v: 1, type: 'room', faults: [{ type: 'missing', count: 1 }] });
  expect(result).toMatchObject({ v: 1, type: 'result', intact: false, rooms: 1, damagedRooms: 1 });
  expect(rest).toStrictEqual([]);

  const denied = await run(['check', '--store', `nats://${store.address}`]);
  expect(denied).toMatchObject({ code: 2, out: '' });
  expect(await run(['check', '--store-ca', 'ca.pem'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('--store-ca needs --store'),
  });
});

test('serve says that no store answers and that it waits, then exits with 3', async () => {
  const store = await startStore();
  await store.kill();
  const { code, err } = await run(['serve', '--port', '0', ...storeFlags(store), '--store-timeout', '1s']);
  const reason = `rxchat: no NATS server at ${store.address} answers: connection refused`;
  expect(err).toBe(`${reason}; trying for 1 s\n${reason}\n`);
  expect(code).toBe(3);
});

test('a signal ends the wait for a store', async () => {
  // Accepts connections, and never answers.
  const silent = createServer().listen(0, '127.0.0.1');
  onCleanup(() => silent.close());
  await once(silent, 'listening');
  const connection = once(silent, 'connection') as Promise<[Socket]>;
  const { port } = silent.address() as AddressInfo;
  const child = rxchat(['serve', '--port', '0', '--store', `nats://127.0.0.1:${port}`]);
  const [socket] = await connection;
  onCleanup(() => socket.destroy());
  child.signal('SIGTERM');
  expect(await child.exit).toBe(0);
});

test('serve exits with 2 for wrong credentials, without repeating them', async () => {
  const store = await startStore(ONE);
  const flags = [...storeFlags(store), '--store-creds', fileWith('relay:wrong-password\n')];
  const { code, err } = await run(['serve', '--port', '0', ...flags]);
  expect([code, err]).toStrictEqual([
    2,
    `rxchat: the NATS server at ${store.address} rejected the credentials\n` +
      'rxchat: hint: compare --store-creds with the users of the server\n',
  ]);
});

test('serve with TLS and no --cert says that the other relays need its key', async () => {
  const { code, err } = await run([
    'serve',
    '--port',
    '0',
    '--tls',
    '--store',
    'nats://127.0.0.1:1',
    '--store-timeout',
    '1s',
  ]);
  expect(code).toBe(3);
  expect(err).toMatch(
    /^rxchat: this relay has a key of its own: invites with its pin fail at the other relays of the store; give all of them the same --cert and --key, or a copy of \/.+\/tls\.pem$/m,
  );
});

test('serve logs that the store is lost and back, and is not ready between', async () => {
  const store = await startStore();
  const relay = rxchat(['serve', '--port', '0', '--metrics', '0', ...storeFlags(store)]);
  const [, url = ''] = await relay.out.until(({ text }) => /^metrics on (\S+)$/m.exec(text));
  const [, port] = /^listening on \S+:(\d+)$/m.exec(relay.out.text) ?? [];
  const get = async (path: string) => (await fetch(new URL(path, url))).text();
  const alice = await joinRaw(newRoom(Number(port)), 'alice');
  const storeToken = async () => {
    const token = fakeToken();
    alice.writeLines(token);
    await alice.output.until(() => entriesOf(alice).includes(token));
  };
  await storeToken();
  expect(await get('/readyz')).toBe('ready\n');
  expect(await get('/metrics')).toMatch(/^rxchat_commit_duration_seconds_count [1-9]/m);
  await store.kill();
  await relay.err.until(({ text }) => text.includes('"the connection to the store was lost: members wait"'));
  expect(await get('/readyz')).toBe('the relay has lost the connection to the store\n');
  await store.start();
  await storeToken();
  await relay.err.until(({ text }) => text.includes('"the store is back"'));
  expect(await get('/readyz')).toBe('ready\n');
});
