import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ALL_FAULTS, type LedgerFaults } from '../support/faultyLedger.js';
import { chooseSeed } from '../support/seed.js';
import { type Action, type Scenario, simulate } from '../support/simulation.js';
import {
  clientIndex,
  expectEachClient,
  expectedLines,
  linesOf,
  messagesOf,
  newTotals,
  scenarioWith,
  storedOf,
  type Totals,
} from '../support/simulationChecks.js';

/** More with `RXCHAT_MODEL_RUNS=5000 RXCHAT_SEED=random npm test -- test/model`. */
const RUNS = Number(process.env['RXCHAT_MODEL_RUNS'] ?? 40);
const SEED = chooseSeed(1);

const RELAYS = 2;

const clientFault: fc.Arbitrary<Action> = fc.record({
  do: fc.constantFrom('freeze', 'thaw', 'thaw', 'reset', 'goSilent'),
  who: clientIndex,
});
const relayFault: fc.Arbitrary<Action> = fc.record({
  do: fc.constantFrom('kill', 'start', 'start', 'drain', 'cut', 'heal', 'heal'),
  relay: fc.nat(RELAYS - 1),
});

/** Messages before the faults: so many batches that a relay opens the log at a snapshot, and reads older ones later. */
const messages: readonly (readonly [number, Action])[] = Array.from({ length: 70 }, (_, n) => [
  20,
  { do: 'say', who: 1 + (n % 2), lines: 1 + (n % 3) },
]);
const scenario = (...kinds: fc.Arbitrary<Action>[]): fc.Arbitrary<Scenario> =>
  fc
    .record({ plan: scenarioWith(...kinds), isLong: fc.boolean() })
    .map(({ plan, isLong }) => (isLong ? { ...plan, actions: [...messages, ...plan.actions] } : plan));

let totals: Totals;
beforeEach(() => {
  totals = newTotals();
});

describe('relays that share a room in a simulated network', () => {
  test.each<[string, LedgerFaults]>([
    ['that keeps its promises', {}],
    ['that is as bad as its contract allows', ALL_FAULTS],
  ])(
    'deliver one log to every member, once and in order, and store every message once, with an engine %s',
    (_, faults) => {
      fc.assert(
        fc.property(scenario(clientFault, relayFault), fc.nat(1_000_000), (plan, seed) => {
          const outcome = simulate({ ...plan, cluster: { relays: RELAYS, faults, seed } });
          const { clients, log } = outcome;
          expectEachClient(outcome, totals);
          const sent = log.flatMap(linesOf);
          expect(new Set(sent).size).toBe(sent.length);
          for (const life of clients) {
            const received = messagesOf(life).map(({ text }) => text);
            expect(received).toStrictEqual(life.stayed ? sent : sent.slice(0, received.length));
            expect(sent).toStrictEqual(expect.arrayContaining([...storedOf(life)]));
            const losses = life.received.filter(({ type }) => type === 'gap' || type === 'log-changed');
            expect(losses).toStrictEqual([]);
          }
        }),
        { numRuns: RUNS, seed: SEED },
      );
      expect(totals.stored).toBeGreaterThan(RUNS);
      expect(totals.offline).toBeGreaterThan(RUNS / 3);
    },
  );

  test('report the exact gaps to every member when the engine drops old records', () => {
    fc.assert(
      fc.property(
        scenario(clientFault, relayFault, fc.constant<Action>({ do: 'forget' })),
        fc.nat(1_000_000),
        (plan, seed) => {
          const outcome = simulate({ ...plan, cluster: { relays: RELAYS, faults: {}, seed } });
          expectEachClient(outcome, totals);
          for (const life of outcome.clients.filter(({ stayed }) => stayed)) {
            const received = new Set(messagesOf(life).map(({ text }) => text));
            const must = expectedLines(life, outcome.log);
            expect(must.filter((text) => !received.has(text))).toStrictEqual([]);
            // A gap can begin with the last entry that the client has read, since that cannot be compared any more.
            const sent = new Set(outcome.log.flatMap(linesOf));
            expect([...received].filter((text) => !sent.has(text))).toStrictEqual([]);
          }
        },
      ),
      { numRuns: RUNS, seed: SEED },
    );
    expect(totals.gaps).toBeGreaterThan(0);
  });

  test('notify every member of a lost log, deliver nothing twice, and store pending messages', () => {
    fc.assert(
      fc.property(
        scenario(clientFault, relayFault, fc.constant<Action>({ do: 'wipe' })),
        fc.nat(1_000_000),
        (plan, seed) => {
          const outcome = simulate({ ...plan, cluster: { relays: RELAYS, faults: {}, seed } });
          expectEachClient(outcome, totals);
          const sent = outcome.log.flatMap(linesOf);
          for (const life of outcome.clients.filter(({ stayed }) => stayed)) {
            expect(messagesOf(life).map(({ text }) => text)).toStrictEqual(expect.arrayContaining([...sent]));
            const logs = life.received.flatMap((each) => (each.type === 'welcome' ? [each.log] : []));
            const changes = logs.filter((log, at) => at > 0 && log !== logs[at - 1]);
            expect(life.received.filter(({ type }) => type === 'log-changed')).toHaveLength(changes.length);
          }
        },
      ),
      { numRuns: RUNS, seed: SEED },
    );
    expect(totals.changes).toBeGreaterThan(RUNS / 10);
  });

  test('notify every member of the other log after an engine has lost its end, and store pending messages', () => {
    fc.assert(
      fc.property(
        scenario(clientFault, fc.constant<Action>({ do: 'loseEnd' })),
        fc.nat(1_000_000),
        (plan, seed) => {
          const outcome = simulate({ ...plan, cluster: { relays: RELAYS, faults: {}, seed } });
          expectEachClient(outcome, totals);
          const sent = outcome.log.flatMap(linesOf);
          expect(new Set(sent).size).toBe(sent.length);
          for (const life of outcome.clients.filter(({ stayed }) => stayed)) {
            expect(messagesOf(life).map(({ text }) => text)).toStrictEqual(expect.arrayContaining([...sent]));
            const last = life.received.findLastIndex(({ type }) => type === 'log-changed');
            const received = last === -1 ? [] : life.received.slice(last);
            expect(sent).toStrictEqual(expect.arrayContaining([...storedOf({ ...life, received })]));
          }
        },
      ),
      { numRuns: RUNS, seed: SEED },
    );
    expect(totals.changes).toBeGreaterThan(RUNS / 10);
  });
});
