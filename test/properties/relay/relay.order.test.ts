import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { concatMap, from, map, Subject, take, timer } from 'rxjs';
import type { RelayFixtureOptions } from '../../support/relayFixture.js';
import type { Connection } from '../../../streams/wire/connection.js';
import { ConnectionError } from '../../../streams/wire/errors.js';
import { fakeConnection, type FakeConnection } from '../../support/fakeConnection.js';
import { fakeHistory, type FakeHistory } from '../../support/fakeHistory.js';
import { marbles } from '../../support/marbles.js';
import { relayFixture } from '../../support/relayFixture.js';
import { bytes, hello, LOBBY, token } from '../../support/wire.js';

/** An action of a visitor, some ms after the previous one. */
interface Action {
  readonly nick: string;
  readonly does: 'come' | 'move' | 'message' | 'ping' | 'go' | 'break' | 'drain' | 'blunder';
  readonly after: number;
  /** How its sink answers, and when it joins. */
  readonly answers: string;
}

const action: fc.Arbitrary<Action> = fc.record({
  nick: fc.constantFrom('alice', 'bob', 'carol', 'dave'),
  does: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom('come' as const, 'message' as const, 'drain' as const) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        'move' as const,
        'ping' as const,
        'go' as const,
        'break' as const,
        'blunder' as const,
      ),
    },
  ),
  after: fc.nat({ max: 3 }),
  // A sink that throws is included: it fails when a line is delivered to it.
  answers: fc
    .array(fc.constantFrom('y', 'y', 'y', 'n', 'n', '!'), { maxLength: 12 })
    .map((all) => all.join('')),
});

interface Stay {
  readonly nick: string;
  readonly connection: FakeConnection;
  readonly chunk: Subject<Uint8Array>;
  readonly writable: Subject<void>;
  /** The numbers of its tokens. */
  readonly sent: number[];
  isClosed: boolean;
  /** It has ended its connection, or sent a line that ends it; the relay may close it later. */
  isOver: boolean;
}

/** Runs the actions in virtual time and returns all visits in the order of their joins. */
const play = (
  acts: readonly Action[],
  { tick, ...options }: RelayFixtureOptions & { tick: number },
): Stay[] => {
  const visits: Stay[] = [];
  const present = new Map<string, Stay>();
  let sentCount = 0;

  marbles(() => {
    const connection = new Subject<Connection>();
    connection.pipe(relayFixture({ endOfTick$: timer(tick), ...options })).subscribe();

    const perform = ({ nick, does, answers }: Action) => {
      const visit = present.get(nick);
      // A visitor that moves returns while its old connection is open, and sends nothing more over the old one.
      if (visit === undefined ? does === 'come' : does === 'move') {
        const chunk = new Subject<Uint8Array>();
        const writable = new Subject<void>();
        const made = fakeConnection({ chunk$: chunk, writable$: writable, writeResults: answers });
        const coming: Stay = {
          nick,
          connection: made,
          chunk,
          writable,
          sent: [],
          isClosed: false,
          isOver: false,
        };
        made.line$.subscribe({
          complete: () => {
            coming.isClosed = true;
            if (present.get(nick) === coming) present.delete(nick);
          },
        });
        visits.push(coming);
        present.set(nick, coming);
        connection.next(made);
        chunk.next(bytes(hello(nick, { last: 3 })));
        return;
      }
      if (visit === undefined) return;
      const speak = () => {
        // Nobody may receive this one: no number is 0.
        if (visit.isOver) return token(`${nick}_0`);
        visit.sent.push((sentCount += 1));
        return token(`${nick}_${sentCount}`);
      };
      const send = {
        come: () => undefined,
        move: () => undefined,
        message: () => visit.chunk.next(bytes(speak())),
        ping: () => visit.chunk.next(bytes('PING 0')),
        go: () => visit.chunk.next(bytes('BYE')),
        break: () => visit.chunk.error(new ConnectionError('reset by peer')),
        blunder: () => visit.chunk.next(bytes(speak(), 'hello')),
        drain: () => visit.writable.next(),
      };
      send[does]();
      visit.isOver ||= does === 'go' || does === 'break' || does === 'blunder';
    };
    from(acts)
      .pipe(concatMap((each) => timer(each.after).pipe(map(() => each))))
      .subscribe(perform);
    // In the end every sink accepts everything.
    timer(10_000, 10)
      .pipe(take(20))
      .subscribe(() => visits.forEach(({ writable }) => writable.next()));
  });
  return visits;
};

/** Returns the lines written to a visitor by position, and checks its control lines. */
const entriesOf = ({ connection: { writes } }: Stay): { entries: Map<number, string>; next: number } => {
  const entries = new Map<number, string>();
  const all = writes.join('').split('\n').slice(0, -1);
  // Nothing counts after an ERR, which may come before a WELCOME that was on its way.
  const end = all.findIndex((line) => line.startsWith('ERR '));
  const [, welcome = '', ...lines] = end < 0 ? all : all.slice(0, end);
  let next = Number(/^WELCOME .*\bfrom=(\d+)/.exec(welcome)?.[1] ?? 0);
  for (const line of lines) {
    const [verb, a, b] = line.split(' ');
    if (verb === 'GAP') {
      expect(Number(a)).toBe(next);
      next = Number(b) + 1;
    } else if (verb === 'PONG') expect(Number(a)).toBe(next - 1);
    else entries.set(next++, line);
  }
  return { entries, next };
};

/** Returns the order that all visitors agree on, and fails if they do not. */
const agreed = (visits: readonly Stay[]): string[] => {
  const order: string[] = [];
  for (const visit of visits)
    for (const [position, line] of entriesOf(visit).entries) {
      order[position] ??= line;
      expect([position, line]).toStrictEqual([position, order[position]]);
    }
  return order;
};

const arbitraryActions = fc.array(action, { maxLength: 120 });
const options = fc.record({
  coalesceMs: fc.nat({ max: 6 }),
  tick: fc.nat({ max: 2 }),
  reconnectGraceMs: fc.nat({ max: 8 }),
});
/** The time to store, in ms, or `undefined` if there is no store. */
const storing = fc.option(fc.nat({ max: 7 }), { nil: undefined });
const storeFor = (ms: number | undefined, failing?: () => boolean): FakeHistory | undefined =>
  ms === undefined
    ? undefined
    : fakeHistory({
        commitDelay: () => timer(ms),
        ...(failing && { failsAppend: failing }),
        maxReadBytes: 700,
      });
const quick = (nick: string, ...all: readonly Action['does'][]): Action[] =>
  all.map((does) => ({ nick, does, after: 0, answers: '' }));
const watcher: Action = { nick: 'eve', does: 'come', after: 0, answers: '' };

/** The sender and the number of a line. */
const sentIn = (line: string): { nick: string; number: number } | undefined => {
  const [, nick, number] = /^gAAAA([a-z]+)_(\d+)_/.exec(line) ?? [];
  return nick === undefined ? undefined : { nick, number: Number(number) };
};

/** Returns the numbers of all tokens in order, and checks that their senders were announced before. */
const numbersOf = (order: readonly string[]): number[] => {
  const announced = new Set<string>();
  return order.flatMap((line) => {
    const sent = sentIn(line);
    if (sent !== undefined) {
      expect(announced).toContain(sent.nick);
      return [sent.number];
    }
    for (const each of line.slice(1).split(',')) announced[line.startsWith('+') ? 'add' : 'delete'](each);
    return [];
  });
};

describe('the relay with any behaviour of members and sinks', () => {
  test('gives all members one order without omissions, and no unannounced sender', () => {
    fc.assert(
      fc.property(arbitraryActions, options, storing, (all, more, ms) => {
        const history = storeFor(ms);
        const visits = play([watcher, ...all], { windowBytes: 1 << 20, ...more, history });
        // The watcher has seen everything, so there is no gap.
        const order = agreed(visits).slice(1);
        const numbers = numbersOf(order);
        expect(numbers).toStrictEqual(Array.from({ length: numbers.length }, (_, n) => n + 1));
        if (history !== undefined) expect(history.lines(LOBBY)).toStrictEqual(order);
      }),
      {
        numRuns: 200,
        // A visitor that breaks while its join is stored is closed later.
        examples: [
          [
            [...quick('carol', 'come', 'break', 'message'), ...quick('dave', 'come', 'message')],
            { coalesceMs: 0, tick: 0, reconnectGraceMs: 0 },
            0,
          ],
        ],
      },
    );
  });

  test('delivers everything, or the GAP in its place, to members that stay', () => {
    fc.assert(
      fc.property(
        arbitraryActions,
        options,
        storing,
        fc.constantFrom(1 << 20, 2048),
        (all, more, ms, window) => {
          const history = storeFor(ms);
          const visits = play([watcher, ...all], { windowBytes: window, ...more, history });
          const end = agreed(visits).length;
          for (const visit of visits.filter(({ isClosed }) => !isClosed))
            expect(entriesOf(visit).next).toBe(end);
          // Entries no longer in memory are read from the store.
          if (history !== undefined)
            for (const { connection } of visits) expect(connection.writes.join('')).not.toContain('GAP');
        },
      ),
      { numRuns: 200 },
    );
  });

  test('gives all members the stored order although the store fails now and then', () => {
    let failed = 0;
    const outages = fc.array(fc.boolean(), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(arbitraryActions, options, fc.nat({ max: 7 }), outages, (all, more, ms, outage) => {
        let requested = 0;
        const failing = () => {
          const fails = outage[(requested += 1) % outage.length] === true && requested < 40;
          failed += Number(fails);
          return fails;
        };
        const history = storeFor(ms, failing);
        const visits = play([watcher, ...all], { windowBytes: 2048, ...more, history });
        const stored = history?.lines(LOBBY) ?? [];
        const numbers = numbersOf(stored);
        expect(numbers).toStrictEqual([...numbers].sort((a, b) => a - b));
        // The store has a prefix of the tokens of one connection, and nothing after a token that it did not accept.
        for (const { sent } of visits) {
          const retained = sent.filter((number) => numbers.includes(number));
          expect(retained).toStrictEqual(sent.slice(0, retained.length));
        }
        for (const [position, line] of Object.entries(agreed(visits)))
          expect([position, line]).toStrictEqual([position, stored[Number(position) - 1]]);
        for (const visit of visits.filter(({ isClosed }) => !isClosed))
          expect(entriesOf(visit).next).toBe(stored.length + 1);
      }),
      { numRuns: 200 },
    );
    expect(failed).toBeGreaterThan(0);
  });
});
