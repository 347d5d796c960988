import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  epochOf,
  type GroupAction,
  type GroupOutcome,
  type GroupPlan,
  type GroupRun,
  simulateGroup,
} from '../support/group/groupSimulation.js';

/** More with `RXCHAT_MODEL_RUNS=1000 npm test -- test/model/groupRoom`. */
const RUNS = Number(process.env['RXCHAT_MODEL_RUNS'] ?? 25);
/** Repeats the plans of an earlier run, with the seed that its failure reports. */
const SEED = process.env['RXCHAT_SEED'];

const who = fc.nat(4);
const one = (name: Exclude<GroupAction['do'], 'fault'>): fc.Arbitrary<GroupAction> =>
  fc.record({ do: fc.constant(name), who });
const fault: fc.Arbitrary<GroupAction> = fc.record({
  do: fc.constant('fault' as const),
  fault: fc.oneof(
    fc.record({ type: fc.constantFrom('cut', 'cut', 'freeze', 'thaw', 'half-open', 'down', 'up', 'up') }),
    fc.record({ type: fc.constant('delay' as const), ms: fc.constantFrom(1, 20, 500) }),
  ),
});

const wait = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 30 }) },
  { weight: 4, arbitrary: fc.integer({ min: 30, max: 1500 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1500, max: 20_000 }) },
);

const normal = [
  { weight: 8, arbitrary: one('start') },
  { weight: 12, arbitrary: one('say') },
  { weight: 1, arbitrary: one('stop') },
  { weight: 2, arbitrary: one('renew') },
];
const changes = [
  { weight: 2, arbitrary: one('remove') },
  { weight: 1, arbitrary: one('rotate') },
  { weight: 1, arbitrary: one('leave') },
];
const faults = [
  { weight: 2, arbitrary: one('crash') },
  { weight: 4, arbitrary: fault },
];

const planWith = (...actions: fc.MaybeWeightedArbitrary<GroupAction>[]): fc.Arbitrary<GroupPlan> =>
  fc.record({
    persons: fc.integer({ min: 3, max: 5 }),
    saveMs: fc.constantFrom(0, 0, 5, 400),
    latencyMs: fc.constantFrom(1, 20, 300),
    seed: fc.nat(1_000_000),
    actions: fc.array(fc.tuple(wait, fc.oneof(...actions)), { minLength: 10, maxLength: 50 }),
  });

/** The messages of an epoch that a run read, by their positions, from the first position that it had to read. */
interface Delivery {
  readonly run: GroupRun;
  readonly epoch: number;
  readonly from: number;
  /** Up to which position it read: Infinity if it saw the end of the epoch, or of the simulation. */
  readonly to: number;
  readonly texts: readonly (readonly [position: number, text: string])[];
}

const deliveriesOf = (run: GroupRun): readonly Delivery[] => {
  const deliveries: Delivery[] = [];
  let welcomeFrom = 0;
  let present: Omit<Delivery, 'to'> | undefined;
  const close = (to: number) => {
    if (present) deliveries.push({ ...present, to });
  };
  for (const event of run.received) {
    if (event.type === 'welcome') welcomeFrom = event.from;
    if (event.type === 'epoch' || event.type === 'resumed') {
      close(Infinity);
      const from = event.type === 'epoch' ? 0 : welcomeFrom;
      present = { run, epoch: event.epoch, from, texts: [] };
    }
    if (event.type !== 'message') continue;
    expect(present).toBeDefined();
    present = { ...present!, texts: [...present!.texts, [event.position, event.text]] };
  }
  close(run.stayed ? Infinity : (present?.texts.at(-1)?.[0] ?? -1));
  return deliveries;
};

/** Returns the messages of each epoch in the order of the log, which all that read them agree on. */
const messagesOf = (deliveries: readonly Delivery[]): ReadonlyMap<number, ReadonlyMap<number, string>> => {
  const epochs = new Map<number, Map<number, string>>();
  for (const { epoch, texts } of deliveries) {
    const known = epochs.get(epoch) ?? new Map<number, string>();
    epochs.set(epoch, known);
    for (const [position, text] of texts) {
      expect(known.get(position) ?? text).toBe(text);
      known.set(position, text);
    }
  }
  return epochs;
};

const expectMessages = ({ runs, lastTexts }: GroupOutcome) => {
  const deliveries = runs.flatMap(deliveriesOf);
  const epochs = messagesOf(deliveries);
  for (const { epoch, from, to, texts } of deliveries) {
    const all = [...epochs.get(epoch)!].toSorted(([a], [b]) => a - b);
    expect(texts).toStrictEqual(all.filter(([position]) => position >= from && position <= to));
  }
  const read = [...epochs.values()].flatMap((texts) => [...texts.values()]);
  expect(new Set(read).size).toBe(read.length);
  for (const run of runs) {
    const stored = run.received.flatMap((each) => (each.type === 'stored' ? each.lines : []));
    expect(stored).toStrictEqual(run.sent.slice(0, stored.length));
    expect(read).toStrictEqual(expect.arrayContaining([...stored]));
    if (!run.stayed) continue;
    // Nobody is stuck.
    expect(stored).toStrictEqual(run.sent);
    const received = run.received.flatMap((each) => (each.type === 'message' ? [each.text] : []));
    expect(received).toStrictEqual(expect.arrayContaining([...lastTexts]));
  }
  expectNothingLost(runs, deliveries, epochs);
};

/** A device that is there at the end read each message since it joined last, over all its runs. */
const expectNothingLost = (
  runs: readonly GroupRun[],
  deliveries: readonly Delivery[],
  epochs: ReadonlyMap<number, ReadonlyMap<number, string>>,
) => {
  for (const last of runs.filter((each) => each.stayed)) {
    const own = runs.filter(({ who: each }) => each === last.who);
    const joined = own
      .flatMap(({ received }) => received)
      .findLast(
        (each) =>
          each.type === 'epoch' && each.own && (each.change === 'joined' || each.change === 'created'),
      );
    if (joined?.type !== 'epoch') continue;
    const read = new Set(
      deliveries
        .filter(({ run }) => run.who === last.who)
        .flatMap(({ texts }) => texts.map(([, text]) => text)),
    );
    const lost = [...epochs]
      .filter(([epoch]) => epoch >= joined.epoch)
      .flatMap(([, texts]) => [...texts.values()])
      .filter((text) => !read.has(text));
    expect(lost).toStrictEqual([]);
  }
};

const expectAgreement = ({ runs, keys }: GroupOutcome) => {
  const stayed = runs.filter((each) => each.stayed);
  const views = stayed.map(({ received }) => {
    const last = received.findLast((each) => each.type === 'epoch' || each.type === 'resumed');
    return last && { epoch: last.epoch, code: last.code, members: last.members };
  });
  for (const view of views) expect(view).toStrictEqual(views[0]);
  expect(views[0]?.members.map(({ key }) => key).toSorted()).toStrictEqual(
    stayed.map((run) => keys[run.who]).toSorted(),
  );
};

const CANNOT_JOIN: ReadonlySet<string> = new Set(['ConnectionError', 'RefusedError']);

const expectFailures = ({ runs, keys }: GroupOutcome) => {
  const removals = runs.flatMap(({ received }) =>
    received.flatMap((each) =>
      each.type === 'epoch' && each.change === 'removed'
        ? each.removed.map(({ key }) => ({ epoch: each.epoch, key }))
        : [],
    ),
  );
  for (const run of runs) {
    const { failure } = run;
    if (failure === undefined) continue;
    // Only a client that never joined gives up: the relay is down, or still has the nick of its earlier run.
    if (!run.received.some(({ type }) => type === 'welcome') && CANNOT_JOIN.has(failure.name)) continue;
    expect(['RemovedError', 'WithdrawnError']).toContain(failure.name);
    const epoch = epochOf(run);
    // A member learns each new invite, so only a client that is no member can have an old one.
    if (failure.name === 'WithdrawnError') expect(epoch).toBe(-1);
    else expect(removals.some((each) => each.key === keys[run.who] && each.epoch > epoch)).toBe(true);
  }
  for (const { received } of runs)
    expect(
      received.filter((event) =>
        ['alarm', 'key-changed', 'gap', 'log-changed', 'undecryptable', 'send-failed'].includes(event.type),
      ),
    ).toStrictEqual([]);
};

const totals = { stored: 0, epochs: 0, removed: 0, moved: 0, resumed: 0, offline: 0 };
beforeEach(() => {
  for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] = 0;
});

const expectAll = (outcome: GroupOutcome) => {
  for (const { received, failure } of outcome.runs) {
    if (failure?.name === 'RemovedError') totals.removed += 1;
    for (const event of received) {
      if (event.type === 'stored') totals.stored += 1;
      if (event.type === 'epoch') totals.epochs += 1;
      if (event.type === 'invite-changed') totals.moved += 1;
      if (event.type === 'resumed') totals.resumed += 1;
      if (event.type === 'offline') totals.offline += 1;
    }
  }
  expectFailures(outcome);
  expectAgreement(outcome);
  expectMessages(outcome);
};

const check = (plans: fc.Arbitrary<GroupPlan>) => {
  fc.assert(
    fc.property(plans, (plan) => {
      expectAll(simulateGroup(plan));
    }),
    { numRuns: RUNS, endOnFailure: true, ...(SEED !== undefined && { seed: Number(SEED) }) },
  );
};

describe('a simulated group room', () => {
  test('members join, send, renew and come back', () => {
    check(planWith(...normal));
    expect(totals.stored).toBeGreaterThan(RUNS);
    expect(totals.epochs).toBeGreaterThan(RUNS);
  });

  test('members are removed, leave, come back and move to other invites', () => {
    check(planWith(...normal, ...changes));
    expect(totals.removed).toBeGreaterThan(0);
    expect(totals.moved).toBeGreaterThan(0);
  });

  test('clients crash, and connections and the relay fail', () => {
    check(planWith(...normal, ...changes, ...faults));
    expect(totals.resumed).toBeGreaterThan(0);
    expect(totals.offline).toBeGreaterThan(0);
  });
});
