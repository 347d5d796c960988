import { describe, expect, test } from '@jest/globals';
import { Subject, type Subscription, tap, timer } from 'rxjs';
import type { GroupRequest } from '../../../streams/client/group/groupClientEvent.js';
import { FIRST_READ_ENTRIES, READ_GROWTH } from '../../../streams/client/group/readBack.js';
import { type ClientEvent, type QueuedMessage, resumeAfter } from '../../../streams/client/index.js';
import { type Resume, toBase64url } from '../../../streams/wire/index.js';
import { sessionState } from '../../../streams/client/sessionState.js';
import {
  type GroupClient,
  type GroupRoomFixture,
  groupRoomFixture,
  ServedRooms,
  type RunOptions,
} from '../../support/group/groupClients.js';
import { identityOf } from '../../support/group/devices.js';
import { createSharedStore, storageOf } from '../../support/group/sharedStore.js';
import { marbles } from '../../support/marbles.js';

const describeEvent = (event: ClientEvent): string => {
  switch (event.type) {
    case 'message':
      return `${event.nick}: ${event.text}${event.external ? ' (external)' : ''}`;
    case 'epoch':
      return `epoch ${event.epoch} ${event.change}${event.own ? ' (own)' : ''}, ${event.members.length} members`;
    case 'removed':
      return `removed by ${event.by.key === identityOf(1).key ? 'the creator' : event.by.key}`;
    case 'resumed':
      return `resumed in epoch ${event.epoch}`;
    case 'stored':
      return `stored ${event.lines.join('|')}`;
    case 'before-join':
      return `before the join: ${event.from}-${event.to}`;
    case 'request-refused':
      return `refused ${event.request.type}: ${event.reason}`;
    case 'offline':
      return `offline: ${event.reason}`;
    case 'request-done':
      return `done ${event.request.type}`;
    case 'rejected':
      return `rejected: ${event.reason}`;
    case 'joined':
    case 'left':
    case 'first-seen':
    case 'handshake':
    case 'queued':
    case 'unread':
    case 'welcome':
      return '';
    default:
      return event.type;
  }
};

interface StartOptions extends RunOptions {
  /** Handles each event of the run. */
  readonly onEvent?: (event: ClientEvent) => void;
}

/** What happens at a time in ms. */
type Scene = (
  room: GroupRoomFixture,
  play: {
    readonly start: (client: GroupClient, options?: StartOptions) => void;
    readonly stop: (client: GroupClient) => void;
    /** The secrets of the invites to which the room moved, as its clients learn them. */
    readonly inviteSecrets: readonly Uint8Array[];
    /** The messages that clients have queued. */
    readonly queued: readonly QueuedMessage[];
  },
) => Readonly<Record<number, () => void>>;

/** Plays a scene on virtual time, and returns what each client reports, by its nick. */
const play = (
  scene: Scene,
  options: Parameters<typeof groupRoomFixture>[0] = {},
  reports: Map<string, string[]> = new Map<string, string[]>(),
): ReadonlyMap<string, readonly string[]> => {
  marbles(
    ({ expectObservable }) => {
      const runs = new Map<GroupClient, Subscription>();
      const room = groupRoomFixture(options);
      const inviteSecrets: Uint8Array[] = [];
      const queued: QueuedMessage[] = [];
      const start = (client: GroupClient, { onEvent, ...more }: StartOptions = {}) => {
        const report = reports.get(client.nick) ?? [];
        reports.set(client.nick, report);
        const note = (line: string) => {
          if (line !== '') report.push(line);
        };
        runs.set(
          client,
          client
            .run(more)
            .pipe(tap(onEvent))
            .subscribe({
              next: (event) => {
                if (event.type === 'invite-changed') inviteSecrets.push(event.secret);
                if (event.type === 'queued') queued.push(event);
                note(describeEvent(event));
              },
              error: (error: Error) => note(`error ${error.name}`),
            }),
        );
      };
      const stop = (client: GroupClient) => runs.get(client)?.unsubscribe();
      const steps = Object.entries(scene(room, { start, stop, inviteSecrets, queued }));
      for (const [ms, step] of steps) timer(Number(ms)).subscribe(step);
      const end = 60_000;
      timer(end).subscribe(() => {
        for (const run of runs.values()) run.unsubscribe();
        room.relay.stop();
      });
      expectObservable(timer(end)).toBe('60s (a|)', { a: 0 });
    },
    { untilMs: 61_000 },
  );
  return reports;
};

const send = (client: GroupClient, line: string) => {
  client.messages.next({ lines: [line] });
};

describe('groupRoomClient', () => {
  test('a device joins by the invite, and messages have receipts', () => {
    const reports = play((room, { start }) => {
      const [alice, bob] = [room.client('alice', 1), room.client('bob', 2)];
      return {
        0: () => start(alice, { role: room.creator }),
        1000: () => send(alice, 'alone'),
        2000: () => start(bob),
        3000: () => send(bob, 'hello'),
      };
    });
    expect(reports.get('alice')).toStrictEqual([
      'epoch 0 created (own), 1 members',
      'alice: alone',
      'stored alone',
      'epoch 1 joined, 2 members',
      'bob: hello',
    ]);
    expect(reports.get('bob')).toStrictEqual([
      'before the join: 3-4',
      'epoch 1 joined (own), 2 members',
      'bob: hello',
      'stored hello',
    ]);
  });

  test('two processes of a device share a snapshot, and use no message key twice', () => {
    const reports = play((room, { start, stop }) => {
      const [alice, first, second] = [
        room.client('alice', 1),
        room.client('bob', 2),
        room.client('bob-2', 2, { slot: 1 }),
      ];
      return {
        0: () => start(alice, { role: room.creator }),
        1000: () => start(first),
        2000: () => {
          second.stored = first.stored;
          start(second);
        },
        3000: () => send(second, 'one'),
        4000: () => stop(second),
        5000: () => send(first, 'two'),
        6000: () => {
          expect(second.slotRecord).not.toStrictEqual(first.slotRecord);
          // The snapshot of the other process is newer; the record of the slot is its own.
          second.stored = first.stored;
          start(second);
        },
        7000: () => send(second, 'three'),
      };
    });
    expect(reports.get('alice')?.slice(-3)).toStrictEqual(['bob-2: one', 'bob: two', 'bob-2: three']);
  });

  test('in a quiet room, the keys of an ended epoch leave the disk after the time of the setting', () => {
    const counts: (number | undefined)[] = [];
    play((room, { start }) => {
      const [alice, bob] = [room.client('alice', 1), room.client('bob', 2, { forgetMs: 10_000 })];
      const count = () => {
        const state = bob.storedState();
        counts.push(state?.phase === 'member' ? state.pastEpochs.length : undefined);
      };
      return {
        0: () => start(alice, { role: room.creator }),
        1000: () => start(bob),
        3000: () => send(alice, 'hello'),
        4000: () => alice.requests.next({ type: 'renew' }),
        12_000: count,
        // Due at 14 s; 30 s is the interval, and one second may pass until the state is stored.
        46_000: count,
      };
    });
    expect(counts).toStrictEqual([1, 0]);
  });

  test('a removal ends the removed client, and the others follow to another invite', () => {
    const reports = play((room, { start }) => {
      const [alice, bob, carol] = [room.client('alice', 1), room.client('bob', 2), room.client('carol', 3)];
      return {
        0: () => start(alice, { role: room.creator }),
        1000: () => start(bob),
        2000: () => start(carol),
        5000: () => alice.requests.next({ type: 'remove', key: carol.key }),
        9000: () => send(bob, 'without carol'),
      };
    });
    expect(reports.get('carol')).toStrictEqual([
      'epoch 2 joined (own), 3 members',
      'removed by the creator',
      'error RemovedError',
    ]);
    expect(reports.get('alice')?.slice(3)).toStrictEqual([
      'epoch 3 removed (own), 2 members',
      'invite-changed',
      'done remove',
      'bob: without carol',
    ]);
    expect(reports.get('bob')?.slice(2)).toStrictEqual([
      'epoch 3 removed, 2 members',
      'invite-changed',
      'bob: without carol',
      'stored without carol',
    ]);
  });

  test('a device that was away reads on from its state, also into the next room', () => {
    const reports = play((room, { start, stop }) => {
      const [alice, bob] = [room.client('alice', 1), room.client('bob', 2)];
      return {
        0: () => start(alice, { role: room.creator }),
        1000: () => start(bob),
        4000: () => send(alice, 'zero'),
        5000: () => stop(bob),
        6000: () => send(alice, 'one'),
        7000: () => alice.requests.next({ type: 'rotate' }),
        10_000: () => send(alice, 'two'),
        12_000: () => start(bob),
        15_000: () => send(bob, 'three'),
        16_000: () => stop(bob),
        // With the invite of before, as from an old link: the present one is reported.
        17_000: () => start(bob),
      };
    });
    expect(reports.get('bob')).toStrictEqual([
      'epoch 1 joined (own), 2 members',
      'alice: zero',
      'resumed in epoch 1',
      'alice: one',
      'epoch 2 moved, 2 members',
      'invite-changed',
      'alice: two',
      'bob: three',
      'stored three',
      'resumed in epoch 2',
      'invite-changed',
    ]);
  });

  describe('a position in a log that the room left', () => {
    /** Bob reads `one` to `four` over two moves, and starts again behind `one`. */
    const rereadBob = (options: { readonly forgetMs?: number } = {}) => {
      const marks = { again: 0, last: 0 };
      const reports = new Map<string, string[]>();
      const scene: Scene = (room, { start, stop }) => {
        const [alice, bob] = [room.client('alice', 1), room.client('bob', 2, options)];
        let cursor: Resume | undefined;
        let isAtOne = false;
        const follow = (event: ClientEvent) => {
          if (!isAtOne) cursor = resumeAfter(cursor, event);
          isAtOne ||= event.type === 'message' && event.text === 'one';
        };
        return {
          0: () => start(alice, { role: room.creator }),
          1000: () => start(bob, { onEvent: follow }),
          2000: () => send(alice, 'one'),
          3000: () => send(alice, 'two'),
          4000: () => alice.requests.next({ type: 'rotate' }),
          7000: () => send(alice, 'three'),
          8000: () => alice.requests.next({ type: 'rotate' }),
          11_000: () => send(alice, 'four'),
          13_000: () => stop(bob),
          14_000: () => send(alice, 'five'),
          50_000: () => {
            marks.again = reports.get('bob')?.length ?? 0;
            start(bob, { after: cursor });
          },
          52_000: () => send(bob, 'six'),
          54_000: () => {
            stop(bob);
            marks.last = reports.get('bob')?.length ?? 0;
            start(bob);
          },
          56_000: () => send(alice, 'seven'),
        };
      };
      play(scene, {}, reports);
      const bob = reports.get('bob') ?? [];
      return { again: bob.slice(marks.again, marks.last), last: bob.slice(marks.last), reports };
    };

    test('is read on from, through all logs, and nothing is missing or read twice', () => {
      const { again, last, reports } = rereadBob();
      expect(again).toStrictEqual([
        'resumed in epoch 3',
        // This run was started with the first invite.
        'invite-changed',
        'alice: two',
        'invite-changed',
        'alice: three',
        'invite-changed',
        'alice: four',
        'alice: five',
        'bob: six',
        'stored six',
      ]);
      // The state that it stored meanwhile is that of the present log.
      expect(last).toStrictEqual(['resumed in epoch 3', 'invite-changed', 'alice: seven']);
      expect(reports.get('alice')?.slice(-2)).toStrictEqual(['alice: seven', 'stored seven']);
    });

    test('is reported once the log is forgotten, and the present log is read from its beginning', () => {
      const { again } = rereadBob({ forgetMs: 20_000 });
      expect(again).toStrictEqual([
        'resumed in epoch 3',
        'log-changed',
        'invite-changed',
        'alice: four',
        'alice: five',
        'bob: six',
        'stored six',
      ]);
    });
  });

  test('an old invite is withdrawn for a newcomer, and only the creator may remove', () => {
    const reports = play((room, { start }) => {
      const [alice, bob, dave] = [room.client('alice', 1), room.client('bob', 2), room.client('dave', 4)];
      return {
        0: () => start(alice, { role: room.creator }),
        1000: () => start(bob),
        3000: () => bob.requests.next({ type: 'remove', key: alice.key }),
        5000: () => alice.requests.next({ type: 'rotate' }),
        9000: () => start(dave),
      };
    });
    expect(reports.get('bob')).toContain('refused remove: no right to remove');
    expect(reports.get('dave')).toStrictEqual(['error WithdrawnError']);
  });

  test('an external client sends without joining, also over an epoch', () => {
    const reports = play((room, { start }) => {
      const [alice, bob, cron] = [room.client('alice', 1), room.client('bob', 2), room.client('cron', 5)];
      return {
        0: () => start(alice, { role: room.creator }),
        1000: () => start(cron, { role: { type: 'external' } }),
        2000: () => send(cron, 'backup done'),
        3000: () => start(bob),
        6000: () => send(cron, 'again'),
      };
    });
    expect(reports.get('cron')).toStrictEqual(['stored backup done', 'stored again']);
    expect(reports.get('alice')).toStrictEqual([
      'epoch 0 created (own), 1 members',
      'cron: backup done (external)',
      'epoch 1 joined, 2 members',
      'cron: again (external)',
    ]);
    expect(reports.get('bob')?.slice(1)).toStrictEqual([
      'epoch 1 joined (own), 2 members',
      'cron: again (external)',
    ]);
  });

  test('an external client reads only the newest entries of a long log, and is online once it has read them', () => {
    const counts: number[] = [];
    const states: string[] = [];
    let last = 0;
    const reports = play((room, { start }) => {
      const [alice, cron] = [room.client('alice', 1), room.client('cron', 5)];
      const events = new Subject<ClientEvent>();
      const positions = new Set<number>();
      events.subscribe((event) => {
        if ('position' in event && event.position !== undefined) {
          positions.add(event.position);
          last = event.position;
        }
      });
      events.pipe(sessionState({ now: () => 0 })).subscribe(({ type }) => states.push(type));
      const sendMany = () => {
        for (let n = 0; n < 50; n += 1) send(alice, 'more');
      };
      return {
        0: () => start(alice, { role: room.creator }),
        ...Object.fromEntries(Array.from({ length: 28 }, (_, n) => [1000 + n * 100, sendMany])),
        10_000: () => start(cron, { role: { type: 'external' }, onEvent: (event) => events.next(event) }),
        20_000: () => {
          counts.push(positions.size);
          send(cron, 'backup done');
        },
      };
    });
    // The log has 1400 entries, and a group info behind the first 1024.
    expect(counts[0]).toBeGreaterThan(FIRST_READ_ENTRIES);
    expect(counts[0]).toBeLessThanOrEqual(FIRST_READ_ENTRIES * READ_GROWTH);
    expect(last).toBeGreaterThan(1400);
    expect(reports.get('cron')?.at(-1)).toBe('stored backup done');
    expect(reports.get('alice')?.at(-1)).toBe('cron: backup done (external)');
    expect(states.at(-1)).toBe('online');
  });

  test('a member that leaves is removed by another', () => {
    const reports = play((room, { start }) => {
      const [alice, bob] = [room.client('alice', 1), room.client('bob', 2)];
      return {
        0: () => start(alice, { role: room.creator }),
        1000: () => start(bob),
        5000: () => bob.requests.next({ type: 'leave' }),
      };
    });
    expect(reports.get('bob')?.slice(1)).toStrictEqual([
      'leaving',
      'done leave',
      'removed by the creator',
      'error RemovedError',
    ]);
    expect(reports.get('alice')?.slice(2)).toStrictEqual(['leaving', 'epoch 2 removed (own), 1 members']);
  });

  test('two processes of a device follow the commits of each other', () => {
    const reports = play((room, { start }) => {
      const store = createSharedStore();
      const [alice, command] = [room.client('alice', 1), room.client('command', 1, { slot: 1 })];
      const [bob, carol] = [room.client('bob', 2), room.client('carol', 3)];
      return {
        0: () => start(alice, { role: room.creator, storage: storageOf(store, 0) }),
        1000: () => start(bob),
        2000: () => start(carol),
        5000: () => start(command, { storage: storageOf(store, 1) }),
        7000: () => command.requests.next({ type: 'remove', key: carol.key }),
        10_000: () => alice.requests.next({ type: 'renew' }),
        11_000: () => bob.requests.next({ type: 'renew' }),
        12_000: () => send(command, 'from the command'),
        13_000: () => send(alice, 'from the chat'),
        14_000: () => send(bob, 'from bob'),
      };
    });
    const messages = ['command: from the command', 'alice: from the chat', 'bob: from bob'];
    expect(reports.get('command')).toStrictEqual([
      'resumed in epoch 2',
      'epoch 3 removed (own), 2 members',
      'invite-changed',
      'done remove',
      'rejected: the previous commit is too recent',
      'epoch 4 renewed, 2 members',
      messages[0],
      'stored from the command',
      ...messages.slice(1),
    ]);
    expect(reports.get('alice')?.slice(3)).toStrictEqual([
      'epoch 3 removed, 2 members',
      'invite-changed',
      'rejected: the previous commit is too recent',
      'refused renew: the previous commit is too recent',
      'epoch 4 renewed, 2 members',
      ...messages.slice(0, 2),
      'stored from the chat',
      messages[2],
    ]);
    expect(reports.get('bob')?.slice(2)).toStrictEqual([
      'epoch 3 removed, 2 members',
      'invite-changed',
      'rejected: the previous commit is too recent',
      'epoch 4 renewed (own), 2 members',
      'done renew',
      ...messages,
      'stored from bob',
    ]);
  });

  test('two processes of a new device that start together join once', () => {
    const reports = play((room, { start }) => {
      const store = createSharedStore();
      const [bob, command] = [room.client('bob', 2), room.client('command', 2, { slot: 1 })];
      return {
        0: () => start(room.client('alice', 1), { role: room.creator }),
        1000: () => {
          start(bob, { storage: storageOf(store, 0) });
          start(command, { storage: storageOf(store, 1) });
        },
        5000: () => send(bob, 'hello'),
      };
    });
    expect(reports.get('bob')).toStrictEqual([
      'epoch 1 joined (own), 2 members',
      // The join of the other process, which came second.
      'before the join: 6-6',
      'bob: hello',
      'stored hello',
    ]);
    expect(reports.get('command')).toStrictEqual([
      'epoch 1 joined, 2 members',
      'before the join: 6-6',
      'bob: hello',
    ]);
  });

  test('a process that lags some epochs behind another one of its device follows the commits of that one', () => {
    const reports = play((room, { start }) => {
      const store = createSharedStore();
      const [alice, command] = [room.client('alice', 1), room.client('command', 1, { slot: 1 })];
      const [bob, carol] = [room.client('bob', 2), room.client('carol', 3)];
      return {
        0: () => start(alice, { role: room.creator, storage: storageOf(store, 0) }),
        // From here on alice hears nothing, until it notices and connects again.
        5000: () => room.relay.inject({ type: 'half-open' }),
        5100: () => start(command, { storage: storageOf(store, 1) }),
        5500: () => start(bob),
        6000: () => start(carol),
        7000: () => command.requests.next({ type: 'renew' }),
        8000: () => send(bob, 'between'),
        9000: () => command.requests.next({ type: 'remove', key: carol.key }),
        10_000: () => bob.requests.next({ type: 'renew' }),
        11_000: () => send(bob, 'behind'),
        55_000: () => send(alice, 'from the chat'),
      };
    });
    const messages = ['bob: between', 'bob: behind', 'alice: from the chat'];
    expect(reports.get('alice')).toStrictEqual([
      'epoch 0 created (own), 1 members',
      'offline: the connection is silent',
      'epoch 1 joined, 2 members',
      'epoch 2 joined, 3 members',
      'epoch 3 renewed, 3 members',
      messages[0],
      'epoch 4 removed, 2 members',
      'invite-changed',
      'epoch 5 renewed, 2 members',
      ...messages.slice(1),
      'stored from the chat',
    ]);
    expect(reports.get('command')).toStrictEqual([
      'resumed in epoch 0',
      'epoch 1 joined, 2 members',
      'epoch 2 joined, 3 members',
      'epoch 3 renewed (own), 3 members',
      'done renew',
      messages[0],
      'epoch 4 removed (own), 2 members',
      'invite-changed',
      'done remove',
      'epoch 5 renewed, 2 members',
      ...messages.slice(1),
    ]);
  });

  test('two processes of a new device that join some epochs apart are one member', () => {
    const reports = play((room, { start }) => {
      const store = createSharedStore();
      const [bob, command] = [room.client('bob', 2), room.client('command', 2, { slot: 1 })];
      return {
        0: () => start(command, { storage: storageOf(store, 1) }),
        // From here on it hears nothing, until it notices and connects again.
        1000: () => room.relay.inject({ type: 'half-open' }),
        2000: () => start(room.client('alice', 1), { role: room.creator }),
        3000: () => start(bob, { storage: storageOf(store, 0) }),
        4000: () => start(room.client('carol', 3)),
        5000: () => send(bob, 'hello'),
        55_000: () => send(command, 'here'),
      };
    });
    expect(reports.get('command')).toStrictEqual([
      'no-group-info',
      'offline: the connection is silent',
      'epoch 1 joined, 2 members',
      'epoch 2 joined, 3 members',
      'bob: hello',
      'command: here',
      'stored here',
    ]);
    expect(reports.get('bob')).toStrictEqual([
      'epoch 1 joined (own), 2 members',
      'epoch 2 joined, 3 members',
      'bob: hello',
      'stored hello',
      'command: here',
    ]);
  });

  test('a run that ends before it has read again leaves the position where the next one reads on', () => {
    const reports = play((room, { start, stop }) => {
      const alice = room.client('alice', 1, { forgetMs: 60_000 });
      return {
        0: () => start(alice, { role: room.creator }),
        1000: () => send(alice, 'hello'),
        5000: () => stop(alice),
        6000: () => start(alice, { last: 10 }),
        6001: () => stop(alice),
        7000: () => start(alice),
      };
    });
    expect(reports.get('alice')).toStrictEqual([
      'epoch 0 created (own), 1 members',
      'alice: hello',
      'stored hello',
      'resumed in epoch 0',
    ]);
  });

  test('a member posts a group info in a log that the relay lost and that nobody writes to', () => {
    const reports = play((room, { start }) => {
      const bob = room.client('bob', 2);
      return {
        0: () => start(room.client('alice', 1), { role: room.creator }),
        5000: () => room.loseLogs(),
        20_000: () => start(bob),
      };
    });
    expect(reports.get('bob')).toStrictEqual(['epoch 1 joined (own), 2 members']);
  });

  test.each([true, false])(
    'a message of an earlier run is sent once, also if the log has it and the device is a newcomer: %s',
    (isNewcomer) => {
      const reports = play((room, { start, stop, queued }) => {
        const [alice, bob] = [room.client('alice', 1), room.client('bob', 2)];
        return {
          0: () => start(alice, { role: room.creator }),
          1000: () => start(bob),
          3000: () => send(bob, 'one'),
          4000: () => stop(bob),
          5000: () => {
            if (isNewcomer) bob.stored = undefined;
            const [one] = queued;
            const two = one && {
              ...one,
              lines: ['two'],
              content: one.content && { ...one.content, lines: ['two'], counter: 2 },
            };
            start(bob, { pendingMessages: [one, two].flatMap((each) => each ?? []) });
          },
          9000: () => send(bob, 'three'),
        };
      });
      const texts = ['bob: one', 'bob: two', 'bob: three'];
      expect(reports.get('alice')?.filter((line) => line.startsWith('bob:'))).toStrictEqual(texts);
      expect(reports.get('bob')?.filter((line) => line.startsWith('stored'))).toStrictEqual([
        'stored one',
        'stored one',
        'stored two',
        'stored three',
      ]);
    },
  );

  test('a removed device that joins again is a member after a restart', () => {
    const reports = play((room, { start, stop, inviteSecrets }) => {
      const [alice, bob] = [room.client('alice', 1), room.client('bob', 2)];
      return {
        0: () => start(alice, { role: room.creator }),
        1000: () => start(bob),
        3000: () => alice.requests.next({ type: 'remove', key: bob.key }),
        6000: () => start(bob, { ...(inviteSecrets[0] && { inviteSecret: inviteSecrets[0] }) }),
        10_000: () => stop(bob),
        11_000: () => start(bob),
      };
    });
    expect(reports.get('bob')?.slice(1)).toStrictEqual([
      'removed by the creator',
      'error RemovedError',
      'epoch 3 joined (own), 2 members',
      'resumed in epoch 3',
      'invite-changed',
    ]);
  });

  test('two members that renew at the same moment both succeed', () => {
    const reports = play((room, { start }) => {
      const [alice, bob] = [room.client('alice', 1), room.client('bob', 2)];
      return {
        0: () => start(alice, { role: room.creator }),
        1000: () => start(bob),
        5000: () => alice.requests.next({ type: 'renew' }),
        5001: () => bob.requests.next({ type: 'renew' }),
      };
    });
    expect(reports.get('alice')?.slice(2)).toStrictEqual([
      'epoch 2 renewed (own), 2 members',
      'done renew',
      'void',
      'epoch 3 renewed, 2 members',
    ]);
    expect(reports.get('bob')?.slice(1)).toStrictEqual([
      'epoch 2 renewed, 2 members',
      'void',
      'epoch 3 renewed (own), 2 members',
      'done renew',
    ]);
  });

  describe('a restored backup of a device that renewed its keys since', () => {
    const playBackup = (request: GroupRequest) =>
      play((room, { start, stop, inviteSecrets }) => {
        const [alice, bob, backup] = [
          room.client('alice', 1),
          room.client('bob', 2),
          room.client('backup', 2),
        ];
        return {
          0: () => start(alice, { role: room.creator }),
          1000: () => start(bob),
          // Another person has to commit before Bob may renew.
          2000: () => alice.requests.next({ type: 'renew' }),
          4000: () => {
            backup.stored = bob.stored;
            bob.requests.next({ type: 'renew' });
          },
          6000: () => stop(bob),
          7000: () => alice.requests.next(request),
          10_000: () => start(backup),
          20_000: () => start(backup, { ...(inviteSecrets[0] && { inviteSecret: inviteSecrets[0] }) }),
        };
      });

    test('does not join the room that the members left, but that of the next invite', () => {
      const report = playBackup({ type: 'rotate' }).get('backup');
      expect(report?.slice(0, 4)).toStrictEqual([
        'resumed in epoch 2',
        'rejected: own commit',
        'behind',
        'error WithdrawnError',
      ]);
      expect(report?.slice(4)).toContain('epoch 5 joined (own), 2 members');
    });

    test('reports that a member removed it, and can join the next room', () => {
      const report = playBackup({ type: 'remove', key: identityOf(2).key }).get('backup');
      expect(report?.slice(0, 5)).toStrictEqual([
        'resumed in epoch 2',
        'rejected: own commit',
        'behind',
        'removed by the creator',
        'error RemovedError',
      ]);
      expect(report?.slice(5)).toContain('epoch 5 joined (own), 2 members');
    });
  });

  test('the invite between two rotations is withdrawn too', () => {
    const reports = play((room, { start, inviteSecrets }) => {
      const alice = room.client('alice', 1);
      return {
        0: () => start(alice, { role: room.creator }),
        1000: () => {
          alice.requests.next({ type: 'rotate' });
          alice.requests.next({ type: 'rotate' });
        },
        20_000: () =>
          start(room.client('bob', 2, { ...(inviteSecrets[0] && { inviteSecret: inviteSecrets[0] }) })),
      };
    });
    expect(reports.get('alice')?.filter((line) => line === 'done rotate')).toHaveLength(2);
    expect(reports.get('bob')).toStrictEqual(['error WithdrawnError']);
  });

  test.each([0, 1, 2, 3, 4])(
    'a join between two messages, %d ms after it began, is no misbehaviour',
    (ms) => {
      const reports = play((room, { start }) => {
        const [alice, bob] = [room.client('alice', 1), room.client('bob', 2)];
        return {
          0: () => start(alice, { role: room.creator }),
          1000: () => start(bob),
          // If the join comes between them, the second one is void and sealed again, and bob never reads the first one.
          [1001 + ms]: () => send(alice, 'one'),
          [1002 + ms]: () => send(alice, 'two'),
          3000: () => send(alice, 'three'),
        };
      });
      expect(reports.get('bob')).not.toContain('alarm');
      expect(reports.get('bob')).toContain('alice: three');
    },
  );

  test('a removal is refused before it is committed if the relay takes no other room', () => {
    const allowedRooms = new ServedRooms();
    const reports = play(
      (room, { start }) => {
        const [alice, bob] = [room.client('alice', 1), room.client('bob', 2)];
        return {
          0: () => start(alice, { role: room.creator }),
          1000: () => start(bob),
          4000: () => (allowedRooms.newRooms = 'closed'),
          5000: () => alice.requests.next({ type: 'remove', key: bob.key }),
          6000: () => alice.requests.next({ type: 'rotate' }),
          7000: () => send(bob, 'still here'),
          8000: () => (allowedRooms.newRooms = 'open'),
          9000: () => alice.requests.next({ type: 'remove', key: bob.key }),
        };
      },
      { allowedRooms },
    );
    const reason =
      'the relay refuses the room of the next invite: this relay does not serve this room (room-not-allowed)';
    expect(reports.get('alice')?.slice(2)).toStrictEqual([
      `refused remove: ${reason}`,
      `refused rotate: ${reason}`,
      'bob: still here',
      'epoch 2 removed (own), 1 members',
      'invite-changed',
      'done remove',
    ]);
    expect(reports.get('bob')?.slice(1)).toStrictEqual([
      'bob: still here',
      'stored still here',
      'removed by the creator',
      'error RemovedError',
    ]);
  });

  test('members wait for a room that the relay refuses after the commit, and lose no message', () => {
    const allowedRooms = new ServedRooms();
    const reports = play(
      (room, { start, stop }) => {
        const [alice, bob, carol] = [room.client('alice', 1), room.client('bob', 2), room.client('carol', 3)];
        return {
          0: () => start(alice, { role: room.creator }),
          1000: () => start(bob),
          2000: () => start(carol),
          4000: () => (allowedRooms.newRooms = 'once'),
          5000: () => alice.requests.next({ type: 'rotate' }),
          6000: () => send(bob, 'written while waiting'),
          7000: () => stop(carol),
          // A run that begins meanwhile ends, with the reason.
          8000: () => start(carol),
          9000: () => (allowedRooms.newRooms = 'open'),
          40_000: () => start(carol),
          45_000: () => send(carol, 'back'),
        };
      },
      { allowedRooms },
    );
    const refusal =
      'the relay refuses the room to which the group moved: this relay does not serve this room';
    const others = (nick: string, from: number) => [
      ...new Set(
        reports
          .get(nick)
          ?.slice(from)
          .filter((line) => !line.startsWith('epoch')),
      ),
    ];
    expect(others('alice', 3)).toStrictEqual([
      'invite-changed',
      `offline: ${refusal}`,
      'done rotate',
      'bob: written while waiting',
      'carol: back',
    ]);
    expect(others('bob', 2)).toStrictEqual([
      'invite-changed',
      `offline: ${refusal}`,
      'bob: written while waiting',
      'stored written while waiting',
      'carol: back',
    ]);
    expect(others('carol', 1)).toStrictEqual([
      'invite-changed',
      `offline: ${refusal}`,
      'error RefusedError',
      'resumed in epoch 3',
      'bob: written while waiting',
      'carol: back',
      'stored back',
    ]);
  });

  test('a member waits for its nick in the next room, as an earlier run of it may have it still', () => {
    const reports = play((room, { start, stop, inviteSecrets }) => {
      const [alice, bob] = [room.client('alice', 1), room.client('bob', 2)];
      const other = room.client('bob', 4);
      return {
        0: () => start(alice, { role: room.creator }),
        1000: () => start(bob),
        3000: () => stop(bob),
        4000: () => alice.requests.next({ type: 'rotate' }),
        6000: () => start(other, { ...(inviteSecrets[0] && { inviteSecret: inviteSecrets[0] }) }),
        8000: () => start(bob),
        9000: () => stop(other),
        30_000: () => bob.messages.next({ lines: ['back'] }),
      };
    });
    const report = reports.get('bob') ?? [];
    expect([...new Set(report.slice(report.indexOf('resumed in epoch 1')))]).toStrictEqual([
      'resumed in epoch 1',
      'epoch 2 moved, 2 members',
      'invite-changed',
      'offline: the relay refuses the room to which the group moved: the nick is taken in this room',
      'epoch 3 joined, 3 members',
      'bob: back',
      'stored back',
    ]);
  });

  test('a removal is done later if the relay ends while it is requested', () => {
    const reports = play((room, { start }) => {
      const [alice, bob] = [room.client('alice', 1), room.client('bob', 2)];
      return {
        0: () => start(alice, { role: room.creator }),
        1000: () => start(bob),
        5000: () => alice.requests.next({ type: 'remove', key: bob.key }),
        5002: () => room.relay.inject({ type: 'down' }),
        9000: () => room.relay.inject({ type: 'up' }),
      };
    });
    expect(
      reports
        .get('alice')
        ?.slice(2)
        .filter((line) => !line.startsWith('offline')),
    ).toStrictEqual(['epoch 2 removed (own), 1 members', 'invite-changed', 'done remove']);
    expect(reports.get('bob')?.at(-1)).toBe('error RemovedError');
  });

  test('a removal makes all members leave the former room at the relay', () => {
    const left: string[] = [];
    const reports = play((room, { start }) => {
      const [alice, bob, carol] = [room.client('alice', 1), room.client('bob', 2), room.client('carol', 3)];
      return {
        0: () => {
          start(alice, { role: room.creator });
          room.relay.event$.subscribe((event) => {
            if (event.type === 'left' && event.member.room === toBase64url(room.inviteSecret))
              left.push(event.member.nick);
          });
        },
        1000: () => start(bob),
        2000: () => start(carol),
        4000: () => expect(left).toStrictEqual([]),
        5000: () => alice.requests.next({ type: 'remove', key: carol.key }),
        // A connection that only closes counts as a member for 5 s more.
        6000: () => expect(left.toSorted()).toStrictEqual(['alice', 'bob', 'carol']),
      };
    });
    expect(reports.get('bob')).toContain('invite-changed');
    expect(left).toHaveLength(3);
  });

  test('a member that moves the room is announced in the next room once', () => {
    const events: string[] = [];
    play((room, { start }) => {
      const [alice, bob] = [room.client('alice', 1), room.client('bob', 2)];
      const watch = bob.run();
      let watching: Subscription | undefined;
      return {
        0: () => start(alice, { role: room.creator }),
        1000: () => {
          watching = watch.subscribe((event) => {
            if (event.type === 'invite-changed') events.push('moved');
            if (event.type === 'joined' || event.type === 'left')
              events.push(`${event.type} ${event.nicks.join()}`);
          });
        },
        5000: () => alice.requests.next({ type: 'rotate' }),
        10_000: () => watching?.unsubscribe(),
      };
    });
    expect(events.slice(events.indexOf('moved'))).toStrictEqual(['moved', 'joined alice', 'joined bob']);
  });
});
