import { execFileSync } from 'node:child_process';
import type { Machine } from '../../../support/networkNamespaces.js';
import type { SharedContext, SharedRow } from './sharedTraffic.js';

/** Machines of three servers and two relays; the first relay is connected to the first server, the second to the second. */
const machinesOf = ({ network, relays: [away, other] }: SharedContext) => {
  if (network === undefined || away === undefined || other === undefined)
    throw new Error('there is no network');
  const [own, ...others] = network.machines.slice(0, 3);
  const [relay] = network.machines.slice(3);
  if (own === undefined || relay === undefined) throw new Error('there are too few machines');
  return { network, away, other, own, others, servers: [own, ...others], relay };
};

const separate = ({ network }: SharedContext, from: Machine, ...others: readonly Machine[]) => {
  for (const each of others) {
    network?.lose(from, each);
    network?.lose(each, from);
  }
};

/** Returns the server that a relay is connected to. */
const connectedTo = (relay: Machine, servers: readonly Machine[]): Machine => {
  const [program, ...args] = [...relay.wrapper, 'ss', '-Htn', 'state', 'established'];
  const sockets = execFileSync(program, args, { encoding: 'utf8' });
  const server = servers.find(({ address }) => sockets.includes(` ${address}:`));
  if (server === undefined) throw new Error(`the relay is connected to no server:\n${sockets}`);
  return server;
};

const onMachines = { servers: 3, hasMachines: true } as const;

/** Faults of the network between relays and the servers of a cluster. Clients stay connected to their relays. */
export const networkFaults: Readonly<Record<string, SharedRow>> = {
  'the server of one is separated from the other two': {
    ...onMachines,
    namesAllServers: true,
    isLong: true,
    fault: async (context) => {
      const { network, servers, relay } = machinesOf(context);
      const own = connectedTo(relay, servers);
      separate(context, own, ...servers.filter((each) => each !== own));
      // The relay connects to another server.
      await context.untilStored(context.members);
      network.heal();
    },
  },
  'all three servers are separated until they stop electing': {
    ...onMachines,
    isLong: true,
    fault: async (context) => {
      const { network, servers } = machinesOf(context);
      for (const [n, each] of servers.entries()) separate(context, each, ...servers.slice(n + 1));
      await Promise.all(context.servers.map((server) => server.logged(/no quorum|stalled/i)));
      network.heal();
    },
  },
  'what one of three servers sends to another is lost': {
    ...onMachines,
    isLong: true,
    fault: async (context) => {
      const { network, own, others } = machinesOf(context);
      const [to = own] = others;
      network.lose(own, to);
      await context.untilStored(context.members);
      network.heal();
    },
  },
  'one is separated from all servers until its members are announced as gone': {
    ...onMachines,
    fault: async (context) => {
      const { network, away, other, relay, servers } = machinesOf(context);
      separate(context, relay, ...servers);
      await context.untilDeparted(other, away);
      network.heal();
    },
  },
  'what one sends to all servers is lost until its members are announced as gone': {
    ...onMachines,
    isLong: true,
    fault: async (context) => {
      const { network, away, other, relay, servers } = machinesOf(context);
      for (const each of servers) network.lose(relay, each);
      await context.untilDeparted(other, away);
      network.heal();
    },
  },
};
