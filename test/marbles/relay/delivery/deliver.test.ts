import { describe, test } from '@jest/globals';
import { ignoreElements, map, NEVER, tap } from 'rxjs';
import type { RunHelpers } from 'rxjs/testing';
import type { Member } from '../../../../streams/relay/connection/parseCommands.js';
import type { CommittedEvent } from '../../../../streams/relay/log/commitQueue.js';
import { roomLog, type RoomLog } from '../../../../streams/relay/log/roomLog.js';
import { deliver } from '../../../../streams/relay/delivery/deliver.js';
import { fakeConnection, type FakeConnectionOptions } from '../../../support/fakeConnection.js';
import { fetchedLog } from '../../../support/logs.js';
import { marbles } from '../../../support/marbles.js';
import { batch, relayLines, member, describeEvent, token } from '../../../support/wire.js';

const joined = (who: Member, log: RoomLog): CommittedEvent => {
  const { id, next } = log;
  const welcome = {
    log: id,
    next,
    first: 1,
    from: next,
    durability: 'memory',
    count: 1,
    members: [who.nick],
  } as const;
  const { count, members } = welcome;
  return { type: 'joined', member: who, resumed: false, count, members, welcome, cursor: log.cursor(next) };
};

interface Scene {
  /**
   * A and B join, a and b leave; p is a PING of alice, q her silence. r rejects bob; s rejects alice after a failed
   * commit. Carol appends x y z.
   */
  readonly event: string;
  /** Each glyph is a notice. */
  readonly grown?: string;
  readonly alice?: FakeConnectionOptions;
  readonly bob?: FakeConnectionOptions;
}

const play = ({ hot }: Pick<RunHelpers, 'hot'>, { event, grown = '-', ...script }: Scene) => {
  const log = roomLog({ id: 'log', windowBytes: 1 << 20 });
  const alice = fakeConnection(script.alice);
  const bob = fakeConnection(script.bob);
  const a = member('alice', { connection: alice });
  const b = member('bob', { connection: bob });
  const carol = member('carol');

  const append = (glyph: string) => {
    const lines = batch(token(glyph));
    log.append(lines);
    log.commit(log.batch());
    return lines;
  };
  const happen = (glyph: string): CommittedEvent => {
    switch (glyph) {
      case 'A':
        return joined(a, log);
      case 'B':
        return joined(b, log);
      case 'a':
        return { type: 'disconnected', member: a, reason: 'bye' };
      case 'b':
        return { type: 'disconnected', member: b, reason: 'bye' };
      case 'p':
        return { type: 'pinged', member: a };
      case 'q':
        return { type: 'idle', member: a };
      case 's':
        return { type: 'refused', member: a, code: 'storage', text: 'the store is full' };
      case 'r':
        return { type: 'refused', member: b, code: 'nick-taken', text: 'the nick is taken' };
      default: {
        const lines = append(glyph);
        return { type: 'stored', member: carol, count: lines.count, bytes: lines.bytes.length };
      }
    }
  };
  const event$ = hot(event, undefined, 'fault');
  const grown$ = hot(grown);
  const served = deliver({ grown$, retryMs: 1000 });
  return { alice, bob, event$, grown$, append, out$: event$.pipe(map(happen), served, map(describeEvent)) };
};

const line = {
  ...relayLines,
  E: 'ERR nick-taken the nick is taken',
  S: 'ERR storage the store is full',
  0: 'PONG 0',
  1: 'PONG 1',
  2: 'PONG 2',
  3: 'PING 0',
  4: 'PING 1',
  5: 'PING 2',
};
const failed = { f: 'alice failed: Error: the sink broke', g: 'bob failed: Error: the sink broke' };

describe('deliver', () => {
  test('serves nobody when no member joins', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const { out$, event$ } = play({ hot }, { event: '-' });
      expectObservable(out$).toBe('-');
      expectSubscriptions(event$.subscriptions).toBe('^');
    });
  });

  test('completes when the events are empty', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(play({ hot }, { event: '--|' }).out$).toBe('--|');
    });
  });

  test('sends a member WELCOME, then new log entries until it leaves, and closes it', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const { alice, out$, grown$ } = play(
        { hot },
        { event: '            x-A-y-z-a-x', grown: 'n---n-n---n' },
      );
      expectObservable(alice.line$).toBe('--W-y-z-|--', line);
      expectObservable(out$).toBe('        -----------');
      expectSubscriptions(grown$.subscriptions).toBe('--^-----!--');
    });
  });

  test('serves each of many members from its own join on', () => {
    marbles(({ hot, expectObservable }) => {
      const { alice, bob, out$ } = play(
        { hot },
        { event: '            -A-x-B-y-a-z', grown: '---n---n---n' },
      );
      expectObservable(alice.line$).toBe('-W-x---y-|--', line);
      expectObservable(bob.line$).toBe('  -----W-y---z', line);
      expectObservable(out$).toBe('        ------------');
    });
  });

  test('sends BYE to the members and closes them when the events complete', () => {
    marbles(({ hot, expectObservable }) => {
      const { alice, bob, out$ } = play({ hot }, { event: '-A-B-x-|', grown: '-----n-|' });
      expectObservable(alice.line$).toBe('-W---x-(Q|)', line);
      expectObservable(bob.line$).toBe('  ---W-x-(Q|)', line);
      expectObservable(out$).toBe('        -------|');
    });
  });

  test('delivers the rest to a slow member before the end', () => {
    marbles(({ hot, expectObservable }) => {
      const script = { writeResults: 'yn', writable$: hot('----------w') };
      const { alice, out$ } = play({ hot }, { event: '-A-x-y-|', grown: '---n-n-|', alice: script });
      expectObservable(alice.line$).toBe('             -W-x------(yQ|)', line);
      expectObservable(out$).toBe('                    ----------|');
    });
  });

  test('delivers what the log still gains after the events completed, before BYE', () => {
    marbles(({ hot, expectObservable }) => {
      const { alice, out$, append } = play({ hot }, { event: '-A-|', grown: '-----n--|' });
      expectObservable(hot('----x').pipe(tap(append), ignoreElements()));
      expectObservable(alice.line$).toBe('-W---x--(Q|)', line);
      expectObservable(out$).toBe('        --------|');
    });
  });

  test('errors and closes every member when the events error', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const { alice, bob, out$, grown$ } = play({ hot }, { event: '-A-B-#' });
      expectObservable(alice.line$).toBe('     -W---|', line);
      expectObservable(bob.line$).toBe('       ---W-|', line);
      expectObservable(out$).toBe('             -----#', {}, 'fault');
      expectSubscriptions(grown$.subscriptions).toBe('-^---!');
    });
  });

  test('closes every member of an endless room when unsubscribed', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const { alice, bob, out$, event$, grown$ } = play(
        { hot },
        { event: '-A-B-x-y-z', grown: '-----n-n-n' },
      );
      expectObservable(out$, '                       ------!');
      expectObservable(alice.line$).toBe('            -W---x|', line);
      expectObservable(bob.line$).toBe('              ---W-x|', line);
      expectSubscriptions(event$.subscriptions).toBe('^-----!');
      expectSubscriptions(grown$.subscriptions).toBe('-^----!');
    });
  });

  test('serves two rooms of one operator value independently', () => {
    marbles(({ hot, expectObservable }) => {
      const operator = deliver({ grown$: hot('----|'), retryMs: 1000 });
      const log = roomLog({ id: 'log', windowBytes: 1 << 20 });
      const [one, two] = [fakeConnection(), fakeConnection()];
      const join = (connection: typeof one) => map(() => joined(member('alice', { connection }), log));
      expectObservable(hot('-A--|').pipe(join(one), operator)).toBe(' ----|');
      expectObservable(hot('--A--').pipe(join(two), operator)).toBe(' -----');
      expectObservable(one.line$).toBe('                      -W--(Q|)', line);
      expectObservable(two.line$).toBe('                      --W--', line);
    });
  });
});

describe('deliver with a member refused at its join', () => {
  test('sends the refused member the reason and closes only that member', () => {
    marbles(({ hot, expectObservable }) => {
      const { alice, bob, out$ } = play({ hot }, { event: '-A-r-x', grown: '-----n' });
      expectObservable(alice.line$).toBe('-W---x', line);
      expectObservable(bob.line$).toBe('  ---(E|)', line);
      expectObservable(out$).toBe('        ------');
    });
  });

  test('closes the refused member when writing the reason throws', () => {
    marbles(({ hot, expectObservable }) => {
      const { alice, bob, out$ } = play(
        { hot },
        { event: '-A-r-x', grown: '-----n', bob: { writeResults: '!' } },
      );
      expectObservable(alice.line$).toBe('-W---x', line);
      expectObservable(bob.line$).toBe('  ---|', line);
      expectObservable(out$).toBe('        ---g--', failed);
    });
  });
});

describe('deliver with a member refused later', () => {
  test('sends it the pending log entries, then the reason, and closes only that member', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const scene = { event: '-A-B-x-s-y', grown: '-----n---n' };
      const { alice, bob, out$, grown$ } = play({ hot }, scene);
      expectObservable(alice.line$).toBe('-W---x-(S|)', line);
      expectObservable(bob.line$).toBe('  ---W-x---y', line);
      expectObservable(out$).toBe('        ----------');
      expectSubscriptions(grown$.subscriptions).toBe('-^--------');
    });
  });

  test('sends it the reason although its sink is full, and does not wait for the sink', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const writable$ = hot('                         ----------w');
      const script = { writeResults: 'yn', writable$ };
      const { alice, out$ } = play({ hot }, { event: '-A-x-y-s-|', grown: '---n-n---|', alice: script });
      expectObservable(alice.line$).toBe('             -W-x---(S|)', line);
      expectObservable(out$).toBe('                    ---------|');
      expectSubscriptions(writable$.subscriptions).toBe('---^---!');
    });
  });

  test('ignores its leave and its pings after the refusal', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const { alice, out$, grown$ } = play({ hot }, { event: '-A-s-p-a-x-|', grown: '---------n-|' });
      expectObservable(alice.line$).toBe('-W-(S|)', line);
      expectObservable(out$).toBe('        -----------|');
      expectSubscriptions(grown$.subscriptions).toBe('-^-!');
    });
  });

  test('reports it as failed and closes it when its sink throws', () => {
    marbles(({ hot, expectObservable }) => {
      const { alice, out$ } = play({ hot }, { event: '-A-s-a-|', alice: { writeResults: 'y!' } });
      expectObservable(alice.line$).toBe('-W-|', line);
      expectObservable(out$).toBe('        ---f---|', failed);
    });
  });
});

describe('deliver with a quiet member', () => {
  test('sends a PING with the last position written to that member, and to no other', () => {
    marbles(({ hot, expectObservable }) => {
      const { alice, bob, out$ } = play({ hot }, { event: '-A-q-x-q-B-y-q', grown: '-----n-----n--' });
      expectObservable(alice.line$).toBe('-W-3-x-4---y-5', line);
      expectObservable(bob.line$).toBe('  ---------W-y--', line);
      expectObservable(out$).toBe('        --------------');
    });
  });

  test('sends one PING after a full sink drains', () => {
    marbles(({ hot, expectObservable }) => {
      const script = { writeResults: 'yn', writable$: hot('-----------w') };
      const { alice, out$ } = play({ hot }, { event: '-A-x-q-q-y-', grown: '---n-----n', alice: script });
      expectObservable(alice.line$).toBe('             -W-x-------(4y)', line);
      expectObservable(out$).toBe('                    -----------');
    });
  });

  test('sends one PING and one PONG when the member is quiet and pings', () => {
    marbles(({ hot, expectObservable }) => {
      const script = { writeResults: 'yn', writable$: hot('-------------w') };
      const { alice, out$ } = play({ hot }, { event: '-A-x-q-p-q-p-', grown: '---n', alice: script });
      expectObservable(alice.line$).toBe('             -W-x---------(41)', line);
      expectObservable(out$).toBe('                    ---------------');
    });
  });

  test('sends no PING to a member that has left', () => {
    marbles(({ hot, expectObservable }) => {
      const { alice, out$ } = play({ hot }, { event: '-A-a-q', grown: '-' });
      expectObservable(alice.line$).toBe('-W-|', line);
      expectObservable(out$).toBe('        ------');
    });
  });
});

describe('deliver with a PING of a member', () => {
  test('answers with the last position written to that member', () => {
    marbles(({ hot, expectObservable }) => {
      const { alice, bob, out$ } = play({ hot }, { event: '-A-p-x-p-B-y-p', grown: '-----n-----n--' });
      expectObservable(alice.line$).toBe('-W-0-x-1---y-2', line);
      expectObservable(bob.line$).toBe('  ---------W-y--', line);
      expectObservable(out$).toBe('        --------------');
    });
  });

  test('sends one PONG for all PINGs that arrived while the sink was full, before more entries', () => {
    marbles(({ hot, expectObservable }) => {
      const script = { writeResults: 'yn', writable$: hot('-----------w') };
      const { alice, out$ } = play({ hot }, { event: '-A-x-p-p-y-', grown: '---n-----n', alice: script });
      expectObservable(alice.line$).toBe('             -W-x-------(1y)', line);
      expectObservable(out$).toBe('                    -----------');
    });
  });
});

describe('deliver to a member whose entries have to be fetched', () => {
  test('answers PING before the fetch ends, and pauses at a full sink', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const fetch$ = cold('------f');
      const stored = fetchedLog([token('x'), token('y')], () => fetch$);
      const log = roomLog({ id: 'log', windowBytes: 1 << 20, stored });
      const alice = fakeConnection({ writeResults: 'yynyy', writable$: hot('-------------w') });
      const a = member('alice', { connection: alice });
      const joins = { ...joined(a, log), cursor: log.cursor(1) } as CommittedEvent;
      const events = {
        A: joins,
        p: { type: 'pinged', member: a },
        a: { type: 'disconnected', member: a, reason: 'bye' },
      };
      const event$ = hot<CommittedEvent>(
        '-A-p-------p-----------a',
        events as Record<string, CommittedEvent>,
      );
      const out$ = event$.pipe(deliver({ grown$: NEVER, retryMs: 1000 }));
      expectObservable(alice.line$).toBe('-W-0-----x---1-----y---|', line);
      expectObservable(out$).toBe('-');
      expectSubscriptions(fetch$.subscriptions).toBe(['-^-!', '---^-----!', '-------------^-----!']);
    });
  });
});

describe('deliver with a sink that throws', () => {
  test('reports the member as failed and closes it when WELCOME throws, and serves the others', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const scene = { event: '-A-B-x', grown: '-----n', alice: { writeResults: '!' } };
      const { alice, bob, out$, grown$ } = play({ hot }, scene);
      expectObservable(alice.line$).toBe('-|', line);
      expectObservable(bob.line$).toBe('  ---W-x', line);
      expectObservable(out$).toBe('        -f----', failed);
      expectSubscriptions(grown$.subscriptions).toBe('---^--');
    });
  });

  test('reports the member as failed and closes it when a delivery throws, and delivers that line to the others', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const scene = { event: '-A-B-x-y', grown: '-----n-n', alice: { writeResults: 'y!' } };
      const { alice, bob, out$, grown$ } = play({ hot }, scene);
      expectObservable(alice.line$).toBe('-W---|', line);
      expectObservable(bob.line$).toBe('  ---W-x-y', line);
      expectObservable(out$).toBe('        -----f--', failed);
      expectSubscriptions(grown$.subscriptions).toBe('-^-------');
    });
  });

  test('reports the member as failed when BYE throws, and completes', () => {
    marbles(({ hot, expectObservable }) => {
      const { alice, out$ } = play({ hot }, { event: '-A-|', grown: '---|', alice: { writeResults: 'y!' } });
      expectObservable(alice.line$).toBe('-W-|', line);
      expectObservable(out$).toBe('        ---(f|)', failed);
    });
  });
});
