import { describe, expect, test } from '@jest/globals';
import { asyncScheduler, map } from 'rxjs';
import type { MemberCommand, Member } from '../../../../streams/relay/connection/parseCommands.js';
import { members, type MembersOptions } from '../../../../streams/relay/members/members.js';
import { MAX_LISTED_MEMBERS } from '../../../../streams/wire/handshake.js';
import { marbles } from '../../../support/marbles.js';
import { describeMembers, observeMembers, roomKinds } from '../../../support/roomKinds.js';
import { batch, member, sessionOf, describeEvent, token } from '../../../support/wire.js';

const alice = member('alice');
/** Another client that requests that nick. */
const other = member('alice', { session: sessionOf('mallory') });
/** Alice over her next connection, and over one under another nick. */
const again = member('alice');
const renamed = member('eve', { session: alice.session });
const bob = member('bob');

const join = (who: Member): MemberCommand => ({ type: 'join', member: who });
const leave = (who: Member, reason = 'bye'): MemberCommand => ({ type: 'leave', member: who, reason });
const send = (who: Member, mark: string): MemberCommand => ({
  type: 'tokens',
  member: who,
  lines: batch(token(mark)),
});
const ping = (who: Member): MemberCommand => ({ type: 'ping', member: who });

const BROKEN = 'reset by peer';

/** Capitals are bob's; 1 to 4 are another client with alice's nick, 5 to 9 alice over her next connection. */
const command = {
  j: join(alice),
  x: send(alice, 'x'),
  p: ping(alice),
  q: { type: 'idle', member: alice } as const,
  l: leave(alice),
  b: leave(alice, BROKEN),
  J: join(bob),
  X: send(bob, 'X'),
  L: leave(bob),
  B: leave(bob, BROKEN),
  1: join(other),
  2: send(other, '2'),
  3: ping(other),
  4: leave(other),
  5: join(again),
  6: send(again, '6'),
  7: ping(again),
  8: leave(again),
  9: leave(again, BROKEN),
  e: join(renamed),
  f: send(renamed, 'f'),
};

const happened = {
  j: 'alice joined',
  x: 'alice stored 1',
  p: 'alice pinged',
  q: 'alice idle',
  l: 'alice disconnected: bye',
  b: `alice disconnected: ${BROKEN}`,
  d: 'alice left',
  J: 'bob joined',
  X: 'bob stored 1',
  L: 'bob disconnected: bye',
  B: `bob disconnected: ${BROKEN}`,
  D: 'bob left',
  r: 'alice refused: nick-taken',
  2: 'alice stored 1',
  R: 'alice resumed',
  6: 'alice stored 1',
  t: 'alice disconnected: came back over another connection',
  E: 'eve joined',
  f: 'eve stored 1',
};

describe.each(roomKinds)('%s', (_, kind) => {
  const called = (options?: MembersOptions) => describeMembers(kind, options);
  const seen = (...commands: MemberCommand[]) => observeMembers(kind, commands);

  describe('members', () => {
    test('emits nothing when the source is silent', () => {
      marbles(({ cold, expectObservable, expectSubscriptions }) => {
        const command$ = cold('-', command);
        expectObservable(command$.pipe(called())).toBe('-');
        expectSubscriptions(command$.subscriptions).toBe('^');
      });
    });

    test('completes when the source is empty', () => {
      marbles(({ cold, expectObservable }) => {
        expectObservable(cold('|', command).pipe(called())).toBe('|');
      });
    });

    test('emits that a member is present, speaks, pings, is quiet, leaves and has departed', () => {
      marbles(({ cold, expectObservable }) => {
        const command$ = cold('                     -j-x-p-q-l----|', command);
        expectObservable(command$.pipe(called())).toBe('-j-x-p-q-(ld)-|', happened);
      });
    });

    test('emits many concurrent members, each once', () => {
      marbles(({ cold, expectObservable }) => {
        const command$ = cold('                     -j-J-x-X-l---X-L----|', command);
        expectObservable(command$.pipe(called())).toBe('-j-J-x-X-(ld)X-(LD)-|', happened);
      });
    });

    test('passes an error of the source on', () => {
      marbles(({ cold, expectObservable }) => {
        expectObservable(cold('-j-#', command, 'fault').pipe(called())).toBe('-j-#', happened, 'fault');
      });
    });

    test('unsubscribes from an endless source when its subscriber leaves', () => {
      marbles(({ hot, expectObservable, expectSubscriptions }) => {
        const command$ = hot('                             -jxxxx', command);
        const unsub = '                                    ---!';
        expectObservable(command$.pipe(called()), unsub).toBe('-jx', happened);
        expectSubscriptions(command$.subscriptions).toBe(' ^--!');
      });
    });

    test('allows the same nick in two rooms of one operator value', () => {
      marbles(({ cold, expectObservable }) => {
        const operator = called();
        expectObservable(cold('-j--x|', command).pipe(operator)).toBe('-j--x|', happened);
        expectObservable(cold('--1-l|', command).pipe(operator)).toBe('--j--|', happened);
        expectObservable(cold('---5--b', command).pipe(operator)).toBe('---j--', happened);
      });
    });
  });

  describe('a nick in use', () => {
    test('is refused to a second member, which is ignored from then on, while the first continues', () => {
      marbles(({ cold, expectObservable }) => {
        const command$ = cold('                     -j-1-2-3-4-x-l', command);
        expectObservable(command$.pipe(called())).toBe('-j-r-------x-(ld)', happened);
      });
    });

    test('is free once the first member has left', () => {
      marbles(({ cold, expectObservable }) => {
        const command$ = cold('                     -j-l---1-2-x', command);
        expectObservable(command$.pipe(called())).toBe('-j-(ld)j-2--', happened);
      });
    });

    test.each([
      ['alice', 'ALICE'],
      ['alice', 'ａｌｉｃｅ'],
      ['éva', 'e\u0301va'],
    ])('is refused when it reads the same: %s and %s', (first, second) => {
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
    test('is the same member over a new connection, and the old connection ends first and is ignored', () => {
      marbles(({ cold, expectObservable }) => {
        const command$ = cold('                     -j-x-5---x-p-q-b-6-7-8----', command);
        expectObservable(command$.pipe(called())).toBe('-j-x-(tR)--------6-p-(ld)-', happened);
      });
    });

    test('remains the same member for any number of joins', () => {
      marbles(({ cold, expectObservable }) => {
        const third = join(member('alice'));
        const command$ = cold('                     -j-5---3---6-', { ...command, 3: third });
        expectObservable(command$.pipe(called())).toBe('-j-(tR)(tR)--', happened);
      });
    });

    test('is another member under another nick, and the old member has departed', () => {
      marbles(({ cold, expectObservable }) => {
        const command$ = cold('                     -j-x-e----x-b-f-1', command);
        expectObservable(command$.pipe(called())).toBe('-j-x-(tdE)----f-j', happened);
      });
    });

    test('is another member when its nick is spelled differently', () => {
      marbles(({ cold, expectObservable }) => {
        const shouting = join(member('ALICE', { session: alice.session }));
        const command$ = cold('                     -j-5', { ...command, 5: shouting });
        expectObservable(command$.pipe(called())).toBe('-j-(tdA)', { ...happened, A: 'ALICE joined' });
      });
    });

    test('is refused under a nick in use, and its old connection continues', () => {
      marbles(({ cold, expectObservable }) => {
        const robbing = join(member('bob', { session: alice.session }));
        const command$ = cold('                     -j-J-5-x-X', { ...command, 5: robbing });
        expectObservable(command$.pipe(called())).toBe('-j-J-s-x-X', {
          ...happened,
          s: 'bob refused: nick-taken',
        });
      });
    });

    test('is a new member after BYE', () => {
      marbles(({ cold, expectObservable }) => {
        const command$ = cold('                     -j-l---5-6', command);
        expectObservable(command$.pipe(called())).toBe('-j-(ld)j-6', happened);
      });
    });
  });

  describe('a member that is cut off', () => {
    test('leaves at once and departs after the grace period, 5 s by default', () => {
      marbles(({ cold, expectObservable }) => {
        const command$ = cold('                                 -j-b- 10s      -', command);
        expectObservable(command$.pipe(called())).toBe('            -j-b 4999ms d -', happened);
        expectObservable(command$.pipe(called({ reconnectGraceMs: 7 }))).toBe('-j-b 6ms    d -', happened);
      });
    });

    test('departs at once when there is no grace period', () => {
      marbles(({ cold, expectObservable }) => {
        const command$ = cold('                                 -j-b', command);
        expectObservable(command$.pipe(called({ reconnectGraceMs: 0 }))).toBe('-j-(bd)', happened);
      });
    });

    test('does not depart when it comes back in time', () => {
      marbles(({ cold, expectObservable }) => {
        const command$ = cold('                                 -j-b-----5-6-------', command);
        expectObservable(command$.pipe(called({ reconnectGraceMs: 7 }))).toBe(
          '-j-b-----R-6-------',
          happened,
        );
      });
    });

    test('has the whole grace period again when it is cut off again', () => {
      marbles(({ cold, expectObservable }) => {
        const command$ = cold('                                 -j-b-----5-9-------', command);
        expectObservable(command$.pipe(called({ reconnectGraceMs: 7 }))).toBe(
          '-j-b-----R-b------d',
          happened,
        );
      });
    });

    test('is a new member when it comes back too late', () => {
      marbles(({ cold, expectObservable }) => {
        const command$ = cold('                                 -j-b-------5-6', command);
        expectObservable(command$.pipe(called({ reconnectGraceMs: 7 }))).toBe('-j-b------dj-6', happened);
      });
    });

    test('departs under its old nick when it comes back under another', () => {
      marbles(({ cold, expectObservable }) => {
        const command$ = cold('                                 -j-b---e-----------', command);
        expectObservable(command$.pipe(called({ reconnectGraceMs: 7 }))).toBe(
          '-j-b---(dE)--------',
          happened,
        );
      });
    });

    test('departs once, and at once, when another member takes its nick', () => {
      marbles(({ cold, expectObservable }) => {
        const command$ = cold('                                 -j-b---1----2------', command);
        expectObservable(command$.pipe(called({ reconnectGraceMs: 7 }))).toBe(
          '-j-b---(dj)-2------',
          happened,
        );
      });
    });

    test('is refused its nick after another member took it', () => {
      marbles(({ cold, expectObservable }) => {
        const command$ = cold('                                 -j-b-1---5-6-2', command);
        expectObservable(command$.pipe(called({ reconnectGraceMs: 7 }))).toBe('-j-b-(dj)r---2', happened);
      });
    });

    test('loses its nick to a session that had another nick, which departs too', () => {
      marbles(({ cold, expectObservable }) => {
        const taking = join(member('alice', { session: bob.session }));
        const command$ = cold('                     -j-J-b-3------X', { ...command, 3: taking });
        const both = { ...happened, t: 'bob disconnected: came back over another connection' };
        expectObservable(command$.pipe(called())).toBe('-j-J-b-(tDdj)--', both);
      });
    });

    test('is ignored when its old connection still sends', () => {
      marbles(({ cold, expectObservable }) => {
        const command$ = cold('                     -j-bxpql-', command);
        expectObservable(command$.pipe(called())).toBe('-j-b 4999ms d', happened);
      });
    });

    test('does not delay the others', () => {
      marbles(({ cold, expectObservable }) => {
        const command$ = cold('                                 -j-J-b-X-B-------', command);
        expectObservable(command$.pipe(called({ reconnectGraceMs: 7 }))).toBe('-j-J-b-X-B--d---D', happened);
      });
    });

    test('does not depart once the commands have completed, and leaves no timer', () => {
      marbles(({ cold, expectObservable, flush }) => {
        expectObservable(cold('-j-b-|', command).pipe(called())).toBe('-j-b-|', happened);
        flush();
        expect(asyncScheduler.now()).toBeLessThan(5000);
      });
    });

    test('does not depart after an error, and leaves no timer', () => {
      marbles(({ cold, expectObservable, flush }) => {
        expectObservable(cold('-j-b-#', command, 'fault').pipe(called())).toBe('-j-b-#', happened, 'fault');
        flush();
        expect(asyncScheduler.now()).toBeLessThan(5000);
      });
    });

    test('leaves no timer when the subscriber unsubscribes', () => {
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

  describe('members with the same owner', () => {
    const OWNER = 'owner of the nick';
    const here = member('alice', { owner: OWNER });
    const there = member('alice', { owner: OWNER, session: sessionOf('there') });
    const command = {
      j: join(here),
      x: send(here, 'x'),
      b: leave(here, BROKEN),
      l: leave(here),
      5: join(member('alice', { owner: OWNER })),
      1: join(there),
      2: send(there, '2'),
      3: leave(there, BROKEN),
      4: leave(there),
      J: join(bob),
      m: join(member('alice', { owner: 'of somebody else', session: sessionOf('mallory') })),
      n: join(member('alice', { session: sessionOf('nobody') })),
      e: join(member('eve', { owner: OWNER, session: there.session })),
      A: join(member('ALICE', { owner: OWNER, session: there.session })),
    };
    const reported = {
      ...happened,
      F: 'bob refused: room-full',
      u: 'eve disconnected: came back over another connection',
      v: 'eve left',
      w: 'ALICE resumed',
      1: 'alice resumed',
      k: 'alice disconnected: came back over another connection',
      3: `alice disconnected: ${BROKEN}`,
      4: 'alice disconnected: bye',
    };
    const check = (given: string, expected: string, options?: MembersOptions) => {
      marbles(({ cold, expectObservable }) => {
        expectObservable(cold(given, command).pipe(called(options))).toBe(expected, reported);
      });
    };

    test('share a nick over separate connections, and the nick departs with the last of them', () => {
      check('-j-1-x-2-l---2-4----', '-j-1-x-2-l---2-(4d)-');
      check('-j-1-x-2-4---x-l----', '-j-1-x-2-4---x-(ld)-');
    });

    test('keep the nick from members with another owner or none', () => {
      check('-j-m-n-x-1-l-m-n', '-j-r-r-x-1-l-r-r');
    });

    test('do not share a nick with a member that has no owner', () => {
      const command$ = { ...command, j: join(alice) };
      marbles(({ cold, expectObservable }) => {
        expectObservable(cold('-j-1', command$).pipe(called())).toBe('-j-r', reported);
      });
    });

    test('return at once after a lost connection, detected or not, and nothing departs', () => {
      check('-j-b-1----------2', '-j-b-1----------2', { reconnectGraceMs: 7 });
      check('-j---1-b--------2', '-j---1-b--------2', { reconnectGraceMs: 7 });
    });

    test('return over the next connection of their session when others share the nick', () => {
      check('-j-1-5---x-2-4-l', '-j-1-(tR)--2-4--');
    });

    test('are away only when all of them are away', () => {
      check('-j-1-b-m-3-m----', '-j-1-b-r-3-(dj)-', { reconnectGraceMs: 50 });
      check('-j-1-b-3----------', '-j-1-b-3------d---', { reconnectGraceMs: 7 });
      check('-j-1-b-4----------', '-j-1-b-4----d-----', { reconnectGraceMs: 7 });
    });

    test('leave their nick to the others when one of them takes another', () => {
      check('-j-1-e------l----', '-j-1-(kE)---(ld)-');
    });

    test('can take another nick and return to the one that the others kept', () => {
      check('-j-1-e---A----l---', '-j-1-(kE)(uvw)l---');
    });

    test('may spell the nick differently, and it stays as the first member spelled it', () => {
      const events = seen(command.j, command.A, command.l, leave(command.A.member));
      expect(events.map(({ type, member: { nick } }) => [type, nick])).toStrictEqual([
        ['joined', 'alice'],
        ['joined', 'ALICE'],
        ['disconnected', 'alice'],
        ['disconnected', 'ALICE'],
        ['left', 'alice'],
      ]);
      expect(events[1]).toMatchObject({ resumed: true, count: 1, members: ['alice'] });
    });

    test('count once in the list and the count, and each counts toward the room limit', () => {
      check('-j-1-J', '-j-1-F', { maxRoomMembers: 2 });
      expect(seen(command.j, command.J, command[1]).at(-1)).toMatchObject({
        count: 2,
        members: ['alice', 'bob'],
      });
    });

    test('replace a member that is away when the room is full or the nick has all its connections', () => {
      check('-j-J-b-1---------', '-j-J-b-1---------', { maxRoomMembers: 2, reconnectGraceMs: 7 });
      check('-j-b-1-----------', '-j-b-1-----------', { maxConnectionsPerNick: 1, reconnectGraceMs: 7 });
      check('-j-1-2-x', '-j-r---x', { maxConnectionsPerNick: 1 });
    });
  });

  describe('the member list for a newcomer', () => {
    test('contains count and nicks, including the newcomer', () => {
      expect(seen(join(alice), join(bob), leave(alice), join(again)).at(-1)).toMatchObject({
        type: 'joined',
        member: again,
        resumed: false,
        count: 2,
        members: ['bob', 'alice'],
      });
    });

    test('counts members that are away, since no departure was announced', () => {
      expect(seen(join(alice), leave(alice, BROKEN), join(bob)).at(-1)).toMatchObject({
        count: 2,
        members: ['alice', 'bob'],
      });
    });

    test('counts a returning member once', () => {
      expect(seen(join(alice), join(bob), join(again)).at(-1)).toMatchObject({
        type: 'joined',
        member: again,
        resumed: true,
        count: 2,
        members: ['alice', 'bob'],
      });
      expect(seen(join(alice), join(bob), join(renamed)).at(-1)).toMatchObject({
        count: 2,
        members: ['bob', 'eve'],
      });
    });

    test('contains only the count when the list would be too long', () => {
      const crowd = Array.from({ length: MAX_LISTED_MEMBERS + 1 }, (_, n) => join(member(`n${n}`)));
      const [last, first] = seen(...crowd).reverse();
      expect(first).toMatchObject({ count: 1000, members: { length: 1000 } });
      expect(last).toMatchObject({ count: 1001, members: undefined });
    });
  });

  test('a full room refuses newcomers, but admits a member that returns or replaces one that is away', () => {
    marbles(({ cold, expectObservable }) => {
      const carol = member('carol');
      const reported$ = cold('j-J-c-b-9', { ...command, c: join(carol), 9: join(again) }).pipe(
        called({ maxRoomMembers: 2, reconnectGraceMs: 50 }),
      );
      expectObservable(reported$, '20ms !').toBe('j-J-c-b-9', {
        j: 'alice joined',
        J: 'bob joined',
        c: 'carol refused: room-full',
        b: 'alice disconnected: reset by peer',
        9: 'alice resumed',
      });
    });
  });
});

test('leaves no timer after BYE, since the member has departed', () => {
  marbles(({ cold, expectObservable, flush }) => {
    const described$ = cold('-j-l', command).pipe(members(), map(describeEvent));
    expectObservable(described$).toBe('-j-(ld)', happened);
    flush();
    expect(asyncScheduler.now()).toBeLessThan(5000);
  });
});
