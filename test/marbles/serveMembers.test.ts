import { describe, test } from '@jest/globals';
import { ignoreElements, map, tap } from 'rxjs';
import type { RunHelpers } from 'rxjs/testing';
import type { Member } from '../../streams/relay/commands.js';
import type { RoomEvent } from '../../streams/relay/roomEvent.js';
import { roomLog, type RoomLog } from '../../streams/relay/roomLog.js';
import { serveMembers } from '../../streams/relay/serveMembers.js';
import { fakeConnection, type Script } from '../support/fakeConnection.js';
import { marbles } from '../support/marbles.js';
import { batch, heard, member, tell, token } from '../support/wire.js';

const joined = (who: Member, log: RoomLog): RoomEvent => {
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
  return { type: 'joined', member: who, returned: false, count, members, welcome, cursor: log.cursor(next) };
};

interface Scene {
  /**
   * A and B join, a and b leave, p is a ping of alice and q her silence, r a refusal of bob, s one of alice where the
   * store failed; x y z are appended by carol.
   */
  readonly event: string;
  /** Each glyph is a notice. */
  readonly grown?: string;
  readonly alice?: Script;
  readonly bob?: Script;
}

const play = ({ hot }: Pick<RunHelpers, 'hot'>, { event, grown = '-', ...script }: Scene) => {
  const log = roomLog({ id: 'log', window: 1 << 20 });
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
  const happen = (glyph: string): RoomEvent => {
    switch (glyph) {
      case 'A':
        return joined(a, log);
      case 'B':
        return joined(b, log);
      case 'a':
        return { type: 'left', member: a, reason: 'bye' };
      case 'b':
        return { type: 'left', member: b, reason: 'bye' };
      case 'p':
        return { type: 'pinged', member: a };
      case 'q':
        return { type: 'quiet', member: a };
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
  const served = serveMembers({ grown$, retryMs: 1000 });
  return { alice, bob, event$, grown$, append, out$: event$.pipe(map(happen), served, map(tell)) };
};

const line = {
  ...heard,
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

describe('serveMembers', () => {
  test('serves nobody where nobody comes', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const { out$, event$ } = play({ hot }, { event: '-' });
      expectObservable(out$).toBe('-');
      expectSubscriptions(event$.subscriptions).toBe('^');
    });
  });

  test('completes with empty events', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(play({ hot }, { event: '--|' }).out$).toBe('--|');
    });
  });

  test('a member hears WELCOME, then what the log grows by, until it leaves and is closed', () => {
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

  test('many members are served each from its own join on', () => {
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

  test('at the end of the events members hear BYE and are closed', () => {
    marbles(({ hot, expectObservable }) => {
      const { alice, bob, out$ } = play({ hot }, { event: '-A-B-x-|', grown: '-----n-|' });
      expectObservable(alice.line$).toBe('-W---x-(Q|)', line);
      expectObservable(bob.line$).toBe('  ---W-x-(Q|)', line);
      expectObservable(out$).toBe('        -------|');
    });
  });

  test('a slow member hears the rest first, and the end waits for it', () => {
    marbles(({ hot, expectObservable }) => {
      const script = { answers: 'yn', writable$: hot('----------w') };
      const { alice, out$ } = play({ hot }, { event: '-A-x-y-|', grown: '---n-n-|', alice: script });
      expectObservable(alice.line$).toBe('             -W-x------(yQ|)', line);
      expectObservable(out$).toBe('                    ----------|');
    });
  });

  test('and so does what the log still grows by once nothing more happens: BYE is behind all of it', () => {
    marbles(({ hot, expectObservable }) => {
      const { alice, out$, append } = play({ hot }, { event: '-A-|', grown: '-----n--|' });
      expectObservable(hot('----x').pipe(tap(append), ignoreElements()));
      expectObservable(alice.line$).toBe('-W---x--(Q|)', line);
      expectObservable(out$).toBe('        --------|');
    });
  });

  test('an error of the events passes, and closes everyone', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const { alice, bob, out$, grown$ } = play({ hot }, { event: '-A-B-#' });
      expectObservable(alice.line$).toBe('     -W---|', line);
      expectObservable(bob.line$).toBe('       ---W-|', line);
      expectObservable(out$).toBe('             -----#', {}, 'fault');
      expectSubscriptions(grown$.subscriptions).toBe('-^---!');
    });
  });

  test('unsubscribing closes everyone, in the middle of an endless room', () => {
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

  test('one operator value serves two rooms', () => {
    marbles(({ hot, expectObservable }) => {
      const operator = serveMembers({ grown$: hot('----|'), retryMs: 1000 });
      const log = roomLog({ id: 'log', window: 1 << 20 });
      const [one, two] = [fakeConnection(), fakeConnection()];
      const join = (connection: typeof one) => map(() => joined(member('alice', { connection }), log));
      expectObservable(hot('-A--|').pipe(join(one), operator)).toBe(' ----|');
      expectObservable(hot('--A--').pipe(join(two), operator)).toBe(' -----');
      expectObservable(one.line$).toBe('                      -W--(Q|)', line);
      expectObservable(two.line$).toBe('                      --W--', line);
    });
  });
});

describe('who is refused', () => {
  test('hears why and is closed, and nobody else is', () => {
    marbles(({ hot, expectObservable }) => {
      const { alice, bob, out$ } = play({ hot }, { event: '-A-r-x', grown: '-----n' });
      expectObservable(alice.line$).toBe('-W---x', line);
      expectObservable(bob.line$).toBe('  ---(E|)', line);
      expectObservable(out$).toBe('        ------');
    });
  });

  test('and cannot even be told so is closed all the same', () => {
    marbles(({ hot, expectObservable }) => {
      const { alice, bob, out$ } = play({ hot }, { event: '-A-r-x', grown: '-----n', bob: { answers: '!' } });
      expectObservable(alice.line$).toBe('-W---x', line);
      expectObservable(bob.line$).toBe('  ---|', line);
      expectObservable(out$).toBe('        ---g--', failed);
    });
  });
});

describe('who is refused later on', () => {
  test('hears what the log had grown by, then why, and is closed; nobody else is', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const scene = { event: '-A-B-x-s-y', grown: '-----n---n' };
      const { alice, bob, out$, grown$ } = play({ hot }, scene);
      expectObservable(alice.line$).toBe('-W---x-(S|)', line);
      expectObservable(bob.line$).toBe('  ---W-x---y', line);
      expectObservable(out$).toBe('        ----------');
      expectSubscriptions(grown$.subscriptions).toBe('-^--------');
    });
  });

  test('while its sink is full hears why all the same, and nothing of it is waited for', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const writable$ = hot('                         ----------w');
      const script = { answers: 'yn', writable$ };
      const { alice, out$ } = play({ hot }, { event: '-A-x-y-s-|', grown: '---n-n---|', alice: script });
      expectObservable(alice.line$).toBe('             -W-x---(S|)', line);
      expectObservable(out$).toBe('                    ---------|');
      expectSubscriptions(writable$.subscriptions).toBe('---^---!');
    });
  });

  test('is done with: that it leaves then brings nothing about, and its pings neither', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const { alice, out$, grown$ } = play({ hot }, { event: '-A-s-p-a-x-|', grown: '---------n-|' });
      expectObservable(alice.line$).toBe('-W-(S|)', line);
      expectObservable(out$).toBe('        -----------|');
      expectSubscriptions(grown$.subscriptions).toBe('-^-!');
    });
  });

  test('and whose sink throws then has failed and is closed', () => {
    marbles(({ hot, expectObservable }) => {
      const { alice, out$ } = play({ hot }, { event: '-A-s-a-|', alice: { answers: 'y!' } });
      expectObservable(alice.line$).toBe('-W-|', line);
      expectObservable(out$).toBe('        ---f---|', failed);
    });
  });
});

describe('who is quiet', () => {
  test('is asked with a PING that names the last position written to it; nobody else is', () => {
    marbles(({ hot, expectObservable }) => {
      const { alice, bob, out$ } = play({ hot }, { event: '-A-q-x-q-B-y-q', grown: '-----n-----n--' });
      expectObservable(alice.line$).toBe('-W-3-x-4---y-5', line);
      expectObservable(bob.line$).toBe('  ---------W-y--', line);
      expectObservable(out$).toBe('        --------------');
    });
  });

  test('and whose sink is full is asked once, in its turn, when it drains', () => {
    marbles(({ hot, expectObservable }) => {
      const script = { answers: 'yn', writable$: hot('-----------w') };
      const { alice, out$ } = play({ hot }, { event: '-A-x-q-q-y-', grown: '---n-----n', alice: script });
      expectObservable(alice.line$).toBe('             -W-x-------(4y)', line);
      expectObservable(out$).toBe('                    -----------');
    });
  });

  test('is asked and answered, each once', () => {
    marbles(({ hot, expectObservable }) => {
      const script = { answers: 'yn', writable$: hot('-------------w') };
      const { alice, out$ } = play({ hot }, { event: '-A-x-q-p-q-p-', grown: '---n', alice: script });
      expectObservable(alice.line$).toBe('             -W-x---------(41)', line);
      expectObservable(out$).toBe('                    ---------------');
    });
  });

  test('and has gone is not asked', () => {
    marbles(({ hot, expectObservable }) => {
      const { alice, out$ } = play({ hot }, { event: '-A-a-q', grown: '-' });
      expectObservable(alice.line$).toBe('-W-|', line);
      expectObservable(out$).toBe('        ------');
    });
  });
});

describe('a PING', () => {
  test('is answered with the last position written to that member', () => {
    marbles(({ hot, expectObservable }) => {
      const { alice, bob, out$ } = play({ hot }, { event: '-A-p-x-p-B-y-p', grown: '-----n-----n--' });
      expectObservable(alice.line$).toBe('-W-0-x-1---y-2', line);
      expectObservable(bob.line$).toBe('  ---------W-y--', line);
      expectObservable(out$).toBe('        --------------');
    });
  });

  test('is answered once for all that came while the sink was full, before it goes on', () => {
    marbles(({ hot, expectObservable }) => {
      const script = { answers: 'yn', writable$: hot('-----------w') };
      const { alice, out$ } = play({ hot }, { event: '-A-x-p-p-y-', grown: '---n-----n', alice: script });
      expectObservable(alice.line$).toBe('             -W-x-------(1y)', line);
      expectObservable(out$).toBe('                    -----------');
    });
  });
});

describe('a sink that throws', () => {
  test('at WELCOME is closed and its member failed; the others go on', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const scene = { event: '-A-B-x', grown: '-----n', alice: { answers: '!' } };
      const { alice, bob, out$, grown$ } = play({ hot }, scene);
      expectObservable(alice.line$).toBe('-|', line);
      expectObservable(bob.line$).toBe('  ---W-x', line);
      expectObservable(out$).toBe('        -f----', failed);
      expectSubscriptions(grown$.subscriptions).toBe('---^--');
    });
  });

  test('while a line is delivered is closed and its member failed; the others get that line', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const scene = { event: '-A-B-x-y', grown: '-----n-n', alice: { answers: 'y!' } };
      const { alice, bob, out$, grown$ } = play({ hot }, scene);
      expectObservable(alice.line$).toBe('-W---|', line);
      expectObservable(bob.line$).toBe('  ---W-x-y', line);
      expectObservable(out$).toBe('        -----f--', failed);
      expectSubscriptions(grown$.subscriptions).toBe('-^-------');
    });
  });

  test('at BYE is a failure too, and the end comes', () => {
    marbles(({ hot, expectObservable }) => {
      const { alice, out$ } = play({ hot }, { event: '-A-|', grown: '---|', alice: { answers: 'y!' } });
      expectObservable(alice.line$).toBe('-W-|', line);
      expectObservable(out$).toBe('        ---(f|)', failed);
    });
  });
});
