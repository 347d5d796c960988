import { afterAll } from '@jest/globals';
import { connect } from '@nats-io/transport-node';
import { defer, firstValueFrom, lastValueFrom, map, ReplaySubject, retry } from 'rxjs';
import { natsLedger } from '../../../src/nats/natsLedger.js';
import { sealedLedger } from '../../../src/nats/sealedLedger.js';
import type { Ledger } from '../../../streams/relay/cluster/ledger.js';
import { describeLedger, type LedgerKind } from '../../support/ledgerContract.js';
import { type NatsServer, startNatsCluster, startNatsServer } from '../../support/natsServer.js';
import { withNats, withNatsCluster } from '../../support/withNats.js';

interface NatsKind extends Pick<LedgerKind, 'name' | 'test'> {
  /** Returns servers without streams. */
  readonly startServers: () => Promise<readonly NatsServer[]>;
  /** Whether the servers outlive a test. */
  readonly isShared?: boolean;
  readonly replicas?: number;
  readonly seal?: (ledger: Ledger) => Ledger;
}

const natsKind = ({
  startServers,
  isShared = false,
  replicas = 1,
  seal = (ledger) => ledger,
  ...kind
}: NatsKind): LedgerKind => ({
  ...kind,
  acceptsOneAppend: true,
  start: async () => {
    const servers = await startServers();
    const stops = new Set<() => void>();
    const options = {
      servers: servers.map(({ address }) => address),
      replicas,
      shards: 2,
      maxAgeMs: 3_600_000,
      durability: 'os',
      timeoutMs: 120_000,
    } as const;
    return {
      connect: async () => {
        const opened = new ReplaySubject<Ledger>(1);
        const subscription = natsLedger(options).pipe(map(seal)).subscribe(opened);
        const stop = () => {
          subscription.unsubscribe();
        };
        stops.add(stop);
        return { ledger: await firstValueFrom(opened), stop };
      },
      interrupt: async () => {
        await Promise.all(servers.map((server) => server.kill()));
        await Promise.all(servers.map((server) => server.start()));
      },
      dispose: async () => {
        for (const stop of stops) stop();
        if (!isShared) for (const server of servers) await server.dispose();
      },
    };
  },
});

let cluster: Promise<readonly NatsServer[]> | undefined;
afterAll(async () => {
  for (const server of (await cluster) ?? []) await server.dispose();
});

/** Starts a cluster at the first call, because it takes seconds, and removes the streams of the test before. */
const sharedCluster = async (): Promise<readonly NatsServer[]> => {
  const isFirst = cluster === undefined;
  const servers = await (cluster ??= startNatsCluster());
  if (isFirst) return servers;
  const connection = await connect({ servers: servers.map(({ address }) => address) });
  for (const stream of ['RX0', 'RX1', 'RXRESERVATIONS'])
    // While the servers elect a leader, none of them answers.
    await lastValueFrom(
      defer(() => connection.request(`$JS.API.STREAM.DELETE.${stream}`, '', { timeout: 2000 })).pipe(
        retry(30),
      ),
    );
  await connection.close();
  return servers;
};

const startOne = async (isNewer = false) => [await startNatsServer({ isNewer })];
const key = new Uint8Array(32).fill(7);

const kinds: readonly NatsKind[] = [
  { name: 'one nats-server', startServers: () => startOne(), test: withNats('the ledger is not tested') },
  {
    name: 'one nats-server, sealed',
    startServers: () => startOne(),
    seal: (ledger) => sealedLedger(ledger, key),
    test: withNats('the sealed ledger is not tested'),
  },
  {
    name: 'one newer nats-server',
    startServers: () => startOne(true),
    test: withNatsCluster('batched reads are not tested'),
  },
  {
    name: 'a cluster of nats-servers',
    startServers: sharedCluster,
    isShared: true,
    replicas: 3,
    test: withNatsCluster('the ledger in a cluster is not tested'),
  },
];

for (const kind of kinds) describeLedger(natsKind(kind));
