import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { concatMap, from, map, Subject, take, timer } from 'rxjs';
import type { Connection } from '../../streams/wire/connection.js';
import { LinkError } from '../../streams/wire/errors.js';
import { fakeConnection, type FakeConnection } from '../support/fakeConnection.js';
import { marbles } from '../support/marbles.js';
import { serving } from '../support/serving.js';
import { bytes, hello, token } from '../support/wire.js';

/** What one of them does, some ms after what was done before. */
interface Act {
  readonly nick: string;
  readonly does: 'come' | 'say' | 'ping' | 'go' | 'break' | 'drain' | 'blunder';
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
      arbitrary: fc.constantFrom('ping' as const, 'go' as const, 'break' as const, 'blunder' as const),
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
  gone: boolean;
}

/** Plays the acts in virtual time and gives all visits, in the order of their coming. */
const play = (acts: readonly Act[], options: { window: number; gather: number; turn: number }): Visit[] => {
  const visits: Visit[] = [];
  const present = new Map<string, Visit>();
  let spoken = 0;

  marbles(() => {
    const connection = new Subject<Connection>();
    const { window, gather, turn } = options;
    connection.pipe(serving({ window, gather, turn$: timer(turn) })).subscribe();

    const perform = ({ nick, does, answers }: Act) => {
      const visit = present.get(nick);
      if (visit === undefined) {
        if (does !== 'come') return;
        const chunk = new Subject<Uint8Array>();
        const writable = new Subject<void>();
        const made = fakeConnection({ chunk$: chunk, writable$: writable, answers });
        const coming = { nick, connection: made, chunk, writable, gone: false };
        made.line$.subscribe({ complete: () => ((coming.gone = true), present.delete(nick)) });
        visits.push(coming);
        present.set(nick, coming);
        connection.next(made);
        chunk.next(bytes(hello(nick, { last: 3 })));
        return;
      }
      const say = {
        come: () => undefined,
        say: () => visit.chunk.next(bytes(token(`${nick}_${++spoken}`))),
        ping: () => visit.chunk.next(bytes('PING 0')),
        go: () => visit.chunk.next(bytes('BYE')),
        break: () => visit.chunk.error(new LinkError('reset by peer')),
        blunder: () => visit.chunk.next(bytes(token(`${nick}_${++spoken}`), 'hello')),
        drain: () => visit.writable.next(),
      };
      say[does]();
    };
    from(acts)
      .pipe(concatMap((each) => timer(each.after).pipe(map(() => each))))
      .subscribe(perform);
    // In the end every sink takes all.
    timer(10_000, 10)
      .pipe(take(20))
      .subscribe(() => present.forEach(({ writable }) => writable.next()));
  });
  return visits;
};

/** What a visitor was written, by position; its controls are checked on the way. */
const entriesOf = ({ connection: { writes } }: Visit): { entries: Map<number, string>; next: number } => {
  const entries = new Map<number, string>();
  const [, welcome = '', ...lines] = writes.join('').split('\n').slice(0, -1);
  let next = Number(/^WELCOME .*\bfrom=(\d+)/.exec(welcome)?.[1] ?? 0);
  for (const line of lines) {
    const [verb, a, b] = line.split(' ');
    if (verb === 'GAP') {
      expect(Number(a)).toBe(next);
      next = Number(b) + 1;
    } else if (verb === 'PONG') expect(Number(a)).toBe(next - 1);
    else if (verb !== 'ERR') entries.set(next++, line);
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
const options = fc.record({ gather: fc.nat({ max: 6 }), turn: fc.nat({ max: 2 }) });
const watcher: Act = { nick: 'eve', does: 'come', after: 0, answers: '' };

describe('whatever members do, and however their sinks take it', () => {
  test('all see one order: each sender in its own, nobody who was not announced, and nothing is missing', () => {
    fc.assert(
      fc.property(acts, options, (all, more) => {
        const order = agreed(play([watcher, ...all], { window: 1 << 20, ...more })).slice(1);
        const announced = new Set<string>();
        const numbers: number[] = [];
        // The watcher has seen all, so there is no hole.
        for (const line of order) {
          const [, nick, number] = /^gAAAA([a-z]+)_(\d+)_/.exec(line) ?? [];
          if (nick !== undefined) {
            expect(announced).toContain(nick);
            numbers.push(Number(number));
          } else
            for (const each of line.slice(1).split(','))
              announced[line.startsWith('+') ? 'add' : 'delete'](each);
        }
        expect(numbers).toStrictEqual(Array.from({ length: numbers.length }, (_, n) => n + 1));
      }),
      { numRuns: 200 },
    );
  });

  test('who stays has everything in the end, or the GAP in its place', () => {
    fc.assert(
      fc.property(acts, options, fc.constantFrom(1 << 20, 2048), (all, more, window) => {
        const visits = play([watcher, ...all], { window, ...more });
        const end = agreed(visits).length;
        for (const visit of visits.filter(({ gone }) => !gone)) expect(entriesOf(visit).next).toBe(end);
      }),
      { numRuns: 200 },
    );
  });
});
