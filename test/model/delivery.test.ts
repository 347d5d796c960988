import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chooseSeed } from '../support/seed.js';
import { type Action, simulate } from '../support/simulation.js';
import {
  expectEachClient,
  expectedLines,
  faultAction,
  linesOf,
  messagesOf,
  newTotals,
  scenarioWith,
  storedOf,
  type Totals,
} from '../support/simulationChecks.js';

/** More with `RXCHAT_MODEL_RUNS=5000 RXCHAT_SEED=random npm test -- test/model`. */
const RUNS = Number(process.env['RXCHAT_MODEL_RUNS'] ?? 100);
const SEED = chooseSeed(1);

let totals: Totals;
beforeEach(() => {
  totals = newTotals();
});

describe('a simulated network with faults', () => {
  test('delivers one log to every member, once and in order, and stores every message once, whatever fails', () => {
    fc.assert(
      fc.property(scenarioWith(faultAction), (plan) => {
        const outcome = simulate(plan);
        const { clients, log } = outcome;
        expectEachClient(outcome, totals);
        const sent = log.flatMap(linesOf);
        expect(new Set(sent).size).toBe(sent.length);
        for (const life of clients) {
          const received = messagesOf(life).map(({ text }) => text);
          expect(received).toStrictEqual(life.stayed ? sent : sent.slice(0, received.length));
          expect(sent).toStrictEqual(expect.arrayContaining([...storedOf(life)]));
          expect(life.received.filter(({ type }) => type === 'gap' || type === 'log-changed')).toStrictEqual(
            [],
          );
        }
      }),
      { numRuns: RUNS, seed: SEED },
    );
    expect(totals.stored).toBeGreaterThan(RUNS);
    expect(totals.offline).toBeGreaterThan(RUNS / 3);
  });

  test('reports the exact gaps to every member when the relay drops old entries', () => {
    fc.assert(
      fc.property(scenarioWith(faultAction, fc.constant<Action>({ do: 'forget' })), (plan) => {
        const outcome = simulate(plan);
        expectEachClient(outcome, totals);
        for (const life of outcome.clients.filter(({ stayed }) => stayed)) {
          const received = new Set(messagesOf(life).map(({ text }) => text));
          const must = expectedLines(life, outcome.log);
          // A line whose echo was in a gap is sent again; it is in the log twice then, and still received once.
          expect([...new Set(must)].filter((text) => !received.has(text))).toStrictEqual([]);
          expect([...received].filter((text) => !must.includes(text))).toStrictEqual([]);
        }
      }),
      { numRuns: RUNS, seed: SEED },
    );
    expect(totals.gaps).toBeGreaterThan(RUNS / 100);
  });

  test('notifies every member of a lost log, delivers nothing twice, and stores pending messages', () => {
    fc.assert(
      fc.property(scenarioWith(faultAction, fc.constant<Action>({ do: 'wipe' })), (plan) => {
        const outcome = simulate(plan);
        expectEachClient(outcome, totals);
        const sent = outcome.log.flatMap(linesOf);
        for (const life of outcome.clients.filter(({ stayed }) => stayed)) {
          expect(messagesOf(life).map(({ text }) => text)).toStrictEqual(expect.arrayContaining([...sent]));
          const logs = life.received.flatMap((each) => (each.type === 'welcome' ? [each.log] : []));
          const changes = logs.filter((log, at) => at > 0 && log !== logs[at - 1]);
          expect(life.received.filter(({ type }) => type === 'log-changed')).toHaveLength(changes.length);
        }
      }),
      { numRuns: RUNS, seed: SEED },
    );
    expect(totals.changes).toBeGreaterThan(RUNS / 10);
  });
});
