import { afterEach, expect } from '@jest/globals';
import { connect } from '@nats-io/transport-node';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NatsServer } from '../support/natsServer.js';
import { withNats } from '../support/withNats.js';
import { tempDir } from './support/child.js';
import { cleanUp, onCleanup } from './support/cleanup.js';
import { entriesOf, fakeToken, joinRaw } from './support/rawClient.js';
import { newRoom, type Relay, type Room, startRelayWithoutProxy } from './support/relay.js';
import { startStore, storeFlags } from './support/sharedStore.js';

const test = withNats('the cache of a shared store is not tested');
afterEach(cleanUp);

const MESSAGES = 80;
/** Longer than all messages that a relay has in memory after its start. */
const TOKEN_BYTES = 10_000;

const stop = async ({ child }: Relay): Promise<void> => {
  child.signal('SIGTERM');
  await child.exit;
};

/** Fills a room with one batch for each message, and returns its entries. */
const fill = async (room: Room): Promise<readonly string[]> => {
  const alice = await joinRaw(room, 'alice');
  for (let count = 0; count < MESSAGES; count += 1) {
    const token = fakeToken(TOKEN_BYTES);
    alice.writeLines(token);
    await alice.output.until(() => entriesOf(alice).includes(token));
  }
  const entries = entriesOf(alice);
  alice.writeLines('BYE');
  await alice.closed;
  return entries;
};

/** Returns a function that returns how many bytes the engine has answered since its last call. */
const countAnswers = async ({ address }: NatsServer): Promise<() => Promise<number>> => {
  const connection = await connect({ servers: address });
  onCleanup(() => connection.close());
  let bytes = 0;
  connection.subscribe('_INBOX.>', {
    callback: (_, { data }) => {
      bytes += data.length;
    },
  });
  await connection.flush();
  return async () => {
    await connection.flush();
    const total = bytes;
    bytes = 0;
    return total;
  };
};

/** Joins a room with all of its past, and expects that it begins with these entries. */
const expectPast = async (room: Room, nick: string, entries: readonly string[]): Promise<void> => {
  const member = await joinRaw(room, nick, { after: { log: '*', n: 0 } });
  await member.output.until(() => entriesOf(member).length >= entries.length);
  expect(entriesOf(member).slice(0, entries.length)).toStrictEqual(entries);
};

test.each([
  { what: 'plain', isSealed: false },
  { what: 'sealed', isSealed: true },
])(
  'after a restart, a relay reads the past of a room from its cache: $what records',
  async ({ isSealed }) => {
    const store = await startStore();
    const data = join(tempDir(), 'relay');
    const key = join(tempDir(), 'key');
    writeFileSync(key, randomBytes(32).toString('base64url'), { mode: 0o600 });
    const flags = [
      ...storeFlags(store),
      '--data',
      data,
      '--window',
      '256KiB',
      ...(isSealed ? ['--store-key-file', key] : []),
    ];
    const first = await startRelayWithoutProxy(...flags);
    const room = newRoom(first.port);
    const entries = await fill(room);
    await stop(first);

    const answered = await countAnswers(store);
    const second = await startRelayWithoutProxy(...flags);
    await expectPast({ ...room, port: second.port }, 'bob', entries);
    const withCache = await answered();
    expect(withCache).toBeGreaterThan(TOKEN_BYTES);
    expect(withCache).toBeLessThan((MESSAGES * TOKEN_BYTES) / 2);
    await stop(second);

    const files = readdirSync(join(data, 'store-cache', '1'));
    expect(files).toContain('rooms.mdb');
    const cached = readFileSync(join(data, 'store-cache', '1', 'rooms.mdb')).includes(entries[5] ?? '');
    expect(cached).toBe(!isSealed);

    // It can be deleted, and is made again.
    rmSync(join(data, 'store-cache'), { recursive: true });
    await answered();
    const third = await startRelayWithoutProxy(...flags);
    await expectPast({ ...room, port: third.port }, 'carol', entries);
    expect(await answered()).toBeGreaterThan(MESSAGES * TOKEN_BYTES);
    await stop(third);

    rmSync(join(data, 'store-cache'), { recursive: true });
    const without = await startRelayWithoutProxy(...flags, '--store-cache', '0');
    await expectPast({ ...room, port: without.port }, 'dave', entries);
    expect(existsSync(join(data, 'store-cache'))).toBe(false);
  },
);

test('a damaged cache is dropped with one line in the log, and the past is complete', async () => {
  const store = await startStore();
  const data = join(tempDir(), 'relay');
  const flags = [...storeFlags(store), '--data', data, '--window', '256KiB'];
  const first = await startRelayWithoutProxy(...flags);
  const room = newRoom(first.port);
  const entries = await fill(room);
  await stop(first);

  truncateSync(join(data, 'store-cache', '1', 'rooms.mdb'), 100_000);
  const second = await startRelayWithoutProxy(...flags);
  await expectPast({ ...room, port: second.port }, 'bob', entries);
  const about = second.child.err.lines.filter((line) => line.includes('cache'));
  expect(about).toHaveLength(1);
  expect(about[0]).toContain('the cache of the store was damaged and is empty now');
});

test('the cache does not show what the engine has lost, where relays have written other records since', async () => {
  const store = await startStore();
  const data = join(tempDir(), 'relay');
  const flags = [...storeFlags(store), '--data', data, '--window', '256KiB'];
  const first = await startRelayWithoutProxy(...flags);
  const room = newRoom(first.port);
  const before = await fill(room);
  await stop(first);

  // The same addresses come to mean other records.
  const admin = await connect({ servers: store.address });
  onCleanup(() => admin.close());
  for (const stream of ['RX0', 'RX1', 'RXRESERVATIONS'])
    await admin.request(`$JS.API.STREAM.DELETE.${stream}`, '', { timeout: 60_000 });
  const other = await startRelayWithoutProxy(...flags, '--store-cache', '0');
  const entries = await fill({ ...room, port: other.port });
  await stop(other);
  expect(entries).not.toStrictEqual(before);

  const second = await startRelayWithoutProxy(...flags);
  await expectPast({ ...room, port: second.port }, 'bob', entries);
});
