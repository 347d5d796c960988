import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { concatMap, from, map, Subject, take, timer } from 'rxjs';
import type { RelayOptions } from '../../streams/relay/relay.js';
import type { Connection } from '../../streams/wire/connection.js';
import { LinkError } from '../../streams/wire/errors.js';
import { fakeConnection, type FakeConnection } from '../support/fakeConnection.js';
import { fakeHistory, type FakeHistory } from '../support/fakeHistory.js';
import { marbles } from '../support/marbles.js';
import { serving } from '../support/serving.js';
import { bytes, hello, LOBBY, token } from '../support/wire.js';

/** What one of them does, some ms after what was done before. */
interface Act {
  readonly nick: string;
  readonly does: 'come' | 'move' | 'say' | 'ping' | 'go' | 'break' | 'drain' | 'blunder';
  readonly after: number;
  /** How its sink answers, when it comes. */
  readonly answers: string;
}

const act: fc.Arbitrary<Act> = fc.record({
  nick: fc.constantFrom('alice', 'bob', 'carol', 'dave'),
  does: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom('come' as const, 'say' as const, 'drain' as const) },
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
  // A sink that throws is one of them: it fails while a line is delivered to it.
  answers: fc
    .array(fc.constantFrom('y', 'y', 'y', 'n', 'n', '!'), { maxLength: 12 })
    .map((all) => all.join('')),
});

interface Visit {
  readonly nick: string;
  readonly connection: FakeConnection;
  readonly chunk: Subject<Uint8Array>;
  readonly writable: Subject<void>;
  /** The numbers of its tokens. */
  readonly said: number[];
  gone: boolean;
  /** It has ended its link, or said what ends it; the relay may close it later. */
  over: boolean;
}

/** Plays the acts in virtual time and gives all visits, in the order of their coming. */
const play = (
  acts: readonly Act[],
  { turn, ...options }: Partial<RelayOptions> & { turn: number },
): Visit[] => {
  const visits: Visit[] = [];
  const present = new Map<string, Visit>();
  let spoken = 0;

  marbles(() => {
    const connection = new Subject<Connection>();
    connection.pipe(serving({ turn$: timer(turn), ...options })).subscribe();

    const perform = ({ nick, does, answers }: Act) => {
      const visit = present.get(nick);
      // Who moves comes back while its old connection is still there; from then on it says nothing over that one.
      if (visit === undefined ? does === 'come' : does === 'move') {
        const chunk = new Subject<Uint8Array>();
        const writable = new Subject<void>();
        const made = fakeConnection({ chunk$: chunk, writable$: writable, answers });
        const coming: Visit = { nick, connection: made, chunk, writable, said: [], gone: false, over: false };
        made.line$.subscribe({
          complete: () => {
            coming.gone = true;
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
        // Nobody may get this one: no number is 0.
        if (visit.over) return token(`${nick}_0`);
        visit.said.push((spoken += 1));
        return token(`${nick}_${spoken}`);
      };
      const say = {
        come: () => undefined,
        move: () => undefined,
        say: () => visit.chunk.next(bytes(speak())),
        ping: () => visit.chunk.next(bytes('PING 0')),
        go: () => visit.chunk.next(bytes('BYE')),
        break: () => visit.chunk.error(new LinkError('reset by peer')),
        blunder: () => visit.chunk.next(bytes(speak(), 'hello')),
        drain: () => visit.writable.next(),
      };
      say[does]();
      visit.over ||= does === 'go' || does === 'break' || does === 'blunder';
    };
    from(acts)
      .pipe(concatMap((each) => timer(each.after).pipe(map(() => each))))
      .subscribe(perform);
    // In the end every sink takes all.
    timer(10_000, 10)
      .pipe(take(20))
      .subscribe(() => visits.forEach(({ writable }) => writable.next()));
  });
  return visits;
};

/** What a visitor was written, by position; its controls are checked on the way. */
const entriesOf = ({ connection: { writes } }: Visit): { entries: Map<number, string>; next: number } => {
  const entries = new Map<number, string>();
  const all = writes.join('').split('\n').slice(0, -1);
  // Behind an ERR nothing counts; it may come before a WELCOME that was on its way.
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

/** The one order that all visitors agree on; where they do not, this fails. */
const agreed = (visits: readonly Visit[]): string[] => {
  const order: string[] = [];
  for (const visit of visits)
    for (const [position, line] of entriesOf(visit).entries) {
      order[position] ??= line;
      expect([position, line]).toStrictEqual([position, order[position]]);
    }
  return order;
};

const acts = fc.array(act, { maxLength: 120 });
const options = fc.record({
  gather: fc.nat({ max: 6 }),
  turn: fc.nat({ max: 2 }),
  grace: fc.nat({ max: 8 }),
});
/** How long storing takes; `undefined`: there is no store. */
const storing = fc.option(fc.nat({ max: 7 }), { nil: undefined });
const storeFor = (ms: number | undefined, failing?: () => boolean): FakeHistory | undefined =>
  ms === undefined
    ? undefined
    : fakeHistory({ delay: () => timer(ms), ...(failing && { failing }), slice: 700 });
const quick = (nick: string, ...all: readonly Act['does'][]): Act[] =>
  all.map((does) => ({ nick, does, after: 0, answers: '' }));
const watcher: Act = { nick: 'eve', does: 'come', after: 0, answers: '' };

/** Who spoke in which line, and what number it was. */
const spokenIn = (line: string): { nick: string; number: number } | undefined => {
  const [, nick, number] = /^gAAAA([a-z]+)_(\d+)_/.exec(line) ?? [];
  return nick === undefined ? undefined : { nick, number: Number(number) };
};

/** The numbers of all tokens, in order; that their speakers were announced before is checked on the way. */
const numbersOf = (order: readonly string[]): number[] => {
  const announced = new Set<string>();
  return order.flatMap((line) => {
    const spoken = spokenIn(line);
    if (spoken !== undefined) {
      expect(announced).toContain(spoken.nick);
      return [spoken.number];
    }
    for (const each of line.slice(1).split(',')) announced[line.startsWith('+') ? 'add' : 'delete'](each);
    return [];
  });
};

describe('whatever members do, and however their sinks take it', () => {
  test('all see one order: each sender in its own, nobody who was not announced, and nothing is missing', () => {
    fc.assert(
      fc.property(acts, options, storing, (all, more, ms) => {
        const history = storeFor(ms);
        const visits = play([watcher, ...all], { window: 1 << 20, ...more, history });
        // The watcher has seen all, so there is no hole.
        const order = agreed(visits).slice(1);
        const numbers = numbersOf(order);
        expect(numbers).toStrictEqual(Array.from({ length: numbers.length }, (_, n) => n + 1));
        if (history !== undefined) expect(history.lines(LOBBY)).toStrictEqual(order);
      }),
      {
        numRuns: 200,
        // Who breaks while its joining is stored is closed later.
        examples: [
          [
            [...quick('carol', 'come', 'break', 'say'), ...quick('dave', 'come', 'say')],
            { gather: 0, turn: 0, grace: 0 },
            0,
          ],
        ],
      },
    );
  });

  test('who stays has everything in the end, or the GAP in its place', () => {
    fc.assert(
      fc.property(acts, options, storing, fc.constantFrom(1 << 20, 2048), (all, more, ms, window) => {
        const history = storeFor(ms);
        const visits = play([watcher, ...all], { window, ...more, history });
        const end = agreed(visits).length;
        for (const visit of visits.filter(({ gone }) => !gone)) expect(entriesOf(visit).next).toBe(end);
        // What has left the memory is read from the store.
        if (history !== undefined)
          for (const { connection } of visits) expect(connection.writes.join('')).not.toContain('GAP');
      }),
      { numRuns: 200 },
    );
  });

  test('all see one order though the store fails now and then, and it is what is stored', () => {
    let failed = 0;
    const outages = fc.array(fc.boolean(), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(acts, options, fc.nat({ max: 7 }), outages, (all, more, ms, outage) => {
        let asked = 0;
        const failing = () => {
          const fails = outage[(asked += 1) % outage.length] === true && asked < 40;
          failed += Number(fails);
          return fails;
        };
        const history = storeFor(ms, failing);
        const visits = play([watcher, ...all], { window: 2048, ...more, history });
        const stored = history?.lines(LOBBY) ?? [];
        const numbers = numbersOf(stored);
        expect(numbers).toStrictEqual([...numbers].sort((a, b) => a - b));
        // Of what is said over one connection the store has the beginning, and nothing behind what it did not take.
        for (const { said } of visits) {
          const kept = said.filter((number) => numbers.includes(number));
          expect(kept).toStrictEqual(said.slice(0, kept.length));
        }
        for (const [position, line] of Object.entries(agreed(visits)))
          expect([position, line]).toStrictEqual([position, stored[Number(position) - 1]]);
        for (const visit of visits.filter(({ gone }) => !gone))
          expect(entriesOf(visit).next).toBe(stored.length + 1);
      }),
      { numRuns: 200 },
    );
    expect(failed).toBeGreaterThan(0);
  });
});
