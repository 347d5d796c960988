import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeEnvelope } from '../../streams/client/envelope/envelope.js';
import type { ClientEvent } from '../../streams/client/clientEvent.js';
import { RefusedError } from '../../streams/wire/errors.js';
import type { Token } from '../../streams/client/envelope/cipher.js';
import { fakeCipher, fakeKey } from '../support/fakeCipher.js';
import { chooseSeed } from '../support/seed.js';
import {
  type Action,
  type ClientResult,
  simulate,
  type SimulationResult,
  type Scenario,
} from '../support/simulation.js';

/** More with `RXCHAT_MODEL_RUNS=5000 RXCHAT_SEED=random npm test -- test/model`. */
const RUNS = Number(process.env['RXCHAT_MODEL_RUNS'] ?? 100);
const SEED = chooseSeed(1);

const CLIENTS = 3;
const clientIndex = fc.nat(CLIENTS - 1);

const normalAction: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('say'), who: clientIndex, lines: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('join'), who: clientIndex }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave'), who: clientIndex }) },
);

const faultAction: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constantFrom('freeze', 'thaw', 'thaw', 'reset', 'goSilent'), who: clientIndex }),
  fc.record({
    do: fc.constantFrom('kill', 'start', 'start', 'start', 'start', 'drain', 'fill', 'empty', 'empty'),
  }),
);

const wait = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 30 }) },
  { weight: 3, arbitrary: fc.integer({ min: 30, max: 1500 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1500, max: 60_000 }) },
);

const scenarioWith = (...kinds: fc.Arbitrary<Action>[]): fc.Arbitrary<Scenario> =>
  fc.record({
    clients: fc.constant(CLIENTS),
    isTwice: fc.boolean(),
    quality: fc.record({
      latencyMs: fc.constantFrom(0, 1, 20, 3000),
      chunkBytes: fc.constantFrom(1, 50, 100_000),
    }),
    storing: fc.constantFrom(0, 1, 10, 500),
    keepsInFlight: fc.boolean(),
    actions: fc.array(
      fc.tuple(
        wait,
        fc.oneof(
          { weight: 4, arbitrary: normalAction },
          ...kinds.map((arbitrary) => ({ weight: 1, arbitrary })),
        ),
      ),
      { minLength: 5, maxLength: 60 },
    ),
    chance: fc.double({ min: 0, max: 0.99, noNaN: true }),
    window: fc.constantFrom(4096, 262_144),
  });

type Message = Extract<ClientEvent, { type: 'message' }>;
const messagesOf = ({ received: events }: ClientResult) =>
  events.filter((each): each is Message => each.type === 'message');
const storedOf = ({ received: events }: ClientResult) =>
  events.flatMap((each) => (each.type === 'stored' ? each.lines : []));

const linesOf = (entry: string): readonly string[] => {
  const opened = fakeCipher.open(fakeKey(1), entry as Token);
  return typeof opened === 'string' ? [] : (decodeEnvelope(opened)?.lines ?? []);
};

/** Returns the positions in the gaps reported to a client. */
const reportedGaps = ({ received: events }: ClientResult): ReadonlySet<number> =>
  new Set(
    events.flatMap((each) =>
      each.type === 'gap' ? Array.from({ length: each.to - each.from + 1 }, (_, k) => each.from + k) : [],
    ),
  );

/** Returns the lines that a client must receive: the log, except for its reported gaps. */
const expectedLines = (life: ClientResult, log: readonly string[]): readonly string[] => {
  const missing = reportedGaps(life);
  return log.flatMap((entry, at) => (missing.has(at + 1) ? [] : linesOf(entry)));
};

const expectEachClient = (outcome: SimulationResult) => {
  const { clients } = outcome;
  count(outcome);
  for (const life of clients) {
    // Only a client that never joined gives up.
    if (life.received.some(({ type }) => type === 'welcome')) expect(life.failure).toBeUndefined();
    // Each nick belongs to its owner, from any number of clients.
    expect(life.failure).not.toBeInstanceOf(RefusedError);
    // No failure causes an alarm, since nobody misbehaves.
    expect(life.received.filter(({ type }) => type === 'alarm' || type === 'key-changed')).toStrictEqual([]);
    // Each message once, each own line stored once and in the order of sending.
    const texts = messagesOf(life).map(({ text }) => text);
    expect(new Set(texts).size).toBe(texts.length);
    const stored = storedOf(life);
    expect(stored).toStrictEqual(life.sent.slice(0, stored.length));
    if (life.stayed) expect(stored).toStrictEqual(life.sent);
  }
};

/** Counts the events of all runs of a test: a simulation in which nothing happens proves nothing. */
const totals = { stored: 0, offline: 0, gaps: 0, changes: 0 };
beforeEach(() => {
  Object.assign(totals, { stored: 0, offline: 0, gaps: 0, changes: 0 });
});
const count = ({ clients }: SimulationResult) => {
  for (const { received: events } of clients)
    for (const { type } of events) {
      if (type === 'stored') totals.stored += 1;
      if (type === 'offline') totals.offline += 1;
      if (type === 'gap') totals.gaps += 1;
      if (type === 'log-changed') totals.changes += 1;
    }
};

describe('a simulated network with faults', () => {
  test('delivers one log to every member, once and in order, and stores every message once, whatever fails', () => {
    fc.assert(
      fc.property(scenarioWith(faultAction), (plan) => {
        const outcome = simulate(plan);
        const { clients, log } = outcome;
        expectEachClient(outcome);
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
        expectEachClient(outcome);
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
        expectEachClient(outcome);
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
