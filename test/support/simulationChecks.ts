import { expect } from '@jest/globals';
import fc from 'fast-check';
import type { ClientEvent } from '../../streams/client/clientEvent.js';
import type { Token } from '../../streams/client/envelope/cipher.js';
import { decodeEnvelope } from '../../streams/client/envelope/envelope.js';
import { RefusedError } from '../../streams/wire/errors.js';
import { fakeCipher, fakeKey } from './fakeCipher.js';
import type { Action, ClientResult, Scenario, SimulationResult } from './simulation.js';

const CLIENTS = 3;
/** The number of a client. */
export const clientIndex: fc.Arbitrary<number> = fc.nat(CLIENTS - 1);

const normalAction: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('say'), who: clientIndex, lines: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('join'), who: clientIndex }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave'), who: clientIndex }) },
);

export const faultAction: fc.Arbitrary<Action> = fc.oneof(
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

/** Generates scenarios with messages, joins and leaves, and with actions of other kinds. */
export const scenarioWith = (...kinds: fc.Arbitrary<Action>[]): fc.Arbitrary<Scenario> =>
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
export const messagesOf = ({ received: events }: ClientResult): readonly Message[] =>
  events.filter((each): each is Message => each.type === 'message');
export const storedOf = ({ received: events }: ClientResult): readonly string[] =>
  events.flatMap((each) => (each.type === 'stored' ? each.lines : []));

export const linesOf = (entry: string): readonly string[] => {
  const opened = fakeCipher.open(fakeKey(1), entry as Token);
  return typeof opened === 'string' ? [] : (decodeEnvelope(opened)?.lines ?? []);
};

/** Expects what holds for each client whatever failed. */
export const expectEachClient = (outcome: SimulationResult, totals: Totals): void => {
  const { clients } = outcome;
  count(outcome, totals);
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
export interface Totals {
  stored: number;
  offline: number;
  gaps: number;
  changes: number;
}

export const newTotals = (): Totals => ({ stored: 0, offline: 0, gaps: 0, changes: 0 });

const count = ({ clients }: SimulationResult, totals: Totals) => {
  for (const { received: events } of clients)
    for (const { type } of events) {
      if (type === 'stored') totals.stored += 1;
      if (type === 'offline') totals.offline += 1;
      if (type === 'gap') totals.gaps += 1;
      if (type === 'log-changed') totals.changes += 1;
    }
};

/** Returns the positions in the gaps reported to a client. */
const reportedGaps = ({ received: events }: ClientResult): ReadonlySet<number> =>
  new Set(
    events.flatMap((each) =>
      each.type === 'gap' ? Array.from({ length: each.to - each.from + 1 }, (_, k) => each.from + k) : [],
    ),
  );

/** Returns the lines that a client must receive: the log, except for its reported gaps. */
export const expectedLines = (life: ClientResult, log: readonly string[]): readonly string[] => {
  const missing = reportedGaps(life);
  return log.flatMap((entry, at) => (missing.has(at + 1) ? [] : linesOf(entry)));
};
