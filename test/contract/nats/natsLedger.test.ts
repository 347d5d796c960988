import { afterEach, expect } from '@jest/globals';
import { filter, firstValueFrom, type Observable, ReplaySubject, Subscription, take, toArray } from 'rxjs';
import { natsLedger, type NatsLedgerOptions } from '../../../src/nats/natsLedger.js';
import { AppendConflictError, type Ledger } from '../../../streams/relay/cluster/ledger.js';
import { type NatsServer, type NatsServerOptions, startNatsServer } from '../../support/natsServer.js';
import { withNats } from '../../support/withNats.js';
import { bytes } from '../../support/wire.js';

const test = withNats('the ledger in NATS is not tested');

const servers: NatsServer[] = [];
const open = new Set<Subscription>();
afterEach(async () => {
  for (const each of open) each.unsubscribe();
  open.clear();
  for (const server of servers.splice(0)) await server.dispose();
});

const startServer = async (options?: NatsServerOptions): Promise<NatsServer> => {
  const server = await startNatsServer(options);
  servers.push(server);
  return server;
};

const optionsFor = ({ address }: Pick<NatsServer, 'address'>): NatsLedgerOptions => ({
  servers: [address],
  shards: 2,
  replicas: 1,
  maxAgeMs: 60_000,
  durability: 'os',
  timeoutMs: 60_000,
});

/** Opens a ledger until the end of the test, or until `close`. */
const openLedger = async (
  options: NatsLedgerOptions,
): Promise<{ readonly ledger: Ledger; readonly close: () => void }> => {
  const opened = new ReplaySubject<Ledger>(1);
  const subscription = natsLedger(options).subscribe(opened);
  open.add(subscription);
  return {
    ledger: await firstValueFrom(opened),
    close: () => {
      subscription.unsubscribe();
    },
  };
};

/** Collects what is emitted from now on. `next` resolves with the next value that passes. */
const record = <T>(source$: Observable<T>) => {
  const values = new ReplaySubject<T>(1000);
  open.add(source$.subscribe(values));
  return {
    first: (passes: (value: T) => boolean) => firstValueFrom(values.pipe(filter(passes))),
    take: (count: number) => firstValueFrom(values.pipe(take(count), toArray())),
  };
};

const append = (ledger: Ledger, room: string, line: string, expectedLast: number) =>
  firstValueFrom(ledger.append(room, bytes(line), expectedLast));

test('natsLedger reports missed, and appends and follows again, after the server was restarted', async () => {
  const server = await startServer();
  const { ledger } = await openLedger(optionsFor(server));
  const event = record(ledger.follow('room'));
  const first = await append(ledger, 'room', 'one', 0);
  await server.kill();
  const second = append(ledger, 'room', 'two', first);
  await server.start();
  await event.first((each) => each === 'missed');
  // Nobody knows whether the first attempt was stored before the server ended.
  await second.catch(() => append(ledger, 'room', 'two', first)).catch(() => undefined);
  const address = (await firstValueFrom(ledger.last('room')))?.address;
  const found = await event.first((each) => each !== 'missed' && each.address === address);
  expect(found).toMatchObject({ previous: first, bytes: bytes('two') });
});

test('natsLedger creates its streams again when the server has lost everything', async () => {
  const server = await startServer();
  const { ledger } = await openLedger(optionsFor(server));
  await append(ledger, 'room', 'one', 0);
  await server.kill();
  server.wipe();
  await server.start();
  const appendAgain = (): Promise<unknown> =>
    append(ledger, 'room', 'one', 0).catch((error: unknown) =>
      error instanceof AppendConflictError ? undefined : appendAgain(),
    );
  await appendAgain();
  expect(await firstValueFrom(ledger.last('room'))).toMatchObject({ address: 1, bytes: bytes('one') });
});

test('natsLedger keeps reservations when records have expired, and appends to an empty room again', async () => {
  const { ledger } = await openLedger({ ...optionsFor(await startServer()), maxAgeMs: 1000 });
  const reserved = await firstValueFrom(ledger.reservations.append('room', bytes('1'), 0));
  await append(ledger, 'room', 'one', 0);
  while ((await firstValueFrom(ledger.last('room', { isFresh: true }))) !== undefined);
  expect(await append(ledger, 'room', 'two', 0)).toBe(2);
  expect(await firstValueFrom(ledger.reservations.append('room', bytes('2'), reserved))).toBe(2);
  expect(await firstValueFrom(ledger.reservations.last('room'))).toMatchObject({ bytes: bytes('2') });
});

test('natsLedger errors with timeout while the server is stopped, and works when it goes on', async () => {
  const server = await startServer();
  const { ledger } = await openLedger(optionsFor(server));
  await server.pause();
  await expect(append(ledger, 'room', 'one', 0)).rejects.toMatchObject({ code: 'timeout' });
  server.resume();
  // The stopped server reads the first append when it goes on.
  expect(await firstValueFrom(ledger.read('room', 1))).toMatchObject({ address: 1, bytes: bytes('one') });
});

test('natsLedger reports a relay that stops, and one that starts', async () => {
  const options = optionsFor(await startServer());
  const { ledger } = await openLedger(options);
  const presence = record(ledger.presence$);
  const other = await openLedger(options);
  const { relayId } = other.ledger;
  await presence.first((each) => each.type === 'alive' && each.relayId === relayId);
  expect(ledger.isAlive(relayId)).toBe(true);
  other.close();
  await presence.first((each) => each.type === 'gone' && each.relayId === relayId);
  expect(await presence.take(2)).toStrictEqual([
    { relayId, type: 'alive' },
    { relayId, type: 'gone' },
  ]);
});

test('natsLedger releases the subscriptions of a room', async () => {
  const server = await startServer({ config: 'http: "127.0.0.1:-1"' });
  const { ledger } = await openLedger(optionsFor(server));
  const monitor = /Starting http monitor on (127\.0\.0\.1:\d+)/.exec(server.log())?.[1];
  const subjects = async (): Promise<readonly string[]> => {
    // The answer to a request shows that the server has read what was sent before.
    await firstValueFrom(ledger.last('room'));
    const response = await fetch(`http://${monitor}/connz?subs=1`);
    const { connections } = (await response.json()) as {
      connections: readonly { readonly subscriptions_list: readonly string[] }[];
    };
    return connections
      .flatMap((each) => each.subscriptions_list)
      .filter((subject) => !subject.startsWith('_INBOX'));
  };
  const before = await subjects();
  const following = new Subscription();
  for (const room of ['one', 'two', 'two']) following.add(ledger.follow(room).subscribe());
  const during = await subjects();
  expect(during).toHaveLength(before.length + 4);
  following.unsubscribe();
  expect((await subjects()).filter((subject) => subject.startsWith('rxlive.'))).toStrictEqual([]);
});

test.each([
  [{ replicas: 1, shards: 3 }, '--store-streams is 2 there, not 3'],
  [{ maxAgeMs: 5000 }, '--keep is 60s there, not 5s'],
  [{ keyId: 'abc' }, 'its records are not encrypted'],
])('natsLedger errors if a stream exists with other settings: %j', async (other, difference) => {
  const options = optionsFor(await startServer());
  await openLedger(options);
  await openLedger(options);
  await expect(openLedger({ ...options, ...other })).rejects.toMatchObject({
    code: 'unsuitable',
    message: `the store has other settings than this relay: ${difference}`,
  });
});

test('natsLedger errors with denied for wrong credentials, without the password', async () => {
  const server = await startServer({ config: 'authorization { user: relay, password: right }' });
  const options = optionsFor(server);
  const wrong = openLedger({ ...options, credentials: { user: 'relay', password: 'wrong' } });
  await expect(wrong).rejects.toMatchObject({
    code: 'denied',
    message: `the NATS server at ${server.address} rejected the credentials`,
    hint: 'compare --store-creds with the users of the server',
  });
  await expect(openLedger(options)).rejects.toMatchObject({
    code: 'denied',
    hint: 'give those of a user of the server: --store-creds FILE',
  });
  await openLedger({ ...options, credentials: { user: 'relay', password: 'right' } });
});

test('natsLedger errors with unsuitable if the server has no JetStream', async () => {
  const options = optionsFor(await startServer({ hasJetStream: false }));
  await expect(openLedger(options)).rejects.toMatchObject({ code: 'unsuitable' });
});

test('natsLedger waits for a server that is still starting, and errors with unreachable after its time', async () => {
  const server = await startServer();
  await server.kill();
  await expect(openLedger({ ...optionsFor(server), timeoutMs: 1200 })).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringMatching(`^no NATS server at ${server.address} answers`),
  });
  const opening = openLedger(optionsFor(server));
  await server.start();
  await opening;
});
