import { describe, expect, test } from '@jest/globals';
import { type Subscription, takeUntil, timer } from 'rxjs';
import type { ClientEvent } from '../../../streams/client/index.js';
import {
  type GroupClient,
  type GroupRoomFixture,
  groupRoomFixture,
  type RunOptions,
} from '../../support/group/groupClients.js';
import { type SavedCursor, savedCursor } from '../../support/savedCursor.js';
import { marbles } from '../../support/marbles.js';

/** What a client reports in all of its runs. */
interface Report {
  readonly texts: string[];
  readonly others: string[];
  readonly cursor: SavedCursor;
}

type Start = (client: GroupClient, options?: RunOptions) => void;

const QUIET: readonly ClientEvent['type'][] = [
  ...(['joined', 'left', 'first-seen', 'handshake', 'queued', 'welcome', 'offline', 'stored'] as const),
  ...(['duplicate', 'epoch', 'resumed', 'request-done', 'before-join'] as const),
];

/** Runs steps at times in ms over a relay that can be restored, and returns what each client reports. */
const play = (
  steps: (
    room: GroupRoomFixture,
    start: Start,
    stop: (client: GroupClient) => void,
  ) => Record<number, () => void>,
): Readonly<Record<string, Report>> => {
  const reports: Record<string, Report> = {};
  marbles(
    ({ expectObservable }) => {
      const runs = new Map<GroupClient, Subscription>();
      const room = groupRoomFixture({ hasStore: true });
      const start: Start = (client, options) => {
        const report = (reports[client.nick] ??= { texts: [], others: [], cursor: savedCursor() });
        const { start: place, track } = report.cursor.begin();
        const run$ = client.run({ ...place, ...options });
        runs.set(
          client,
          run$.subscribe({
            next: (event) => {
              track(event);
              if (event.type === 'message') report.texts.push(event.text);
              else if (event.type === 'log-changed')
                report.others.push(`${event.type} ${event.lost ?? 'all'}`);
              else if (!QUIET.includes(event.type)) report.others.push(event.type);
            },
            error: (error: Error) => report.others.push(`error ${error.name}`),
          }),
        );
      };
      const stop = (client: GroupClient) => runs.get(client)?.unsubscribe();
      for (const [ms, step] of Object.entries(steps(room, start, stop))) timer(Number(ms)).subscribe(step);
      timer(90_000).subscribe(() => {
        for (const run of runs.values()) run.unsubscribe();
        room.relay.stop();
      });
      expectObservable(timer(90_000)).toBe('90s (a|)', { a: 0 });
    },
    { untilMs: 91_000 },
  );
  return reports;
};

const send = (client: GroupClient, ...lines: string[]) => {
  for (const line of lines) client.messages.next({ lines: [line] });
};

describe('a group room of a store that is restored', () => {
  test('is read on without repetitions, and members go on in their epoch', () => {
    const { bob, carol } = play((room, start, stop) => {
      const [alice, bob, carol] = [room.client('alice', 1), room.client('bob', 2), room.client('carol', 3)];
      return {
        0: () => start(alice, { role: room.creator }),
        1000: () => start(bob),
        2000: () => start(carol),
        4000: () => send(alice, 'a1', 'a2'),
        5000: () => room.backUp(),
        6000: () => send(alice, 'a3', 'a4'),
        7000: () => send(bob, 'b1'),
        8000: () => stop(carol),
        9000: () => room.restore(),
        20_000: () => send(alice, 'a5'),
        21_000: () => send(bob, 'b2'),
        22_000: () => start(carol),
        24_000: () => send(carol, 'c1'),
      };
    });
    const all = ['a1', 'a2', 'a3', 'a4', 'b1', 'a5', 'b2', 'c1'];
    expect(bob?.texts).toStrictEqual(all);
    expect(carol?.texts).toStrictEqual(all);
    expect(bob?.others).toStrictEqual(['log-changed 4']);
    expect(carol?.others).toStrictEqual(['log-changed 3']);
  });

  test('stays usable if commits are lost: members stay in their epoch, and a new member joins it', () => {
    const { alice, bob, carol } = play((room, start) => {
      const [alice, bob, carol] = [room.client('alice', 1), room.client('bob', 2), room.client('carol', 3)];
      return {
        0: () => start(alice, { role: room.creator }),
        1000: () => start(bob),
        4000: () => send(alice, 'a1'),
        5000: () => room.backUp(),
        6000: () => alice.requests.next({ type: 'renew' }),
        7000: () => bob.requests.next({ type: 'renew' }),
        8000: () => send(alice, 'a2'),
        9000: () => room.restore(),
        20_000: () => send(alice, 'a3'),
        21_000: () => send(bob, 'b1'),
        30_000: () => start(carol),
        50_000: () => send(alice, 'a4'),
        51_000: () => send(carol, 'c1'),
      };
    });
    expect(bob?.texts).toStrictEqual(['a1', 'a2', 'a3', 'b1', 'a4', 'c1']);
    expect(alice?.texts).toStrictEqual(['a1', 'a2', 'a3', 'b1', 'a4', 'c1']);
    expect(carol?.texts).toStrictEqual(['a4', 'c1']);
    for (const each of [alice, bob, carol])
      expect(each?.others.filter((type) => type === 'alarm')).toStrictEqual([]);
  });

  test('is read on from a cursor of before, after another run of the device has followed', () => {
    const { bob } = play((room, start, stop) => {
      const [alice, bob] = [room.client('alice', 1), room.client('bob', 2)];
      return {
        0: () => start(alice, { role: room.creator }),
        1000: () => start(bob),
        4000: () => send(alice, 'a1', 'a2'),
        5000: () => room.backUp(),
        6000: () => send(alice, 'a3'),
        7000: () => stop(bob),
        9000: () => room.restore(),
        20_000: () => send(alice, 'a4'),
        // A run of the same device that shows nothing, and stores what it has read.
        21_000: () =>
          bob
            .run()
            .pipe(takeUntil(timer(5000)))
            .subscribe(),
        30_000: () => start(bob),
        31_000: () => send(alice, 'a5'),
      };
    });
    expect(bob?.texts).toStrictEqual(['a1', 'a2', 'a3', 'a4', 'a5']);
  });
});
