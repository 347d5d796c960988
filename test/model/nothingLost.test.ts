import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeEnvelope } from '../../streams/client/envelope.js';
import type { Heard } from '../../streams/client/conversation.js';
import { RefusedError } from '../../streams/wire/errors.js';
import type { Token } from '../../streams/client/cipher.js';
import { fakeCipher, keyOf } from '../support/fakeCipher.js';
import { type Deed, type Life, live, type Outcome, type Plan } from '../support/world.js';

/** More with `RXCHAT_MODEL_RUNS=5000 npm test -- test/model`. */
const RUNS = Number(process.env['RXCHAT_MODEL_RUNS'] ?? 300);

const CLIENTS = 3;
const who = fc.nat(CLIENTS - 1);

const everyday: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('say'), who, lines: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('join'), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave'), who }) },
);

const fault: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({ do: fc.constantFrom('freeze', 'thaw', 'thaw', 'reset', 'vanish'), who }),
  fc.record({
    do: fc.constantFrom('kill', 'start', 'start', 'start', 'start', 'drain', 'fill', 'empty', 'empty'),
  }),
);

const wait = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 30 }) },
  { weight: 3, arbitrary: fc.integer({ min: 30, max: 1500 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1500, max: 60_000 }) },
);

const planOf = (...kinds: fc.Arbitrary<Deed>[]): fc.Arbitrary<Plan> =>
  fc.record({
    clients: fc.constant(CLIENTS),
    isTwice: fc.boolean(),
    quality: fc.record({
      latency: fc.constantFrom(0, 1, 20, 3000),
      piece: fc.constantFrom(1, 50, 100_000),
    }),
    storing: fc.constantFrom(0, 1, 10, 500),
    keepsInFlight: fc.boolean(),
    deeds: fc.array(
      fc.tuple(
        wait,
        fc.oneof({ weight: 4, arbitrary: everyday }, ...kinds.map((arbitrary) => ({ weight: 1, arbitrary }))),
      ),
      { minLength: 5, maxLength: 60 },
    ),
    chance: fc.double({ min: 0, max: 0.99, noNaN: true }),
    window: fc.constantFrom(4096, 262_144),
  });

type Message = Extract<Heard, { type: 'message' }>;
const messagesOf = ({ heard }: Life) => heard.filter((each): each is Message => each.type === 'message');
const storedOf = ({ heard }: Life) => heard.flatMap((each) => (each.type === 'stored' ? each.lines : []));

const linesOf = (entry: string): readonly string[] => {
  const opened = fakeCipher.open(keyOf(1), entry as Token);
  return typeof opened === 'string' ? [] : (decodeEnvelope(opened)?.lines ?? []);
};

/** The positions that a client was told it misses. */
const told = ({ heard }: Life): ReadonlySet<number> =>
  new Set(
    heard.flatMap((each) =>
      each.type === 'gap' ? Array.from({ length: each.to - each.from + 1 }, (_, k) => each.from + k) : [],
    ),
  );

/** What every client must have heard: the log, but for what it was told it misses. */
const mustHear = (life: Life, log: readonly string[]): readonly string[] => {
  const missing = told(life);
  return log.flatMap((entry, at) => (missing.has(at + 1) ? [] : linesOf(entry)));
};

const checkEach = (outcome: Outcome) => {
  const { lives } = outcome;
  count(outcome);
  for (const life of lives) {
    // Only who never got in gives up.
    if (life.heard.some(({ type }) => type === 'welcome')) expect(life.failure).toBeUndefined();
    // Each nick is its owner's, from however many places.
    expect(life.failure).not.toBeInstanceOf(RefusedError);
    // Nobody lies here, whatever breaks.
    expect(life.heard.filter(({ type }) => type === 'alarm' || type === 'key-changed')).toStrictEqual([]);
    // Each message once, each own line stored once and in the order of saying.
    const texts = messagesOf(life).map(({ text }) => text);
    expect(new Set(texts).size).toBe(texts.length);
    const stored = storedOf(life);
    expect(stored).toStrictEqual(life.said.slice(0, stored.length));
    if (life.stayed) expect(stored).toStrictEqual(life.said);
  }
};

/** What all the runs of a test brought about: a world in which nothing happens proves nothing. */
const sum = { stored: 0, offline: 0, gaps: 0, changes: 0 };
beforeEach(() => {
  Object.assign(sum, { stored: 0, offline: 0, gaps: 0, changes: 0 });
});
const count = ({ lives }: Outcome) => {
  for (const { heard } of lives)
    for (const { type } of heard) {
      if (type === 'stored') sum.stored += 1;
      if (type === 'offline') sum.offline += 1;
      if (type === 'gap') sum.gaps += 1;
      if (type === 'log-changed') sum.changes += 1;
    }
};

describe('nothing is lost', () => {
  test('whatever breaks, everybody hears the one log, once, in order, and all that is said gets into it once', () => {
    fc.assert(
      fc.property(planOf(fault), (plan) => {
        const outcome = live(plan);
        const { lives, log } = outcome;
        checkEach(outcome);
        const said = log.flatMap(linesOf);
        expect(new Set(said).size).toBe(said.length);
        for (const life of lives) {
          const heard = messagesOf(life).map(({ text }) => text);
          expect(heard).toStrictEqual(life.stayed ? said : said.slice(0, heard.length));
          expect(said).toStrictEqual(expect.arrayContaining([...storedOf(life)]));
          expect(life.heard.filter(({ type }) => type === 'gap' || type === 'log-changed')).toStrictEqual([]);
        }
      }),
      { numRuns: RUNS },
    );
    expect(sum.stored).toBeGreaterThan(RUNS);
    expect(sum.offline).toBeGreaterThan(RUNS / 3);
  });

  test('where the relay forgets old entries, everybody is told exactly which ones it misses', () => {
    fc.assert(
      fc.property(planOf(fault, fc.constant<Deed>({ do: 'forget' })), (plan) => {
        const outcome = live(plan);
        checkEach(outcome);
        for (const life of outcome.lives.filter(({ stayed }) => stayed)) {
          const heard = new Set(messagesOf(life).map(({ text }) => text));
          const must = mustHear(life, outcome.log);
          // A line whose echo was in a hole is sent again; it is in the log twice then, and still heard once.
          expect([...new Set(must)].filter((text) => !heard.has(text))).toStrictEqual([]);
          expect([...heard].filter((text) => !must.includes(text))).toStrictEqual([]);
        }
      }),
      { numRuns: RUNS },
    );
    expect(sum.gaps).toBeGreaterThan(RUNS / 100);
  });

  test('where the log itself is lost, everybody is told, hears nothing twice, and what was pending is stored', () => {
    fc.assert(
      fc.property(planOf(fault, fc.constant<Deed>({ do: 'wipe' })), (plan) => {
        const outcome = live(plan);
        checkEach(outcome);
        const said = outcome.log.flatMap(linesOf);
        for (const life of outcome.lives.filter(({ stayed }) => stayed)) {
          expect(messagesOf(life).map(({ text }) => text)).toStrictEqual(expect.arrayContaining([...said]));
          const logs = life.heard.flatMap((each) => (each.type === 'welcome' ? [each.log] : []));
          const changes = logs.filter((log, at) => at > 0 && log !== logs[at - 1]);
          expect(life.heard.filter(({ type }) => type === 'log-changed')).toHaveLength(changes.length);
        }
      }),
      { numRuns: RUNS },
    );
    expect(sum.changes).toBeGreaterThan(RUNS / 10);
  });
});
