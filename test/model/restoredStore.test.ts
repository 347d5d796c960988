import { describe, expect, test } from '@jest/globals';
import { map, type Observable, Subject, type Subscription, timer } from 'rxjs';
import { createJoinRoom, type JoinRoomOptions } from '../../src/platform/createJoinRoom.js';
import { FAKE_INVITE, fakeIdentity, fakePlatform } from '../../src/testing/fakePlatform.js';
import type { ClientEvent, OutgoingMessage } from '../../streams/client/index.js';
import { decodeTextLossy, encodeText } from '../../streams/wire/encoding.js';
import { marbles } from '../support/marbles.js';
import { savedCursor } from '../support/savedCursor.js';
import { type RestorableRelay, restorableRelay } from '../support/restorableRelay.js';

/** A client of a room, over all of its runs. */
interface Person {
  /** Starts a run. It begins at the cursor of the last one, or at the first entry. */
  readonly start: (options?: Partial<JoinRoomOptions>) => void;
  readonly stop: () => void;
  readonly send: (from: number, to?: number) => void;
  /** What was shown in all runs. */
  readonly texts: readonly string[];
  /** The reasons of alarms. */
  readonly alarms: readonly string[];
  /** What was reported of the log: changes, and gaps. */
  readonly changes: readonly object[];
  /** Numbers that have receipts. */
  readonly stored: readonly string[];
}

const person = (relay: RestorableRelay, nick: string, mark: number): Person => {
  const joinRoom = createJoinRoom(fakePlatform(relay));
  const texts: string[] = [];
  const alarms: string[] = [];
  const changes: object[] = [];
  const stored: string[] = [];
  let running: Subscription | undefined;
  let messages = new Subject<OutgoingMessage>();
  const cursor = savedCursor();

  const note = (event: ClientEvent) => {
    if (event.type === 'message') texts.push(event.text);
    if (event.type === 'alarm') alarms.push(event.reason);
    if (event.type === 'log-changed' || event.type === 'gap') changes.push(event);
    if (event.type === 'stored') stored.push(...event.lines);
  };
  return {
    ...{ texts, alarms, changes, stored },
    start: (options = {}) => {
      messages = new Subject();
      const { start, track } = cursor.begin();
      running = (messages as Observable<OutgoingMessage>)
        .pipe(
          joinRoom(FAKE_INVITE, {
            nick,
            identity: fakeIdentity(mark),
            after: { log: '*', n: 0 },
            ...start,
            ...options,
          }),
        )
        .subscribe({
          next: (event) => {
            note(event);
            track(event);
          },
          error: (error: unknown) => changes.push({ error }),
        });
    },
    stop: () => running?.unsubscribe(),
    send: (from, to = from) => {
      for (let n = from; n <= to; n += 1) messages.next({ lines: [`${n}`] });
    },
  };
};

/** Runs steps at times in ms, for a minute of virtual time. */
const play = (
  steps: (relay: RestorableRelay, members: Record<string, Person>) => Readonly<Record<number, () => void>>,
) => {
  const members: Record<string, Person> = {};
  marbles(
    ({ expectObservable }) => {
      const relay = restorableRelay();
      ['alice', 'bob', 'carol', 'dave'].forEach((nick, index) => {
        members[nick] = person(relay, nick, 11 + index);
      });
      for (const [ms, step] of Object.entries(steps(relay, members))) timer(Number(ms)).subscribe(step);
      timer(60_000).subscribe(() => {
        for (const each of Object.values(members)) each.stop();
        relay.stop();
      });
      expectObservable(timer(60_000)).toBe('60s (a|)', { a: 0 });
    },
    { untilMs: 61_000 },
  );
  return members as Readonly<Record<'alice' | 'bob' | 'carol' | 'dave', Person>>;
};

const numbers = (from: number, to: number): readonly string[] =>
  Array.from({ length: to - from + 1 }, (_, n) => String(from + n));

describe('a store that is restored', () => {
  test('loses no message and shows none twice: to readers that go on or come back, and to new ones', () => {
    const { alice, bob, carol, dave } = play((relay, { alice, bob, carol, dave }) => ({
      0: () => alice!.start(),
      100: () => bob!.start(),
      200: () => carol!.start(),
      1000: () => alice!.send(1, 5),
      2000: () => relay.backUp(),
      3000: () => alice!.send(6, 45),
      4000: () => carol!.stop(),
      // Sealed in the former log, and without a receipt.
      5000: () => relay.inject({ type: 'freeze' }),
      5001: () => alice!.send(46, 47),
      5010: () => relay.restore(),
      10_000: () => alice!.send(48, 50),
      11_000: () => carol!.start(),
      12_000: () => dave!.start(),
      13_000: () => bob!.send(51),
    }));
    const retained = [...numbers(1, 5), ...numbers(46, 51)];
    expect(bob.texts).toStrictEqual(numbers(1, 51));
    expect(carol.texts).toStrictEqual(numbers(1, 51));
    expect(dave.texts).toStrictEqual(retained);
    expect(alice.stored).toStrictEqual(numbers(1, 50));
    for (const each of [alice, bob, carol, dave]) expect(each.alarms).toStrictEqual([]);
    // Two announcements and five messages were kept.
    const change = { type: 'log-changed', log: 'log-2', shared: 7 };
    expect(bob.changes).toStrictEqual([{ ...change, lost: 41 }]);
    expect(carol.changes).toStrictEqual([{ ...change, lost: 40 }]);
    expect(dave.changes).toStrictEqual([]);
  });

  test('is read on by a reader that had read no more than was kept, without the entries that it knows', () => {
    const { bob } = play((relay, { alice, bob }) => ({
      0: () => alice!.start(),
      100: () => bob!.start(),
      1000: () => alice!.send(1, 3),
      2000: () => bob!.stop(),
      3000: () => alice!.send(4, 5),
      4000: () => relay.backUp(),
      5000: () => alice!.send(6, 9),
      6000: () => relay.restore(),
      9000: () => alice!.send(10, 12),
      10_000: () => bob!.start(),
    }));
    expect(bob.texts).toStrictEqual([...numbers(1, 5), ...numbers(10, 12)]);
    expect(bob.changes).toMatchObject([{ type: 'log-changed', lost: 0 }]);
    expect(bob.alarms).toStrictEqual([]);
  });

  test('is read again from its first entry by a client that does not know ancestors, or no hash of the last common entry', () => {
    for (const isOlder of [true, false]) {
      const { bob, carol } = play((relay, { alice, bob, carol }) => {
        const more = isOlder ? { connect: withoutAncestors(relay) } : { earlierHashAt: () => undefined };
        return {
          0: () => alice!.start(),
          100: () => bob!.start(more),
          200: () => carol!.start(more),
          1000: () => alice!.send(1, 3),
          2000: () => relay.backUp(),
          3000: () => alice!.send(4, 5),
          4000: () => carol!.stop(),
          5000: () => relay.restore(),
          9000: () => alice!.send(6),
          10_000: () => carol!.start(more),
        };
      });
      // A client that runs recognizes what it has shown.
      expect(bob.texts).toStrictEqual(numbers(1, 6));
      expect(carol.texts).toStrictEqual([...numbers(1, 5), ...numbers(1, 3), '6']);
      expect(carol.changes).toStrictEqual([{ type: 'log-changed', log: 'log-2' }]);
      expect(bob.alarms).toStrictEqual([]);
      // An older client does not know that messages between were lost.
      expect(carol.alarms).toStrictEqual(isOlder ? ['hole'] : []);
    }
  });

  test('can be restored again and again: new members read what is left, and see no alarm', () => {
    const { alice, bob, dave } = play((relay, { alice, bob, dave }) => {
      const steps: Record<number, () => void> = { 0: () => alice!.start(), 100: () => bob!.start() };
      for (let n = 0; n < 4; n += 1) {
        const time = 1000 + 10_000 * n;
        Object.assign(steps, {
          [time]: () => alice!.send(10 * n + 1, 10 * n + 3),
          [time + 1000]: () => relay.backUp(),
          [time + 2000]: () => alice!.send(10 * n + 4, 10 * n + 5),
          [time + 3000]: () => relay.inject({ type: 'freeze' }),
          [time + 3001]: () => alice!.send(10 * n + 6, 10 * n + 7),
          [time + 4000]: () => relay.restore(),
        });
      }
      return { ...steps, 50_000: () => dave!.start(), 51_000: () => alice!.send(50) };
    });
    const tens = [0, 10, 20, 30];
    expect(bob.texts).toStrictEqual([...tens.flatMap((n) => numbers(n + 1, n + 7)), '50']);
    expect(dave.texts).toStrictEqual([
      ...tens.flatMap((n) => [...numbers(n + 1, n + 3), ...numbers(n + 6, n + 7)]),
      '50',
    ]);
    for (const each of [alice, bob, dave]) expect(each.alarms).toStrictEqual([]);
  });

  test.each([
    ['more than the copy shares', 1],
    ['less than the copy shares', 9],
  ])(
    'after a rollback that nothing detected, shows its new entries to a reader that had read %s',
    (_, grown) => {
      const { bob } = play((relay, { alice, bob, carol }) => ({
        0: () => alice!.start(),
        100: () => bob!.start(),
        1000: () => alice!.send(1, 3),
        2000: () => relay.backUp(),
        3000: () => alice!.send(4, 7),
        4000: () => bob!.stop(),
        4500: () => alice!.stop(),
        5000: () => relay.rollBack(),
        6000: () => carol!.start(),
        7000: () => carol!.send(101, 100 + grown),
        8000: () => relay.backUp(),
        8500: () => relay.restore(),
        9000: () => bob!.start(),
        12_000: () => carol!.send(200),
      }));
      expect(bob.texts.slice(0, 7)).toStrictEqual(numbers(1, 7));
      for (const text of [...numbers(101, 100 + grown), '200'])
        expect(bob.texts.filter((each) => each === text)).toStrictEqual([text]);
      expect(bob.changes).toStrictEqual([{ type: 'log-changed', log: 'log-2' }]);
    },
  );
});

/** Connects as a client that does not know the field `ancestors`. */
const withoutAncestors = (relay: RestorableRelay) => () =>
  relay.connect().pipe(
    map((connection) => ({
      ...connection,
      chunk$: connection.chunk$.pipe(
        map((chunk) => encodeText(decodeTextLossy(chunk).replace(/ ancestors=\S+/, ''))),
      ),
    })),
  );
