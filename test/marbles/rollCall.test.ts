import { describe, expect, test } from '@jest/globals';
import { asyncScheduler, from, map, type OperatorFunction, pipe } from 'rxjs';
import type { Command, Member } from '../../streams/relay/commands.js';
import { type Attendance, rollCall, type RollCallOptions } from '../../streams/relay/rollCall.js';
import { LISTED_MEMBERS } from '../../streams/wire/handshake.js';
import { marbles } from '../support/marbles.js';
import { batch, member, sessionOf, tell, token } from '../support/wire.js';

const alice = member('alice');
/** Somebody else who wants that nick. */
const other = member('alice', { session: sessionOf('mallory') });
/** Alice over her next connection, and over one under another nick. */
const again = member('alice');
const renamed = member('eve', { session: alice.session });
const bob = member('bob');

const join = (who: Member): Command => ({ type: 'join', member: who });
const leave = (who: Member, reason = 'bye'): Command => ({ type: 'leave', member: who, reason });
const say = (who: Member, mark: string): Command => ({
  type: 'tokens',
  member: who,
  lines: batch(token(mark)),
});
const ping = (who: Member): Command => ({ type: 'ping', member: who });

const BROKEN = 'reset by peer';

/** Capitals are bob's; 1 to 4 are those of another one with alice's nick, 5 to 9 of alice over her next connection. */
const command = {
  j: join(alice),
  x: say(alice, 'x'),
  p: ping(alice),
  q: { type: 'quiet', member: alice } as const,
  l: leave(alice),
  b: leave(alice, BROKEN),
  J: join(bob),
  X: say(bob, 'X'),
  L: leave(bob),
  B: leave(bob, BROKEN),
  1: join(other),
  2: say(other, '2'),
  3: ping(other),
  4: leave(other),
  5: join(again),
  6: say(again, '6'),
  7: ping(again),
  8: leave(again),
  9: leave(again, BROKEN),
  e: join(renamed),
  f: say(renamed, 'f'),
};

const happened = {
  j: 'alice joined',
  x: 'alice: x',
  p: 'alice pinged',
  q: 'alice quiet',
  l: 'alice left: bye',
  b: `alice left: ${BROKEN}`,
  d: 'alice departed',
  J: 'bob joined',
  X: 'bob: X',
  L: 'bob left: bye',
  B: `bob left: ${BROKEN}`,
  D: 'bob departed',
  r: 'alice refused: nick-taken',
  2: 'alice: 2',
  R: 'alice returned',
  6: 'alice: 6',
  t: 'alice left: came back over another connection',
  E: 'eve joined',
  f: 'eve: f',
};

const called = (options?: RollCallOptions): OperatorFunction<Command, string> =>
  pipe(rollCall(options), map(tell));

describe('rollCall', () => {
  test('nothing comes of a source that says nothing', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const command$ = cold('-', command);
      expectObservable(command$.pipe(called())).toBe('-');
      expectSubscriptions(command$.subscriptions).toBe('^');
    });
  });

  test('completes with an empty source', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('|', command).pipe(called())).toBe('|');
    });
  });

  test('who joins is present, speaks, pings, is quiet, leaves, and has departed', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                     -j-x-p-q-l----|', command);
      expectObservable(command$.pipe(called())).toBe('-j-x-p-q-(ld)-|', happened);
    });
  });

  test('many are present side by side, each once', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                     -j-J-x-X-l---X-L----|', command);
      expectObservable(command$.pipe(called())).toBe('-j-J-x-X-(ld)X-(LD)-|', happened);
    });
  });

  test('an error of the source passes', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-j-#', command, 'fault').pipe(called())).toBe('-j-#', happened, 'fault');
    });
  });

  test('an endless source is let go when nobody listens any more', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const command$ = hot('                             -jxxxx', command);
      const unsub = '                                    ---!';
      expectObservable(command$.pipe(called()), unsub).toBe('-jx', happened);
      expectSubscriptions(command$.subscriptions).toBe(' ^--!');
    });
  });

  test('one operator value serves two rooms: a nick may be in both', () => {
    marbles(({ cold, expectObservable }) => {
      const operator = called();
      expectObservable(cold('-j--x|', command).pipe(operator)).toBe('-j--x|', happened);
      expectObservable(cold('--1-l|', command).pipe(operator)).toBe('--j--|', happened);
      expectObservable(cold('---5--b', command).pipe(operator)).toBe('---j--', happened);
    });
  });
});

describe('a nick that is taken', () => {
  test('is refused to a second one, of whom nothing more is heard, while the first goes on', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                     -j-1-2-3-4-x-l', command);
      expectObservable(command$.pipe(called())).toBe('-j-r-------x-(ld)', happened);
    });
  });

  test('is free once the first has left', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                     -j-l---1-2-x', command);
      expectObservable(command$.pipe(called())).toBe('-j-(ld)j-2--', happened);
    });
  });

  test.each([
    ['alice', 'ALICE'],
    ['alice', 'ａｌｉｃｅ'],
    ['éva', 'e\u0301va'],
  ])('is one that reads the same: %s and %s', (first, second) => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('ab', { a: join(member(first)), b: join(member(second)) });
      expectObservable(command$.pipe(called())).toBe('ab', {
        a: `${first} joined`,
        b: `${second} refused: nick-taken`,
      });
    });
  });
});

describe('a session that joins again', () => {
  test('is the same member over a new connection: the old one ends first, and counts no more', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                     -j-x-5---x-p-q-b-6-7-8----', command);
      expectObservable(command$.pipe(called())).toBe('-j-x-(tR)--------6-p-(ld)-', happened);
    });
  });

  test('is the same however often', () => {
    marbles(({ cold, expectObservable }) => {
      const third = join(member('alice'));
      const command$ = cold('                     -j-5---3---6-', { ...command, 3: third });
      expectObservable(command$.pipe(called())).toBe('-j-(tR)(tR)--', happened);
    });
  });

  test('under another nick is another member, and the old one has departed', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                     -j-x-e----x-b-f-1', command);
      expectObservable(command$.pipe(called())).toBe('-j-x-(tdE)----f-j', happened);
    });
  });

  test('under the same nick in other letters is another member too', () => {
    marbles(({ cold, expectObservable }) => {
      const shouting = join(member('ALICE', { session: alice.session }));
      const command$ = cold('                     -j-5', { ...command, 5: shouting });
      expectObservable(command$.pipe(called())).toBe('-j-(tdA)', { ...happened, A: 'ALICE joined' });
    });
  });

  test('under a nick that another one has is refused, and its old connection goes on', () => {
    marbles(({ cold, expectObservable }) => {
      const robbing = join(member('bob', { session: alice.session }));
      const command$ = cold('                     -j-J-5-x-X', { ...command, 5: robbing });
      expectObservable(command$.pipe(called())).toBe('-j-J-s-x-X', {
        ...happened,
        s: 'bob refused: nick-taken',
      });
    });
  });

  test('after BYE has come anew', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                     -j-l---5-6', command);
      expectObservable(command$.pipe(called())).toBe('-j-(ld)j-6', happened);
    });
  });
});

describe('who is cut off', () => {
  test('has left at once and departed after the grace, of 5 s where nothing else was said', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                                 -j-b- 10s      -', command);
      expectObservable(command$.pipe(called())).toBe('            -j-b 4999ms d -', happened);
      expectObservable(command$.pipe(called({ grace: 7 }))).toBe('-j-b 6ms    d -', happened);
    });
  });

  test('departs at once where there is no grace', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                                 -j-b', command);
      expectObservable(command$.pipe(called({ grace: 0 }))).toBe('-j-(bd)', happened);
    });
  });

  test('and comes back in time has never been away', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                                 -j-b-----5-6-------', command);
      expectObservable(command$.pipe(called({ grace: 7 }))).toBe('-j-b-----R-6-------', happened);
    });
  });

  test('again has as much time again', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                                 -j-b-----5-9-------', command);
      expectObservable(command$.pipe(called({ grace: 7 }))).toBe('-j-b-----R-b------d', happened);
    });
  });

  test('and comes back too late has come anew', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                                 -j-b-------5-6', command);
      expectObservable(command$.pipe(called({ grace: 7 }))).toBe('-j-b------dj-6', happened);
    });
  });

  test('and comes back under another nick has departed under the old one', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                                 -j-b---e-----------', command);
      expectObservable(command$.pipe(called({ grace: 7 }))).toBe('-j-b---(dE)--------', happened);
    });
  });

  test('departs at once when another one wants its nick, and once', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                                 -j-b---1----2------', command);
      expectObservable(command$.pipe(called({ grace: 7 }))).toBe('-j-b---(dj)-2------', happened);
    });
  });

  test('then finds its nick taken', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                                 -j-b-1---5-6-2', command);
      expectObservable(command$.pipe(called({ grace: 7 }))).toBe('-j-b-(dj)r---2', happened);
    });
  });

  test('loses its nick to a session that had another one, which departs too', () => {
    marbles(({ cold, expectObservable }) => {
      const taking = join(member('alice', { session: bob.session }));
      const command$ = cold('                     -j-J-b-3------X', { ...command, 3: taking });
      const both = { ...happened, t: 'bob left: came back over another connection' };
      expectObservable(command$.pipe(called())).toBe('-j-J-b-(tDdj)--', both);
    });
  });

  test('is not heard, whatever its old connection still says', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                     -j-bxpql-', command);
      expectObservable(command$.pipe(called())).toBe('-j-b 4999ms d', happened);
    });
  });

  test('does not hold up the others', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                                 -j-J-b-X-B-------', command);
      expectObservable(command$.pipe(called({ grace: 7 }))).toBe('-j-J-b-X-B--d---D', happened);
    });
  });

  test('departs no more once the commands have completed, and no timer is left', () => {
    marbles(({ cold, expectObservable, flush }) => {
      expectObservable(cold('-j-b-|', command).pipe(called())).toBe('-j-b-|', happened);
      flush();
      expect(asyncScheduler.now()).toBeLessThan(5000);
    });
  });

  test('departs no more after an error, and no timer is left', () => {
    marbles(({ cold, expectObservable, flush }) => {
      expectObservable(cold('-j-b-#', command, 'fault').pipe(called())).toBe('-j-b-#', happened, 'fault');
      flush();
      expect(asyncScheduler.now()).toBeLessThan(5000);
    });
  });

  test('after BYE leaves no timer, for it has departed', () => {
    marbles(({ cold, expectObservable, flush }) => {
      expectObservable(cold('-j-l', command).pipe(called())).toBe('-j-(ld)', happened);
      flush();
      expect(asyncScheduler.now()).toBeLessThan(5000);
    });
  });

  test('leaves no timer when nobody listens any more', () => {
    marbles(({ hot, expectObservable, expectSubscriptions, flush }) => {
      const command$ = hot('                             -j-b----', command);
      const unsub = '                                    ------!';
      expectObservable(command$.pipe(called()), unsub).toBe('-j-b--', happened);
      expectSubscriptions(command$.subscriptions).toBe(' ^-----!');
      flush();
      expect(asyncScheduler.now()).toBeLessThan(5000);
    });
  });
});

describe('members that show the same owner', () => {
  const OWNER = 'owner of the nick';
  const here = member('alice', { owner: OWNER });
  const there = member('alice', { owner: OWNER, session: sessionOf('there') });
  const command = {
    j: join(here),
    x: say(here, 'x'),
    b: leave(here, BROKEN),
    l: leave(here),
    5: join(member('alice', { owner: OWNER })),
    1: join(there),
    2: say(there, '2'),
    3: leave(there, BROKEN),
    4: leave(there),
    J: join(bob),
    m: join(member('alice', { owner: 'of somebody else', session: sessionOf('mallory') })),
    n: join(member('alice', { session: sessionOf('nobody') })),
    e: join(member('eve', { owner: OWNER, session: there.session })),
    A: join(member('ALICE', { owner: OWNER, session: there.session })),
  };
  const told = {
    ...happened,
    F: 'bob refused: room-full',
    u: 'eve left: came back over another connection',
    v: 'eve departed',
    w: 'ALICE returned',
    1: 'alice returned',
    k: 'alice left: came back over another connection',
    3: `alice left: ${BROKEN}`,
    4: 'alice left: bye',
  };
  const check = (given: string, expected: string, options?: RollCallOptions) => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold(given, command).pipe(called(options))).toBe(expected, told);
    });
  };

  test('share a nick, each with a connection of its own, and it departs with the last of them', () => {
    check('-j-1-x-2-l---2-4----', '-j-1-x-2-l---2-(4d)-');
    check('-j-1-x-2-4---x-l----', '-j-1-x-2-4---x-(ld)-');
  });

  test('refuse the nick to everybody else, be it with another owner or with none', () => {
    check('-j-m-n-x-1-l-m-n', '-j-r-r-x-1-l-r-r');
  });

  test('do not share a nick with somebody who came without one', () => {
    const command$ = { ...command, j: join(alice) };
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-j-1', command$).pipe(called())).toBe('-j-r', told);
    });
  });

  test('are back at once after a connection was lost, noticed or not, and nothing departs', () => {
    check('-j-b-1----------2', '-j-b-1----------2', { grace: 7 });
    check('-j---1-b--------2', '-j---1-b--------2', { grace: 7 });
  });

  test('come back over the next connection of their session, whoever else shares the nick', () => {
    check('-j-1-5---x-2-4-l', '-j-1-(tR)--2-4--');
  });

  test('are away only when all of them are', () => {
    check('-j-1-b-m-3-m----', '-j-1-b-r-3-(dj)-', { grace: 50 });
    check('-j-1-b-3----------', '-j-1-b-3------d---', { grace: 7 });
    check('-j-1-b-4----------', '-j-1-b-4----d-----', { grace: 7 });
  });

  test('leave their nick to the others when one of them takes another', () => {
    check('-j-1-e------l----', '-j-1-(kE)---(ld)-');
  });

  test('take another nick and come back to the one that the others have kept', () => {
    check('-j-1-e---A----l---', '-j-1-(kE)(uvw)l---');
  });

  test('may spell the nick in other letters: it stays as the first of them gave it', () => {
    const seen: Attendance[] = [];
    from([command.j, command.A, command.l, leave(command.A.member)])
      .pipe(rollCall())
      .subscribe((event) => seen.push(event));
    expect(seen.map((event) => [event.type, event.member.nick])).toStrictEqual([
      ['joined', 'alice'],
      ['joined', 'ALICE'],
      ['left', 'alice'],
      ['left', 'ALICE'],
      ['departed', 'alice'],
    ]);
    expect(seen[1]).toMatchObject({ returned: true, count: 1, members: ['alice'] });
  });

  test('are one in the list and in the count, and each of them one of those that a room may have', () => {
    check('-j-1-J', '-j-1-F', { roomMembers: 2 });
    const seen: Attendance[] = [];
    from([command.j, command.J, command[1]])
      .pipe(rollCall())
      .subscribe((event) => seen.push(event));
    expect(seen.at(-1)).toMatchObject({ count: 2, members: ['alice', 'bob'] });
  });

  test('take the place of one that is away where the room is full, or the nick has all its connections', () => {
    check('-j-J-b-1---------', '-j-J-b-1---------', { roomMembers: 2, grace: 7 });
    check('-j-b-1-----------', '-j-b-1-----------', { connectionsPerNick: 1, grace: 7 });
    check('-j-1-2-x', '-j-r---x', { connectionsPerNick: 1 });
  });
});

describe('what a newcomer is told', () => {
  const seen = (...all: Command[]): Attendance[] => {
    const attendance: Attendance[] = [];
    from(all)
      .pipe(rollCall())
      .subscribe((event) => attendance.push(event));
    return attendance;
  };

  test('is how many are there and who, itself included', () => {
    expect(seen(join(alice), join(bob), leave(alice), join(again)).at(-1)).toStrictEqual({
      type: 'joined',
      member: again,
      returned: false,
      count: 2,
      members: ['bob', 'alice'],
    });
  });

  test('counts who is away, for nobody was told that it had gone', () => {
    expect(seen(join(alice), leave(alice, BROKEN), join(bob)).at(-1)).toMatchObject({
      count: 2,
      members: ['alice', 'bob'],
    });
  });

  test('counts who came back once', () => {
    expect(seen(join(alice), join(bob), join(again)).at(-1)).toStrictEqual({
      type: 'joined',
      member: again,
      returned: true,
      count: 2,
      members: ['alice', 'bob'],
    });
    expect(seen(join(alice), join(bob), join(renamed)).at(-1)).toMatchObject({
      count: 2,
      members: ['bob', 'eve'],
    });
  });

  test('is only how many, where a list would be too long', () => {
    const crowd = Array.from({ length: LISTED_MEMBERS + 1 }, (_, n) => join(member(`n${n}`)));
    const [last, first] = seen(...crowd).reverse();
    expect(first).toMatchObject({ count: 1000, members: { length: 1000 } });
    expect(last).toMatchObject({ count: 1001, members: undefined });
  });
});

test('a full room takes nobody, but who comes back or takes the place of who is away', () => {
  marbles(({ cold, expectObservable }) => {
    const carol = member('carol');
    const told$ = cold('j-J-c-b-9', { ...command, c: join(carol), 9: join(again) }).pipe(
      rollCall({ roomMembers: 2, grace: 50 }),
      map(tell),
    );
    expectObservable(told$, '20ms !').toBe('j-J-c-b-9', {
      j: 'alice joined',
      J: 'bob joined',
      c: 'carol refused: room-full',
      b: 'alice left: reset by peer',
      9: 'alice returned',
    });
  });
});
