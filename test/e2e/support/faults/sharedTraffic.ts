import type { NatsServer } from '../../../support/natsServer.js';
import { startNatsCluster } from '../../../support/natsServer.js';
import { createNetwork, type Machine, type Network } from '../../../support/networkNamespaces.js';
import { type Child, rxchat } from '../child.js';
import { onCleanup } from '../cleanup.js';
import { newRoom, viaPort } from '../relay.js';
import { type RelayAddress, startBalancer, startStore, storeFlags } from '../sharedStore.js';
import { type DeliveryReport, deliveryReport } from './deliveryReport.js';
import { type FaultProxy, startFaultProxy } from './faultProxy.js';
import { type InProcessMember, startMember } from './inProcessMember.js';
import { rawEntries, readBack, repeatedTokens, sendEndMarker } from './readBack.js';

/** A relay that shares its rooms with others. It has the same address after each start. */
export interface SharedRelay {
  readonly address: RelayAddress;
  /** The machine that it runs on, if the plan has machines. */
  readonly machine: Machine | undefined;
  /** The process that is running, or ran last. */
  readonly child: Child;
  /** Its way to the store, if that is one server. The servers of a cluster are reached directly. */
  readonly storeLink: FaultProxy | undefined;
  /** The members that first joined at this relay. */
  readonly members: readonly InProcessMember[];
  /** Ends it with a signal, and resolves with its exit code. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | NodeJS.Signals>;
  start(): Promise<void>;
}

/** The processes of a run. */
export interface SharedContext {
  /** The servers of the store. */
  readonly servers: readonly NatsServer[];
  readonly relays: readonly SharedRelay[];
  readonly members: readonly InProcessMember[];
  /** Connects the machines, if the plan has some. */
  readonly network: Network | undefined;
  /** Nicks of members that left, according to announcements. */
  readonly departed: ReadonlySet<string>;
  /** Resolves once each of these members has that many more receipts (default 20). */
  readonly untilStored: (members: readonly InProcessMember[], more?: number) => Promise<unknown>;
  /** Resolves once a member at another relay has received the announcements that all members of a relay left. */
  readonly untilDeparted: (observer: SharedRelay, relay: SharedRelay) => Promise<unknown>;
}

/** What happens while members send. */
export interface SharedPlan {
  /** Number of servers of the store: 1 (default), or 3 that replicate. */
  readonly servers?: 1 | 3;
  /**
   * Whether each server and each relay runs on a machine of its own. The k-th relay then connects to the k-th server, which
   * names the others to it, unless `namesAllServers` is set.
   */
  readonly hasMachines?: boolean;
  /** Whether each relay is given the addresses of all servers, even if they have machines. It then chooses one at random. */
  readonly namesAllServers?: boolean;
  /** Default 2. */
  readonly relays?: number;
  /** Number of members, which all send and listen (default 4). */
  readonly members?: number;
  /** Sets the conditions of each way to the store before it is used. */
  readonly conditions?: (link: FaultProxy) => void;
  /** Injects the fault and ends it. Rejects if another result is wrong. */
  readonly fault: (context: SharedContext, seed: number) => Promise<unknown>;
}

/** A row of a table of faults. */
export interface SharedRow extends SharedPlan {
  /** Whether it takes so long that only `npm run faults` injects it. */
  readonly isLong?: boolean;
}

/** Interval in ms at which each member sends a line, as a message of its own. */
const SEND_INTERVAL_MS = 25;
/** A member with this many lines without a receipt waits. */
const MAX_PENDING = 400;

/**
 * Runs relays that share a store, behind a balancer. Members send numbered lines and listen; they first join at the relays in
 * turn. A fault occurs meanwhile. At the end, all lines are counted, also those that each relay delivers from its past.
 */
export const runSharedTraffic = async (
  {
    servers: serverCount = 1,
    relays: relayCount = 2,
    members: memberCount = 4,
    hasMachines = false,
    namesAllServers = !hasMachines,
    conditions,
    fault,
  }: SharedPlan,
  seed: number,
): Promise<DeliveryReport> => {
  const network = hasMachines ? createNetwork(serverCount + relayCount) : undefined;
  onCleanup(() => network?.remove());
  const servers = serverCount === 1 ? [await startStore()] : await startCluster(network?.machines);
  const starting = Array.from({ length: relayCount }, (_, k) =>
    startSharedRelay(
      namesAllServers ? servers : servers.slice(k, k + 1),
      servers.length,
      network?.machines[serverCount + k],
      conditions,
    ),
  );
  const relays = await Promise.all(starting);
  const room = newRoom(await startBalancer(relays.map(({ address }) => address)));
  const members: InProcessMember[] = [];
  const departed = new Set<string>();
  for (let k = 0; k < memberCount; k += 1) {
    const member = startMember(room, `v${k + 1}`, (event) => {
      if (event.type === 'left') for (const nick of event.nicks) departed.add(nick);
    });
    await member.until(({ isJoined }) => isJoined);
    members.push(member);
    relays[k % relayCount]?.members.push(member);
  }
  const context: SharedContext = {
    servers,
    relays,
    members,
    network,
    departed,
    untilStored: (of, more = 20) =>
      Promise.all(
        of.map((member) => {
          const wanted = member.confirmed.length + more;
          return member.until(({ confirmed }) => confirmed.length >= wanted);
        }),
      ),
    untilDeparted: ({ members: [observer] }, relay) =>
      observer?.until(() => relay.members.every(({ nick }) => departed.has(nick))) ?? Promise.resolve(),
  };

  const stopSending = members.map(sendNumberedLines);
  await context.untilStored(members);
  await fault(context, seed);
  await context.untilStored(members);
  for (const stop of stopSending) stop();
  await Promise.all(
    members.map((member) => member.until(({ sent, confirmed }) => sent.length === confirmed.length)),
  );

  const running = relays.filter(({ child }) => child.running);
  const direct = await Promise.all(
    running.map(async ({ address }) => viaPort(await startBalancer([address]), room)),
  );
  const [first] = direct;
  if (first === undefined) throw new Error('no relay is running at the end');
  await sendEndMarker(first);
  await Promise.all(members.map((member) => member.until(({ hasEnded }) => hasEnded)));
  const [log, ...others] = await Promise.all(direct.map((each, k) => readBack(each, `after${k}`)));
  if (log === undefined) throw new Error('no relay has a log');
  return deliveryReport({
    sent: members.flatMap(({ sent }) => sent),
    receipted: members.flatMap(({ confirmed }) => confirmed),
    log,
    repeatedTokens: repeatedTokens(await rawEntries(first)),
    listeners: [...others, ...members.map(({ received }) => received)],
  });
};

const startCluster = async (machines: readonly Machine[] | undefined): Promise<readonly NatsServer[]> => {
  const servers = await startNatsCluster(machines?.slice(0, 3));
  for (const server of servers) onCleanup(() => server.dispose());
  return servers;
};

const startSharedRelay = async (
  named: readonly NatsServer[],
  replicas: number,
  machine: Machine | undefined,
  conditions: SharedPlan['conditions'] = () => undefined,
) => {
  const [only] = named;
  const storeLink = replicas === 1 && only !== undefined ? await startFaultProxy(portOf(only)) : undefined;
  if (storeLink !== undefined) conditions(storeLink);
  const address =
    storeLink !== undefined ? `127.0.0.1:${storeLink.port}` : named.map((server) => server.address).join(',');
  const flags = [
    ...storeFlags({ address }, replicas),
    ...(machine === undefined ? [] : ['--host', machine.address, '--plain']),
  ];
  const host = machine?.address ?? '127.0.0.1';
  const launch = async (port: number) => {
    const args = ['serve', '--port', String(port), '--log-level', 'info', ...flags];
    const started = rxchat(args, { wrapper: machine?.wrapper ?? [] });
    const [, bound] = await started.out.until(({ text }) => /^listening on [\d.]+:(\d+)\n/.exec(text));
    return { started, port: Number(bound) };
  };
  const { started, port } = await launch(0);
  let child = started;
  const members: InProcessMember[] = [];
  return {
    address: { host, port },
    machine,
    get child() {
      return child;
    },
    storeLink,
    members,
    end: (signal: 'SIGKILL' | 'SIGTERM') => {
      child.signal(signal);
      return child.exit;
    },
    start: async () => {
      child = (await launch(port)).started;
    },
  };
};

const portOf = ({ address }: NatsServer): number => Number(address.split(':')[1]);

/** Sends until the returned function is called. */
const sendNumberedLines = (member: InProcessMember): (() => void) => {
  const interval = setInterval(() => {
    if (member.sent.length - member.confirmed.length < MAX_PENDING)
      member.send([`${member.nick} ${member.sent.length + 1}`]);
  }, SEND_INTERVAL_MS);
  const stop = () => {
    clearInterval(interval);
  };
  onCleanup(stop);
  return stop;
};
