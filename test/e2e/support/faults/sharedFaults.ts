import { GONE_MS } from '../../../../streams/relay/cluster/trackRelays.js';
import { hasNats, hasNatsCluster } from '../../../support/natsServer.js';
import { namespaceProblem } from '../../../support/networkNamespaces.js';
import { stopProcess } from '../child.js';
import { seededRandom } from './kills.js';
import type { Scenario } from './linkFaults.js';
import {
  type SharedContext,
  type SharedPlan,
  type SharedRelay,
  type SharedRow,
  runSharedTraffic,
} from './sharedTraffic.js';
import { networkFaults } from './networkFaults.js';
import { storeFaults } from './storeFaults.js';

/** A fault of relays that share rooms. */
export interface SharedScenario extends Scenario {
  /** Whether it takes so long that only `npm run faults` injects it. */
  readonly isLong: boolean;
  /** Returns what this machine lacks for it, or `undefined`. */
  readonly missing: () => string | undefined;
}

/** The first two relays of a run. */
const twoOf = ({ relays: [a, b] }: SharedContext): readonly [SharedRelay, SharedRelay] => {
  if (a === undefined || b === undefined) throw new Error('there are fewer than two relays');
  return [a, b];
};

/** A relay that is away until the other one has stored some lines: too short for anybody to be announced as gone. */
const briefly =
  (begin: (relay: SharedRelay) => unknown, end: (relay: SharedRelay) => unknown): SharedPlan['fault'] =>
  async (context) => {
    const [away, other] = twoOf(context);
    const began = performance.now();
    await begin(away);
    await context.untilStored(other.members);
    await end(away);
    const tookMs = performance.now() - began;
    await context.untilStored(context.members);
    if (tookMs > GONE_MS) console.warn(`NOT TESTED: departures, because it took ${tookMs} ms`);
    else if (context.departed.size > 0)
      throw new Error(`announced as gone: ${[...context.departed].join(', ')}`);
  };

/** A relay that is away until the other one has announced its members as gone. */
const untilDeparted =
  (begin: (relay: SharedRelay) => unknown, end: (relay: SharedRelay) => unknown): SharedPlan['fault'] =>
  async (context) => {
    const [away, other] = twoOf(context);
    await begin(away);
    await context.untilDeparted(other, away);
    await end(away);
    await context.untilStored(away.members);
  };

const suspend = ({ child }: SharedRelay) => stopProcess(child);
const resume = ({ child }: SharedRelay) => {
  child.signal('SIGCONT');
};
const hold = ({ storeLink }: SharedRelay) => storeLink?.freeze();
const holdSent = ({ storeLink }: SharedRelay) => storeLink?.freeze('up');
const holdReceived = ({ storeLink }: SharedRelay) => storeLink?.freeze('down');
const release = ({ storeLink }: SharedRelay) => storeLink?.thaw();
const cut = async ({ storeLink }: SharedRelay) => {
  await storeLink?.stopListening();
  storeLink?.reset();
};
const restore = ({ storeLink }: SharedRelay) => storeLink?.startListening();

/** Kills relays at random, or stops them, while lines are in transit. There is always one that runs. */
const storm =
  (times: number): SharedPlan['fault'] =>
  async ({ relays, members, untilStored }, seed) => {
    const random = seededRandom(seed);
    const pick = <T>(values: readonly T[]): T => {
      const value = values[Math.floor(random() * values.length)];
      if (value === undefined) throw new Error('there is nothing to pick');
      return value;
    };
    const down = new Set<SharedRelay>();
    for (let time = 0; time < times; time += 1) {
      const relay = pick(relays.filter((each) => !down.has(each)));
      await relay.end(random() < 0.75 ? 'SIGKILL' : 'SIGTERM');
      down.add(relay);
      await untilStored([pick(members)], 1 + Math.floor(random() * 5));
      if (down.size < relays.length - 1 && random() < 0.5) continue;
      const back = pick([...down]);
      await back.start();
      down.delete(back);
    }
    await Promise.all([...down].map((relay) => relay.start()));
  };

const STORM_KILLS = 5;
const LONG_STORM_KILLS = 30;

const ROWS: Readonly<Record<string, SharedRow>> = {
  'nothing fails': { fault: () => Promise.resolve() },
  'one of two is killed and restarted': {
    fault: async ({ relays: [relay], untilStored, members }) => {
      await relay?.end('SIGKILL');
      await untilStored(members);
      await relay?.start();
    },
  },
  'one of two shuts down and restarts': {
    fault: async ({ relays: [relay], untilStored, members }) => {
      const code = await relay?.end('SIGTERM');
      if (code !== 0) throw new Error(`the relay ended with ${String(code)}`);
      await untilStored(members);
      await relay?.start();
    },
  },
  'one of two is suspended briefly': { fault: briefly(suspend, resume) },
  'one of two is suspended until its members are announced as gone': {
    fault: untilDeparted(suspend, resume),
  },
  'the link of one to the store is held briefly': { fault: briefly(hold, release) },
  'the link of one to the store is held until its members are announced as gone': {
    isLong: true,
    fault: untilDeparted(hold, release),
  },
  'the link of one to the store is cut briefly': { fault: briefly(cut, restore) },
  'the link of one to the store is cut until its members are announced as gone': {
    isLong: true,
    fault: untilDeparted(cut, restore),
  },
  'what one sends to the store is held until its members are announced as gone': {
    isLong: true,
    fault: untilDeparted(holdSent, release),
  },
  'what one receives from the store is held briefly': {
    isLong: true,
    fault: briefly(holdReceived, release),
  },
  'all links to the store have 50 ms of latency': {
    conditions: (link) => link.latency(50),
    fault: async ({ untilStored, members }) => {
      await untilStored(members);
    },
  },
  [`four are killed or stopped ${STORM_KILLS} times at random`]: {
    relays: 4,
    members: 8,
    fault: storm(STORM_KILLS),
  },
  [`four are killed or stopped ${LONG_STORM_KILLS} times at random`]: {
    isLong: true,
    relays: 4,
    members: 8,
    fault: storm(LONG_STORM_KILLS),
  },
  ...storeFaults,
  ...networkFaults,
};

const missingFor = ({ servers, hasMachines }: SharedPlan): string | undefined => {
  if (!hasNats()) return 'nats-server is not installed';
  if (servers === 3 && !hasNatsCluster()) return 'scripts/fetchNats.mjs has not fetched a newer nats-server';
  return hasMachines === true ? namespaceProblem() : undefined;
};

/** Faults of several relays that share rooms, and of their store. */
export const sharedFaults: readonly SharedScenario[] = Object.entries(ROWS).map(
  ([fault, { isLong = false, ...plan }]) => ({
    fault: `several relays: ${fault}`,
    isLong,
    missing: () => missingFor(plan),
    run: (seed: number) => runSharedTraffic(plan, seed),
  }),
);
