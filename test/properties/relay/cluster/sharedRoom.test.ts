import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { config } from 'rxjs';
import { random, type Random } from '../../../fuzz/random.js';
import { fakeEngine } from '../../../support/fakeLedger.js';
import { ALL_FAULTS, faultyLedger, type LedgerFaults } from '../../../support/faultyLedger.js';
import { readRoom, type RelayClient, type Relays, startRelays } from '../../../support/relays.js';
import { chooseSeed } from '../../../support/seed.js';
import { LOBBY, token } from '../../../support/wire.js';
import { hashSession } from '../../../../streams/relay/cluster/sharedRoster.js';
import { fakeHash } from '../../../support/envelopes.js';

/** Runs per test; more with `RXCHAT_MODEL_RUNS=1000 RXCHAT_SEED=random npm test -- test/properties/relay/cluster`. */
const RUNS = Number(process.env['RXCHAT_MODEL_RUNS'] ?? 12);
const SEED = chooseSeed(7);
const STEPS = 60;
const NICKS = ['alice', 'bob', 'carol', 'dave'];

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
});
afterEach(() => {
  config.onUnhandledError = null;
  jest.useRealTimers();
});

/** One random step. */
const step = (relays: Relays, count: number, dice: Random, kills: boolean, next: () => string): void => {
  const relay = dice.below(count);
  const open = relays.clients.filter(({ isOpen }) => isOpen);
  const client = open.length > 0 ? dice.pick(open) : undefined;
  const roll = dice.below(100);
  if (roll < 25 && relays.isRunning(relay)) {
    // The same session at two relays, or another session with the same nick.
    const nick = dice.pick(NICKS);
    relays.join(relay, nick, {
      ...(dice.below(4) === 0 && { session: `other-${nick}` }),
      // From the start, which may be in the engine alone.
      ...(dice.below(2) === 0 && { after: { log: '*', n: 0 } }),
    });
  } else if (roll < 70) client?.send(...Array.from({ length: 1 + dice.below(3) }, next));
  else if (roll < 75) client?.ping();
  else if (roll < 85) client?.leave(dice.below(2) === 0 ? 'bye' : 'broken');
  else if (!kills) return;
  else if (roll < 89) relays.kill(relay);
  else if (roll < 94) relays.start(relay);
  else if (roll < 97) relays.cut(relay);
  else relays.heal(relay);
};

/** The entries that a client was sent, and the position of the first one. */
const received = ({ lines }: RelayClient): { readonly from: number; readonly entries: readonly string[] } => {
  const welcome = lines.find((line) => line.startsWith('WELCOME'));
  const entries = lines.filter((line) => !/^(WELCOME|PING|PONG|ERR|BYE)\b/.test(line));
  return { from: Number(/ from=(\d+)/.exec(welcome ?? '')?.[1] ?? 0), entries };
};

interface Run {
  readonly seed: number;
  readonly relays: number;
  readonly faults: LedgerFaults;
  readonly kills: boolean;
}

/** Runs random steps, then ends all faults, waits, and checks what everyone has. */
const play = ({ seed, relays: count, faults, kills }: Run): void => {
  const failures: unknown[] = [];
  config.onUnhandledError = (error) => failures.push(error);
  const dice = random(seed);
  let current: LedgerFaults = faults;
  const engine = fakeEngine();
  const wrap = (ledger: Parameters<typeof faultyLedger>[0]) =>
    faultyLedger(ledger, { engine, random: () => dice.below(2 ** 30) / 2 ** 30, faults: () => current });
  const relays = startRelays({
    engine,
    count,
    wrap,
    checkMs: 1000,
    room: { coalesceMs: 100, windowBytes: 4096 },
  });
  let marks = 0;
  for (let at = 0; at < STEPS; at += 1) {
    step(relays, count, dice, kills, () => `m${(marks += 1)}m`);
    jest.advanceTimersByTime(dice.below(4) === 0 ? dice.below(3000) : dice.below(30));
  }
  current = {};
  for (let relay = 0; relay < count; relay += 1) {
    relays.start(relay);
    relays.heal(relay);
  }
  jest.advanceTimersByTime(60_000);

  expect(failures).toStrictEqual([]);
  expect(relays.errors).toStrictEqual([]);
  const room = readRoom(engine);
  expect(room.fault).toBeUndefined();
  // Each token is in the log at most once.
  const tokens = room.lines.filter((line) => line.startsWith('gAAAA'));
  expect(new Set(tokens).size).toBe(tokens.length);
  const positions = new Map(room.lines.map((line, at) => [line, at + 1]));

  for (const client of relays.clients) {
    const { from, entries } = received(client);
    // It read the log, from its position on, without a gap. To its end, if it is still there.
    const expected = from === 0 ? [] : room.lines.slice(from - 1);
    expect(entries).toStrictEqual(expected.slice(0, entries.length));
    if (client.isOpen)
      expect([client.member.nick, entries.length]).toStrictEqual([client.member.nick, expected.length]);
    const own = client.sent.map((mark) => positions.get(token(mark)));
    const stored = own.filter((position) => position !== undefined);
    // What is stored of it is in order, and not fewer lines than were reported.
    expect(stored).toStrictEqual([...stored].sort((a, b) => a - b));
    expect(client.stored).toBeLessThanOrEqual(stored.length);
    // Nothing of a client that is still there is missing.
    if (client.isOpen && from > 0)
      expect([client.stored, stored.length]).toStrictEqual([own.length, own.length]);
  }
  // The members of the roster are those whose connections are open.
  const connected = [...room.roster.entries()].filter(({ isAway }) => !isAway);
  expect(connected.map(({ member }) => `${member.nick} ${member.session}`).sort()).toStrictEqual(
    relays.clients
      .filter(({ isOpen }) => isOpen)
      .map(({ member }) => `${member.nick} ${hashSession(LOBBY, member.session, fakeHash)}`)
      .sort(),
  );
  relays.stop();
};

const seeds = Array.from({ length: RUNS }, (_, run) => SEED * 1000 + run);

describe('relays that share a room', () => {
  test.each(seeds)('agree without faults (seed %i)', (seed) => {
    play({ seed, relays: 2, faults: {}, kills: false });
  });

  test.each(seeds)('agree if relays are killed and cut off (seed %i)', (seed) => {
    play({ seed, relays: 3, faults: {}, kills: true });
  });

  test.each(seeds)('agree with an engine that is as bad as allowed (seed %i)', (seed) => {
    play({ seed, relays: 2, faults: ALL_FAULTS, kills: false });
  });

  test.each(seeds)('agree with all of that (seed %i)', (seed) => {
    play({ seed, relays: 3, faults: ALL_FAULTS, kills: true });
  });
});
