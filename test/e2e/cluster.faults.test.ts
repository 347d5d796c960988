import { afterEach, expect } from '@jest/globals';
import { type NatsServer } from '../support/natsServer.js';
import { withNats } from '../support/withNats.js';
import { cleanUp } from './support/cleanup.js';
import { allDelivered, deliveryReport, type DeliveryReport } from './support/faults/deliveryReport.js';
import { type InProcessMember, startMember } from './support/faults/inProcessMember.js';
import { rawEntries, readBack, repeatedTokens, sendEndMarker } from './support/faults/readBack.js';
import { newRoom, type Relay, startRelayWithoutProxy, viaPort } from './support/relay.js';
import { startBalancer, startStore, storeFlags } from './support/sharedStore.js';

const test = withNats('faults of relays that share rooms are not tested');
afterEach(cleanUp);

/** How many lines each sender sends before, during and after a fault, each as a message of its own. */
const LINES = 40;
const NICKS = ['v1', 'v2', 'v3', 'v4'];

interface Scene {
  readonly store: NatsServer;
  readonly relays: readonly Relay[];
  readonly members: readonly InProcessMember[];
}

const isAllStored = ({ sent, confirmed }: InProcessMember) => sent.length === confirmed.length;

/** Two relays behind a balancer; four members send while the fault happens. Counts all lines. */
const runFault = async (fault: (scene: Scene) => Promise<unknown>): Promise<DeliveryReport> => {
  const store = await startStore();
  const flags = storeFlags(store);
  const relays = await Promise.all([startRelayWithoutProxy(...flags), startRelayWithoutProxy(...flags)]);
  const [, survivor] = relays;
  const room = newRoom(await startBalancer(relays.map(({ port }) => port)));
  const members = NICKS.map((nick) => startMember(room, nick));
  await Promise.all(members.map((member) => member.until(({ isJoined }) => isJoined)));
  const send = () => {
    for (const member of members)
      member.send(Array.from({ length: LINES }, (_, k) => `${member.nick} ${member.sent.length + k + 1}`));
  };
  send();
  await members[0]?.until(({ confirmed }) => confirmed.length > 0);
  send();
  await fault({ store, relays, members });
  send();
  await Promise.all(members.map((member) => member.until(isAllStored)));

  const direct = viaPort(survivor.port, room);
  await sendEndMarker(direct);
  await Promise.all(members.map((member) => member.until(({ hasEnded }) => hasEnded)));
  return deliveryReport({
    sent: members.flatMap(({ sent }) => sent),
    receipted: members.flatMap(({ confirmed }) => confirmed),
    log: await readBack(direct),
    repeatedTokens: repeatedTokens(await rawEntries(direct)),
    listeners: members.map(({ received }) => received),
  });
};

const ALL = allDelivered(NICKS.length * LINES * 3);

test('two relays deliver every line once and in one order', async () => {
  expect(await runFault(() => Promise.resolve())).toStrictEqual(ALL);
});

test('no line is lost or repeated if a relay is killed and its members go on at the other', async () => {
  const report = await runFault(async ({ relays: [relay] }) => {
    relay?.child.signal('SIGKILL');
    await relay?.child.exit;
  });
  expect(report).toStrictEqual(ALL);
});

test('no line is lost or repeated if a relay stops and its members go on at the other', async () => {
  const report = await runFault(async ({ relays: [relay] }) => {
    relay?.child.signal('SIGTERM');
    expect(await relay?.child.exit).toBe(0);
  });
  expect(report).toStrictEqual(ALL);
});

test('no line is lost or repeated if the store is killed and started again', async () => {
  const report = await runFault(async ({ store }) => {
    await store.kill();
    await store.start();
  });
  expect(report).toStrictEqual(ALL);
});

test('no line is lost or repeated if the store is stopped for 3 s', async () => {
  const report = await runFault(async ({ store, members }) => {
    await store.pause();
    for (const member of members) member.send([`${member.nick} ${member.sent.length + 1}`]);
    await new Promise((resume) => setTimeout(resume, 3000));
    store.resume();
  });
  expect(report).toStrictEqual(allDelivered(ALL.sent + NICKS.length));
});

test('no line is lost or repeated if a relay is stopped for 7 s', async () => {
  const report = await runFault(async ({ relays: [relay] }) => {
    relay?.child.signal('SIGSTOP');
    await new Promise((resume) => setTimeout(resume, 7000));
    relay?.child.signal('SIGCONT');
  });
  expect(report).toStrictEqual(ALL);
});
