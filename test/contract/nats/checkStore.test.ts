import { afterEach, describe, expect } from '@jest/globals';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { defer, firstValueFrom, lastValueFrom, map, ReplaySubject, retry, toArray } from 'rxjs';
import { checkStore } from '../../../src/nats/checkStore.js';
import { natsLedger, type NatsLedgerOptions } from '../../../src/nats/natsLedger.js';
import { sealedLedger, storeKeyId } from '../../../src/nats/sealedLedger.js';
import { formatBatch } from '../../../streams/relay/cluster/batch.js';
import type { Ledger } from '../../../streams/relay/cluster/ledger.js';
import { reservePositions } from '../../../streams/relay/cluster/reservation.js';
import { type NatsServer, startNatsCluster, startNatsServer } from '../../support/natsServer.js';
import { roomBatch } from '../../support/roomBatches.js';
import { withNats, withNatsCluster } from '../../support/withNats.js';

const test = withNats('the check of a store is not tested');
const testCluster = withNatsCluster('the comparison of the servers of a store is not tested');

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

const startServers = async (start: () => Promise<readonly NatsServer[]>): Promise<readonly NatsServer[]> => {
  const servers = await start();
  cleanups.push(() => Promise.all(servers.map((server) => server.dispose())));
  return servers;
};

const addressesOf = (servers: readonly NatsServer[]) => servers.map(({ address }) => address);

const openLedger = async (
  servers: readonly NatsServer[],
  { key, ...more }: Partial<NatsLedgerOptions> & { readonly key?: Uint8Array } = {},
): Promise<Ledger> => {
  const opened = new ReplaySubject<Ledger>(1);
  const options: NatsLedgerOptions = {
    servers: addressesOf(servers),
    shards: 2,
    replicas: servers.length,
    maxAgeMs: 3_600_000,
    durability: 'os',
    timeoutMs: 120_000,
    ...(key !== undefined && { keyId: storeKeyId(key) }),
    ...more,
  };
  const subscription = natsLedger(options)
    .pipe(map((ledger) => (key === undefined ? ledger : sealedLedger(ledger, key))))
    .subscribe(opened);
  cleanups.push(() => {
    subscription.unsubscribe();
  });
  return firstValueFrom(opened);
};

const reserve = async (ledger: Ledger, room: string, end: number) => {
  const { log, generation } = roomBatch();
  const reservation = { log, generation, end };
  const reserve$ = defer(() => reservePositions(ledger.reservations, room, reservation));
  await lastValueFrom(reserve$.pipe(retry({ count: 20, delay: 500 })));
};

/** Appends the batches of a room, with one line each, and its reservation. Returns their addresses. */
const writeRoom = async (ledger: Ledger, room: string, lines: readonly string[]): Promise<number[]> => {
  const addresses: number[] = [];
  for (const [index, line] of lines.entries()) {
    const previous = addresses.at(-1) ?? 0;
    const batch = formatBatch(roomBatch([line], { previous, first: index + 1 }));
    // While a cluster elects a leader, nobody answers.
    const append$ = defer(() => ledger.append(room, batch, previous));
    addresses.push(await lastValueFrom(append$.pipe(retry({ count: 20, delay: 500 }))));
  }
  await reserve(ledger, room, lines.length + 1);
  return addresses;
};

/** Changes a byte of a record that contains a text, in the files of a server that is down. */
const damage = ({ storeDir: dir }: NatsServer, text: string): void => {
  const files = readdirSync(dir, { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => name.includes('/streams/RX') && name.endsWith('.blk'))) {
    const bytes = readFileSync(join(dir, file));
    const at = bytes.indexOf(text);
    if (at < 0) continue;
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    writeFileSync(join(dir, file), bytes);
    return;
  }
  throw new Error(`no stored record contains ${text}`);
};

/** Returns the only reservation of a store as the server has it. */
const storedReservation = async (connection: NatsConnection): Promise<{ readonly subject: string }> => {
  const answer = await connection.request(
    '$JS.API.STREAM.MSG.GET.RXRESERVATIONS',
    JSON.stringify({ last_by_subj: 'rxreservation.*' }),
  );
  return answer.json<{ readonly message: { readonly subject: string } }>().message;
};

/** Returns what the check finds in rooms, and about the servers. */
const check = async (servers: readonly NatsServer[], key?: Uint8Array) => {
  const findings = await lastValueFrom(
    checkStore({ servers: addressesOf(servers), key, timeoutMs: 60_000 }).pipe(toArray()),
  );
  return {
    rooms: findings.flatMap((each) => (each.type === 'room' ? [each] : [])),
    streams: findings.flatMap((each) => (each.type === 'stream' ? [each] : [])),
    reservations: findings.find(({ type }) => type === 'reservations'),
    missing: findings.flatMap((each) => (each.type === 'missing-stream' ? [each.stream] : [])),
  };
};

const startOne = async (isNewer: boolean) => startServers(async () => [await startNatsServer({ isNewer })]);

describe.each([
  ['an installed nats-server', false, test],
  ['a newer nats-server', true, testCluster],
] as const)('checkStore at %s', (_, isNewer, testIt) => {
  testIt('counts what rooms have, sealed or not', async () => {
    for (const key of [undefined, new Uint8Array(32).fill(7)]) {
      const servers = await startOne(isNewer);
      const ledger = await openLedger(servers, key && { key });
      await writeRoom(ledger, 'one', ['a', 'b', 'c']);
      await writeRoom(ledger, 'two', ['d']);
      const { rooms, missing } = await check(servers, key);
      expect(missing).toStrictEqual([]);
      expect(rooms.map(({ entries }) => entries).sort()).toStrictEqual([1, 3]);
      for (const room of rooms) expect(room).toMatchObject({ faults: [], differences: [], voidBatches: 0 });
    }
  });

  testIt('finds a record that is missing, and a stream', async () => {
    const servers = await startOne(isNewer);
    const ledger = await openLedger(servers);
    const [, second] = await writeRoom(ledger, 'one', ['a', 'b', 'c', 'd']);
    const connection = await connect({ servers: addressesOf(servers) });
    for (const stream of ['RX0', 'RX1'])
      await connection.request(`$JS.API.STREAM.MSG.DELETE.${stream}`, JSON.stringify({ seq: second }));
    const { rooms } = await check(servers);
    expect(rooms).toMatchObject([
      { room: 'one', entries: 3, faults: [{ type: 'missing', count: 1, from: 2, to: 2 }] },
    ]);
    await connection.request('$JS.API.STREAM.DELETE.RX1', '');
    expect((await check(servers)).missing).toStrictEqual(['RX1']);
    await connection.close();
  });

  testIt('finds reservations that are missing, damaged or too small', async () => {
    for (const key of [undefined, new Uint8Array(32).fill(7)]) {
      const servers = await startOne(isNewer);
      const ledger = await openLedger(servers, key && { key });
      await writeRoom(ledger, 'one', ['a', 'b']);
      const intact = { type: 'reservations', stream: 'RXRESERVATIONS', unreadable: 0, differences: [] };
      expect(await check(servers, key)).toMatchObject({ rooms: [{ faults: [] }], reservations: intact });
      const connection = await connect({ servers: addressesOf(servers) });
      const { subject } = await storedReservation(connection);
      await connection.request(subject, 'damaged');
      expect(await check(servers, key)).toMatchObject({
        rooms: [{ faults: [{ type: 'reservation', count: 1 }] }],
        reservations: { ...intact, unreadable: 1 },
      });
      await connection.request('$JS.API.STREAM.DELETE.RXRESERVATIONS', '');
      await connection.close();
      expect(await check(servers, key)).toMatchObject({
        rooms: [{ faults: [] }],
        reservations: undefined,
        missing: ['RXRESERVATIONS'],
      });
    }
  });
});

test('checkStore reads many records, page by page', async () => {
  const servers = await startOne(false);
  const ledger = await openLedger(servers, { shards: 1 });
  await writeRoom(
    ledger,
    'one',
    Array.from({ length: 1100 }, (_, n) => `line ${n}`),
  );
  const { rooms } = await check(servers);
  expect(rooms).toMatchObject([{ entries: 1100, batches: 1100, faults: [] }]);
});

test('checkStore errors with unsuitable if there is no store, or another key', async () => {
  const servers = await startOne(false);
  await expect(check(servers)).rejects.toMatchObject({
    code: 'unsuitable',
    message: 'the servers have no store of relays',
  });
  await openLedger(servers);
  await expect(check(servers, new Uint8Array(32))).rejects.toMatchObject({
    code: 'unsuitable',
    message: 'the store cannot be read: its records are not encrypted',
  });
});

testCluster('checkStore finds a damaged record of one server, and one that is down', async () => {
  const servers = await startServers(startNatsCluster);
  const ledger = await openLedger(servers);
  const lines = Array.from({ length: 20 }, (_, n) => `line-${n}-`);
  await writeRoom(ledger, 'one', lines);
  await writeRoom(ledger, 'two', lines);
  const [damaged] = servers;
  if (damaged === undefined) throw new Error('no server');

  /** Checks until all servers but these are compared. */
  const checkWithout = async (...down: readonly string[]): Promise<Awaited<ReturnType<typeof check>>> => {
    const found = await check(servers);
    const isDone = found.streams.every(({ uncompared }) => uncompared.join() === down.join());
    return isDone ? found : checkWithout(...down);
  };

  // After a kill it would verify its files, and copy what is damaged.
  await damaged.kill('SIGTERM');
  const without = await checkWithout('n0');
  expect(without.rooms).toMatchObject([{ differences: [] }, { differences: [] }]);

  damage(damaged, 'line-7-');
  await damaged.start();
  const { rooms } = await checkWithout();
  expect(rooms.flatMap(({ differences }) => differences)).toMatchObject([{ server: 'n0', records: 1 }]);
  for (const room of rooms) expect(room).toMatchObject({ entries: 20, faults: [] });

  await damaged.kill();
  damaged.wipe();
  await damaged.start();
  expect((await checkWithout()).rooms.flatMap(({ differences }) => differences)).toStrictEqual([]);
});
