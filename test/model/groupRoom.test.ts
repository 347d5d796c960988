import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { expectOutcome } from '../support/group/groupInvariants.js';
import {
  CHANGES,
  EXTERNAL,
  FAULTS,
  NORMAL,
  planWith,
  REMOVALS,
  LOSSES,
  REFUSALS,
  REREADS,
} from '../support/group/groupPlans.js';
import { type GroupOutcome, type GroupPlan, simulateGroup } from '../support/group/groupSimulation.js';
import { chooseSeed } from '../support/seed.js';

/** Schedules of each test. More with `RXCHAT_MODEL_RUNS=1500 RXCHAT_SEED=random npm test -- test/model/groupRoom`. */
const DEFAULT_RUNS = 125;
const RUNS = Number(process.env['RXCHAT_MODEL_RUNS'] ?? DEFAULT_RUNS);
const SEED = chooseSeed(1);
const TIMEOUT_MS = 300_000 + 1000 * RUNS;

/** How often something happened, in all runs of a test. The seed is fixed, so that this does not depend on chance. */
let counts = new Map<string, number>();
beforeEach(() => {
  counts = new Map();
});
const count = (name: string) => {
  counts.set(name, (counts.get(name) ?? 0) + 1);
};
const countOf = (name: string): number => counts.get(name) ?? 0;

const countAll = ({ runs, externals }: GroupOutcome) => {
  for (const { received, failure } of runs) {
    if (failure !== undefined) count(failure.name);
    for (const { type } of received) count(type);
  }
  for (const { isStored } of externals) if (isStored) count('external');
};

const check = (plans: fc.Arbitrary<GroupPlan>) => {
  fc.assert(
    fc.property(plans, (plan) => {
      const outcome = simulateGroup(plan);
      countAll(outcome);
      expectOutcome(outcome);
    }),
    { numRuns: RUNS, endOnFailure: true, seed: SEED },
  );
};

/** The events that the schedules of a test have to reach, and the plans. */
const TESTS: readonly (readonly [
  title: string,
  reached: readonly string[],
  plans: fc.Arbitrary<GroupPlan>,
])[] = [
  ['members join, send, renew and come back', ['stored', 'epoch', 'resumed'], planWith(NORMAL)],
  [
    'members are removed, leave, come back and move to other invites',
    ['RemovedError', 'WithdrawnError', 'leaving', 'invite-changed'],
    planWith([...NORMAL, ...CHANGES]),
  ],
  [
    'clients crash, and connections and the relay fail',
    ['RemovedError', 'resumed', 'offline'],
    planWith([...NORMAL, ...CHANGES, ...FAULTS]),
  ],
  [
    'those who are no members send, and all members read it',
    ['external', 'invite-changed'],
    planWith([...NORMAL, ...CHANGES, ...FAULTS, ...EXTERNAL]),
  ],
  [
    'members remove each other, also the creator',
    ['RemovedError', 'request-refused'],
    planWith([...NORMAL, ...REMOVALS, ...FAULTS], { removalRule: fc.constantFrom('anyone', 'creator') }),
  ],
  [
    'two processes of each device take part',
    ['RemovedError', 'resumed', 'invite-changed'],
    planWith([...NORMAL, ...CHANGES, ...FAULTS], { processes: fc.constant(2) }),
  ],
  [
    'devices forget, and read again what they can',
    ['forgotten', 'invite-changed'],
    planWith([...NORMAL, ...CHANGES, ...FAULTS, ...EXTERNAL, ...REREADS], {
      forgetMs: fc.constantFrom(0, 1000, 30_000, Infinity),
    }),
  ],
  [
    'the relay takes no new rooms at times',
    ['request-refused', 'invite-changed'],
    planWith([...NORMAL, ...CHANGES, ...FAULTS, ...REFUSALS]),
  ],
  ['the relay loses its logs', ['log-changed'], planWith([...NORMAL, ...LOSSES])],
];

/** A message that never reaches the relay, since the connection is dead, and a crash before the next one. */
const LOST_MESSAGE: GroupPlan = {
  persons: 3,
  processes: 1,
  removalRule: 'creator',
  forgetMs: Infinity,
  saveMs: 0,
  latencyMs: 1,
  seed: 7,
  cryptography: 'fast',
  actions: [
    [5000, { do: 'fault', fault: { type: 'half-open' } }],
    [1, { do: 'say', who: 0 }],
    [100, { do: 'crash', who: 0 }],
    [40_000, { do: 'start', who: 0 }],
    [3000, { do: 'say', who: 0 }],
  ],
};

/** Of a log that was lost, the next one begins with a commit, and then a group info whose signer had not read it. */
const EARLY_COMMIT: GroupPlan = {
  ...LOST_MESSAGE,
  persons: 5,
  saveMs: 400,
  latencyMs: 300,
  seed: 9,
  actions: [
    [3, { do: 'start', who: 1 }],
    [26, { do: 'renew', who: 6 }],
    [4217, { do: 'start', who: 2 }],
    [1073, { do: 'lose logs' }],
    [1393, { do: 'say', who: 3 }],
  ],
};

/** A process reads a join and a renewal only after the other process of its device has stored the epochs behind them. */
const LAGGING_PROCESS: GroupPlan = {
  ...LOST_MESSAGE,
  processes: 2,
  saveMs: 400,
  latencyMs: 300,
  seed: 16_088,
  actions: [
    [2746, { do: 'fault', fault: { type: 'half-open' } }],
    [116, { do: 'start', who: 7 }],
    [2082, { do: 'renew', who: 7 }],
  ],
};

/** A process lags behind another one of its device, which renews the keys and reads at once that the device is removed. */
const REMOVED_PROCESS: GroupPlan = {
  ...LOST_MESSAGE,
  processes: 2,
  seed: 122_194,
  actions: [
    [13_475, { do: 'fault', fault: { type: 'delay', ms: 500 } }],
    [16_604, { do: 'start', who: 8 }],
    [10_855, { do: 'fault', fault: { type: 'freeze' } }],
    [16_504, { do: 'start', who: 3 }],
    [1191, { do: 'remove', who: 2, by: 0 }],
    [1536, { do: 'renew', who: 3 }],
  ],
};

/** The creator stages a renewal while the state of the epoch before is stored, and newcomers wait for its group info. */
const STAGED_DURING_A_STORE: GroupPlan = {
  ...LOST_MESSAGE,
  latencyMs: 300,
  seed: 592_894,
  actions: [
    [352, { do: 'start', who: 0 }],
    [10_981, { do: 'renew', who: 2 }],
    [8, { do: 'renew', who: 6 }],
    [11, { do: 'say', who: 5 }],
    [9, { do: 'say', who: 0 }],
    [29, { do: 'renew', who: 5 }],
    [29, { do: 'say', who: 1 }],
    [2, { do: 'lose logs' }],
    [25, { do: 'start', who: 2 }],
    [4, { do: 'stop', who: 9 }],
    [30, { do: 'start', who: 5 }],
    [13_866, { do: 'say', who: 9 }],
    [7554, { do: 'say', who: 6 }],
    [6, { do: 'say', who: 5 }],
    [1047, { do: 'start', who: 5 }],
    [15_047, { do: 'say', who: 4 }],
    [18_409, { do: 'say', who: 2 }],
    [1401, { do: 'start', who: 0 }],
    [446, { do: 'renew', who: 6 }],
  ],
};

describe('a simulated group room', () => {
  test('newcomers follow a commit that came before the first group info of a new log', () => {
    expectOutcome(simulateGroup(EARLY_COMMIT));
  });

  test('the keys of a lost message are not used again after a crash', () => {
    expectOutcome(simulateGroup(LOST_MESSAGE));
  });

  test('a process follows the commits of another one of its device that is some epochs ahead', () => {
    expectOutcome(simulateGroup(LAGGING_PROCESS));
  });

  test('a process learns that its device is removed, if another one renewed the keys just before', () => {
    expectOutcome(simulateGroup(REMOVED_PROCESS));
  });

  test('newcomers of a log that was lost join although the member there has two renewals to send', () => {
    expectOutcome(simulateGroup(STAGED_DURING_A_STORE));
  });

  test.each(TESTS)(
    '%s',
    (_title, reached, plans) => {
      check(plans);
      if (RUNS < DEFAULT_RUNS) return;
      for (const name of reached) expect([name, countOf(name)]).not.toStrictEqual([name, 0]);
    },
    TIMEOUT_MS,
  );
});
