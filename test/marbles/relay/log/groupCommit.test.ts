import { describe, expect, test } from '@jest/globals';
import { filter, map, merge, mergeMap, of, pipe, Subject, tap, timer } from 'rxjs';
import type { Member } from '../../../../streams/relay/connection/parseCommands.js';
import { groupCommit, type GroupCommitOptions } from '../../../../streams/relay/log/groupCommit.js';
import type { Committed } from '../../../../streams/relay/log/commitQueue.js';
import type { Announced } from '../../../../streams/relay/members/presence.js';
import type { MemberEvent } from '../../../../streams/relay/members/members.js';
import type { JoinedMember } from '../../../../streams/relay/log/completeJoin.js';
import { fakeConnection } from '../../../support/fakeConnection.js';
import { fakeHistory, type FakeHistory, type FakeHistoryOptions } from '../../../support/fakeHistory.js';
import { readAll } from '../../../support/logs.js';
import { marbles } from '../../../support/marbles.js';
import { batch, member, describeEvent, token } from '../../../support/wire.js';

const ROOM = 'lobby';

const alice = member('alice');
const bob = member('bob');
const carol = member('carol');

type Happening = MemberEvent | Announced;

const joined = (who: Member): MemberEvent => ({
  type: 'joined',
  member: who,
  resumed: false,
  count: 2,
  members: ['alice', 'bob'],
});
const send = (who: Member, mark: string): MemberEvent => ({
  type: 'tokens',
  member: who,
  lines: batch(token(mark)),
});
const announced = (nick: string): Announced => ({
  type: 'announced',
  announcement: { type: 'joined', nicks: [nick], count: 1 },
});

/** Capitals join, + and * announce alice and bob; x y are alice's, z is bob's, v is carol's. */
const event: Record<string, Happening> = {
  A: joined(alice),
  B: joined(bob),
  C: joined(carol),
  '+': announced('alice'),
  '*': announced('bob'),
  x: send(alice, 'x'),
  y: send(alice, 'y'),
  z: send(bob, 'z'),
  v: send(carol, 'v'),
  p: { type: 'pinged', member: alice },
  q: { type: 'idle', member: bob },
  l: { type: 'disconnected', member: alice, reason: 'reset by peer' },
  d: { type: 'left', member: alice },
  r: { type: 'refused', member: carol, code: 'nick-taken', text: 'taken' },
};

/** The outputs of one commit as glyphs: as above, all lines of alice as x; ! not stored, and 1 2 3 refused for it. */
const glyphs: Record<string, string> = {
  'alice joined': 'A',
  'bob joined': 'B',
  'carol joined': 'C',
  '+alice': '+',
  '+bob': '*',
  'alice stored 1': 'x',
  'bob stored 1': 'z',
  'carol stored 1': 'v',
  'alice pinged': 'p',
  'bob idle': 'q',
  'alice disconnected: reset by peer': 'l',
  'alice left': 'd',
  'carol refused: nick-taken': 'r',
  'not-stored: Error: the store is full': '!',
  'not-stored: Error: the store cannot be read': '!',
  'not-stored: Error: no randomness': '!',
  'alice refused: storage': '1',
  'bob refused: storage': '2',
  'carol refused: storage': '3',
};
const inGlyphs = ({ events }: Committed): string =>
  events.map((each) => glyphs[describeEvent(each)] ?? describeEvent(each)).join('');

const grouped = (more: Partial<GroupCommitOptions> = {}) =>
  groupCommit(ROOM, { logId: () => 'log', endOfTick$: timer(0), ...more });
const committed = (more?: Partial<GroupCommitOptions>) => pipe(grouped(more), map(inGlyphs));

/** The same, and keeps the position of each join. */
const seating = (sessions: JoinedMember[], more?: Partial<GroupCommitOptions>) =>
  pipe(
    grouped(more),
    tap(({ events }) => {
      for (const each of events) if (each.type === 'joined') sessions.push(each);
    }),
    map(inGlyphs),
  );

/** Storing takes 5 ms. */
const slowly = (more?: FakeHistoryOptions) => fakeHistory({ commitDelay: () => timer(5), ...more });
/** The attempts to store with these numbers fail. */
const failingAt = (...attempts: number[]) => {
  let attempt = 0;
  return slowly({ failsAppend: () => attempts.includes((attempt += 1)) });
};

const mark = (line: string): string =>
  line
    .replace(/^gAAAA(\w*?)_*$/, '$1')
    .replace('+alice', '+')
    .replace('+bob', '*');
const retainedIn = (history: FakeHistory): string => history.lines(ROOM).map(mark).join('');
const readBy = ({ cursor }: JoinedMember): string =>
  readAll(cursor)
    .map((read) => (typeof read === 'string' ? mark(read) : `${read.from}-${read.to}`))
    .join('');

describe('groupCommit', () => {
  test('emits nothing when the source is silent', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const event$ = cold('-', event);
      expectObservable(event$.pipe(committed())).toBe('-');
      expectSubscriptions(event$.subscriptions).toBe('^');
    });
  });

  test('completes when the source is empty', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('--|', event).pipe(committed())).toBe('--|');
    });
  });

  test('emits each event at the end of its tick', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const event$ = cold('                       -A----x----l', event);
      const tick$ = cold('                         --t');
      expectObservable(event$.pipe(committed({ endOfTick$: tick$ }))).toBe('---A----x----l');
      expectSubscriptions(tick$.subscriptions).toBe(['-^-!', '------^-!', '-----------^-!']);
    });
  });

  test('emits all events of one tick together and in order', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const event$ = cold('                                   -A+xBpzqlrd', event);
      const tick$ = cold('                                     ----------t');
      expectObservable(event$.pipe(committed({ endOfTick$: tick$ }))).toBe('-----------1', {
        1: 'A+xBpzqlrd',
      });
      expectSubscriptions(tick$.subscriptions).toBe('         -^---------!');
    });
  });

  test('commits each event by itself when the tick ends at once', () => {
    marbles(({ cold, expectObservable }) => {
      const event$ = cold('                                          -(Ax)-(yp)', event);
      expectObservable(event$.pipe(committed({ endOfTick$: of(0) }))).toBe('-(Ax)-(xp)');
    });
  });

  test('reports whether the log has grown', () => {
    marbles(({ cold, expectObservable }) => {
      const grew$ = cold('A-x-p-+-l', event).pipe(
        grouped(),
        map(({ grew }) => grew),
      );
      expectObservable(grew$).toBe('f-t-f-t-f', { t: true, f: false });
    });
  });

  test('reports how many lines and bytes each member has sent', () => {
    marbles(({ cold, expectObservable }) => {
      const lines = batch(token('x'), token('y'));
      const two: Happening = { type: 'tokens', member: alice, lines };
      const stored$ = cold('A-s', { ...event, s: two }).pipe(
        grouped(),
        mergeMap(({ events }) => events),
        filter(({ type }) => type === 'stored'),
      );
      expectObservable(stored$).toBe('--s', { s: { type: 'stored', member: alice, count: 2, bytes: 202 } });
    });
  });

  test('copies lines on arrival, since the chunk is reused', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const lines = batch(token('x'));
      const sessions: JoinedMember[] = [];
      const tick$ = cold('                                         ----t');
      const event$ = cold<Happening>('                             A-s-p', {
        ...event,
        s: { type: 'tokens', member: alice, lines },
      }).pipe(
        tap(({ type }) => {
          if (type === 'pinged') lines.bytes.fill(33);
        }),
      );
      expectObservable(event$.pipe(seating(sessions, { endOfTick$: tick$ }))).toBe('----1', { 1: 'Axp' });
      flush();
      expect(sessions.map(readBy)).toStrictEqual(['x']);
    });
  });

  test('commits an event that arrives while others are emitted in the next tick', () => {
    marbles(({ cold, expectObservable }) => {
      const nested = new Subject<Happening>();
      const tick$ = cold('              --t');
      const event$ = merge(cold('     -A------x', event), nested);
      const out$ = event$.pipe(
        committed({ endOfTick$: tick$ }),
        tap((events) => {
          if (events === 'A') nested.next(event['p']!);
        }),
      );
      expectObservable(out$).toBe('---A-p----x');
    });
  });

  test('completes with its source, after the last commit', () => {
    marbles(({ cold, expectObservable }) => {
      const event$ = cold('                       -A----x|', event);
      const tick$ = cold('                         ----t');
      expectObservable(event$.pipe(committed({ endOfTick$: tick$ }))).toBe('-----A----(x|)');
    });
  });

  test('passes an error of the source on at once', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const tick$ = cold('                                     ----t');
      const event$ = cold('                                   -A-#', event, 'fault');
      expectObservable(event$.pipe(committed({ endOfTick$: tick$ }))).toBe('---#', {}, 'fault');
      expectSubscriptions(tick$.subscriptions).toBe('         -^-!');
    });
  });

  test('errors when the end of the tick errors', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const event$ = cold('                                   -A-x', event);
      const tick$ = cold('                                     -#', {}, 'fault');
      expectObservable(event$.pipe(committed({ endOfTick$: tick$ }))).toBe('--#', {}, 'fault');
      expectSubscriptions(event$.subscriptions).toBe('        ^-!');
    });
  });

  test('unsubscribes from an endless source and from the tick when unsubscribed', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const event$ = hot('                                           -A----x-y-', event);
      const tick$ = cold('                                            ---t');
      const unsub = '                                                -------!';
      expectObservable(event$.pipe(committed({ endOfTick$: tick$ })), unsub).toBe('----A---');
      expectSubscriptions(event$.subscriptions).toBe('               ^------!');
      expectSubscriptions(tick$.subscriptions).toBe(['               -^--!', '------^!']);
    });
  });

  test('keeps a separate log for each of two rooms of one operator value', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const sessions: JoinedMember[] = [];
      const operator = seating(sessions);
      expectObservable(cold('-A-x-', event).pipe(operator)).toBe('-A-x-');
      expectObservable(cold('--B-z', event).pipe(operator)).toBe('--B-z');
      flush();
      expect(sessions.map(readBy)).toStrictEqual(['x', 'z']);
    });
  });
});

describe('the position of a join in groupCommit', () => {
  const joinedAfter = (drawing: string, more?: Partial<GroupCommitOptions>) => {
    const sessions: JoinedMember[] = [];
    marbles(({ cold, expectObservable }) => {
      const tick$ = cold('----------t');
      expectObservable(cold(drawing, event).pipe(seating(sessions, { endOfTick$: tick$, ...more })));
    });
    return sessions;
  };

  test('lies between the lines before it and after it, even within one commit', () => {
    const [, slot] = joinedAfter('AxyB*z');
    expect(slot?.welcome).toStrictEqual({
      log: 'log',
      next: 3,
      first: 1,
      from: 3,
      durability: 'memory',
      count: 2,
      members: ['alice', 'bob'],
    });
    expect(readBy(slot!)).toBe('*z');
  });

  test('counts earlier commits, and the member reads the entries it requests', () => {
    const last = { ...event, B: joined(member('bob', { last: 2 })) };
    const sessions: JoinedMember[] = [];
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('A+x-y-B-z', last).pipe(seating(sessions))).toBe('A+x-x-B-z');
    });
    expect(sessions[1]?.welcome).toMatchObject({ next: 4, from: 2 });
    expect(readBy(sessions[1]!)).toBe('xyz');
  });

  test('is the beginning of the log for the first member', () => {
    const [slot] = joinedAfter('A+x');
    expect(slot?.welcome).toMatchObject({ next: 1, first: 1, from: 1 });
    expect(readBy(slot!)).toBe('+x');
  });
});

describe('groupCommit with a store', () => {
  test('emits nothing, and shows nothing to readers, before the store has it', () => {
    marbles(({ cold, hot, expectObservable, flush }) => {
      const sessions: JoinedMember[] = [];
      const history = slowly();
      const read$ = hot('                                           ----r---r-r').pipe(
        map(() => sessions.map(readBy).join('')),
      );
      const event$ = cold('                                         -A--x-', event);
      expectObservable(read$).toBe('                                ----n---n-x', { n: '', x: 'x' });
      expectObservable(event$.pipe(seating(sessions, { history }))).toBe('-A-------x');
      flush();
      expect(retainedIn(history)).toBe('x');
    });
  });

  test('makes one commit of all ticks that pass while the store is busy', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const history = slowly();
      const out = { A: 'A', x: 'x', 2: 'xzx' };
      const event$ = cold('                                    -A-x-yz-x----', event);
      expectObservable(event$.pipe(committed({ history }))).toBe('-A------x----2', out);
      flush();
      expect([history.stored, retainedIn(history)]).toStrictEqual([2, 'xyzx']);
    });
  });

  test('keeps events after a line in their order', () => {
    marbles(({ cold, expectObservable }) => {
      const out = { A: 'A', x: 'x', 2: 'pql' };
      const event$ = cold('                                              -A-x-pql-', event);
      expectObservable(event$.pipe(committed({ history: slowly() }))).toBe('-A------(x2)', out);
    });
  });

  test('does not store events without lines, and does not wait for them', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const history = slowly();
      expectObservable(cold('-A-p-q-l-d', event).pipe(committed({ history }))).toBe('-A-p-q-l-d');
      flush();
      expect([history.stored, history.rooms]).toStrictEqual([0, []]);
    });
  });

  test('places a member that joins while the store is busy after the lines before it, and lets it read on', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const sessions: JoinedMember[] = [];
      const history = slowly();
      const event$ = cold('                                         A-x-yB*z', event);
      expectObservable(event$.pipe(seating(sessions, { history }))).toBe('A------x----1', {
        A: 'A',
        x: 'x',
        1: 'xB*z',
      });
      flush();
      expect(sessions[1]?.welcome).toMatchObject({ next: 3, first: 1, from: 3 });
      expect(sessions.map(readBy)).toStrictEqual(['xy*z', '*z']);
    });
  });

  test.each(['os', 'disk'] as const)('reports the durability in WELCOME: %s', (durability) => {
    marbles(({ cold, expectObservable, flush }) => {
      const sessions: JoinedMember[] = [];
      const history = slowly({ durability });
      expectObservable(cold('A', event).pipe(seating(sessions, { history }))).toBe('A');
      flush();
      expect(sessions[0]?.welcome.durability).toBe(durability);
    });
  });

  test('continues the log of an earlier run under its id', () => {
    const history = slowly();
    const sessions: JoinedMember[] = [];
    const run = (logId: string) => {
      marbles(({ cold, expectObservable }) => {
        const operator = seating(sessions, { history, logId: () => logId });
        expectObservable(cold('A+x|', event).pipe(operator)).toBe('A-----+----(x|)', {
          A: 'A',
          '+': '+',
          x: 'x',
        });
      });
    };
    run('first');
    run('second');
    expect(sessions.map(({ welcome: { log, next, first } }) => [log, next, first])).toStrictEqual([
      ['first', 1, 1],
      ['first', 3, 1],
    ]);
    expect(retainedIn(history)).toBe('+x+x');
    expect(sessions.map(readBy)).toStrictEqual(['+x', '+x']);
  });

  test('places nobody before the oldest kept entry when retention was faster', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const retained = slowly();
      const open: FakeHistory['open'] = (room, newId) => {
        const store = retained.open(room, newId);
        return {
          ...store,
          get first() {
            return store.next;
          },
        };
      };
      const sessions: JoinedMember[] = [];
      const event$ = cold('                                         (AxBz)', event);
      const history = { ...retained, open };
      expectObservable(event$.pipe(seating(sessions, { history }))).toBe('-----1', { 1: 'AxBz' });
      flush();
      expect(sessions.map(({ welcome }) => [welcome.next, welcome.first, welcome.from])).toStrictEqual([
        [3, 3, 3],
        [3, 3, 3],
      ]);
      expect(sessions.map(readBy)).toStrictEqual(['', '']);
    });
  });

  test('completes only after the store has finished', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const history = slowly();
      expectObservable(cold('A-x-y|', event).pipe(committed({ history }))).toBe('A------x----(x|)');
      flush();
      expect(retainedIn(history)).toBe('xy');
    });
  });

  test('cancels nothing in the store when unsubscribed, and stores nothing more', () => {
    marbles(({ hot, expectObservable, expectSubscriptions, flush }) => {
      const history = slowly();
      const event$ = hot('                                             A-x-y-z-', event);
      expectObservable(event$.pipe(committed({ history })), '-----!').toBe('A----');
      expectSubscriptions(event$.subscriptions).toBe('                 ^----!');
      flush();
      expect([history.stored, retainedIn(history)]).toStrictEqual([1, 'x']);
    });
  });
});

describe('groupCommit with a store that fails', () => {
  test('reports the failure with room and reason', () => {
    marbles(({ cold, expectObservable }) => {
      const reported$ = cold('A-x', event).pipe(
        grouped({ history: failingAt(1) }),
        mergeMap(({ events }) => events),
        filter(({ type }) => type === 'not-stored' || type === 'refused'),
      );
      const reason = 'Error: the store is full';
      const text = 'the relay cannot store anything now';
      expectObservable(reported$).toBe('-------(12)', {
        1: { type: 'not-stored', room: ROOM, reason },
        2: { type: 'refused', member: alice, code: 'storage', text },
      });
    });
  });

  test('refuses each member whose lines failed once, and those who sent lines meanwhile', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const history = fakeHistory({ commitDelay: () => timer(20), failsAppend: () => true });
      const event$ = cold('                                    (ABCxyz)vxz', event);
      const out = { 1: '!ABC123' };
      expectObservable(event$.pipe(committed({ history }))).toBe('20ms 1', out);
      flush();
      expect(retainedIn(history)).toBe('');
    });
  });

  test('emits all other events in order, and the log does not grow', () => {
    marbles(({ cold, expectObservable }) => {
      const event$ = cold('A-(pxqyldr)', event).pipe(
        grouped({ history: failingAt(1) }),
        map((each) => `${inGlyphs(each)} ${each.grew ? 'grew' : ''}`),
      );
      expectObservable(event$).toBe('A------1', { A: 'A ', 1: '!p1qldr ' });
    });
  });

  test('drops further tokens of a refused member; other members are unaffected', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const history = failingAt(1);
      const event$ = cold('                                    A-B-x------(yxz)--y', event);
      const out = { A: 'A', B: 'B', 1: '!1', z: 'z', 0: '' };
      expectObservable(event$.pipe(committed({ history }))).toBe('A-B------1------z-0', out);
      flush();
      expect(retainedIn(history)).toBe('z');
    });
  });

  test('accepts tokens of a refused member over its next connection', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const history = failingAt(1);
      const again = member('alice');
      const back = { ...event, R: joined(again), X: send(again, 'x') };
      const event$ = cold('                                    A-x------R-X', back);
      const out = { A: 'A', 1: '!1', x: 'x' };
      expectObservable(event$.pipe(committed({ history }))).toBe('A------1-A------x', out);
      flush();
      expect(retainedIn(history)).toBe('x');
    });
  });

  test('stores failed announcements with the next commit, before its tokens', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const history = failingAt(1);
      const sessions: JoinedMember[] = [];
      const event$ = cold('                                         (A+)------p----------(B*z)', event);
      const out = { 1: '!A', 2: '+p', 3: 'B*z' };
      expectObservable(event$.pipe(seating(sessions, { history }))).toBe('-----1---------2----------3', out);
      flush();
      expect(retainedIn(history)).toBe('+*z');
      expect(sessions[0]?.welcome).toMatchObject({ next: 1, first: 1, from: 1 });
      expect(sessions.map(readBy)).toStrictEqual(['+*z', '*z']);
    });
  });

  test('stores failed announcements in order after any number of failures, with those of meanwhile', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const history = failingAt(1, 2);
      const event$ = cold('                                    (A+)-B----*---p-------q|', event);
      const out = { 1: '!AB', 2: '!p', 3: '+*q' };
      expectObservable(event$.pipe(committed({ history }))).toBe('-----1---------2-----------(3|)', out);
      flush();
      expect(retainedIn(history)).toBe('+*');
    });
  });

  test('keeps positions as they were', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const history = failingAt(2);
      const sessions: JoinedMember[] = [];
      const event$ = cold('                                         A-x-----y---------(BC)-z', event);
      const out = { A: 'A', x: 'x', 1: '!1', 2: 'BC', z: 'z' };
      expectObservable(event$.pipe(seating(sessions, { history }))).toBe(
        'A------x-----1----2---------z',
        out,
      );
      flush();
      expect(retainedIn(history)).toBe('xz');
      expect(sessions.map(({ welcome }) => welcome.next)).toStrictEqual([1, 2, 2]);
      expect(sessions.map(readBy)).toStrictEqual(['xz', 'z', 'z']);
    });
  });

  test('places a member that joined after a lost line at the position of that line', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const history = failingAt(1);
      const sessions: JoinedMember[] = [];
      const event$ = cold('                                         A-(xyB)------z', event);
      expectObservable(event$.pipe(seating(sessions, { history }))).toBe('A------1----------z', {
        A: 'A',
        1: '!1B',
        z: 'z',
      });
      flush();
      expect(sessions[1]?.welcome).toMatchObject({ next: 1, from: 1 });
      expect(sessions.map(readBy)).toStrictEqual(['z', 'z']);
    });
  });

  test('reports a failure of the last commit, and completes', () => {
    marbles(({ cold, expectObservable }) => {
      const event$ = cold('                                                  A-x|', event);
      const out = { A: 'A', 1: '!1' };
      expectObservable(event$.pipe(committed({ history: failingAt(1) }))).toBe('A------(1|)', out);
    });
  });
});

describe('groupCommit with a log that cannot be opened', () => {
  test('refuses the join, and opens the log at the next join', () => {
    marbles(({ cold, expectObservable, flush }) => {
      let opened = 0;
      const history = slowly({ failsOpen: () => (opened += 1) < 3 });
      const sessions: JoinedMember[] = [];
      const event$ = cold('                                         A-B-C-v-----', event);
      expectObservable(event$.pipe(seating(sessions, { history }))).toBe('1-2-C------v', {
        1: '!1',
        2: '!2',
        C: 'C',
        v: 'v',
      });
      flush();
      expect(sessions.map(readBy)).toStrictEqual(['v']);
    });
  });

  test('opens the log once for any number of later joins', () => {
    marbles(({ cold, expectObservable, flush }) => {
      let opened = 0;
      const history = slowly({ failsOpen: () => (opened += 1) > 1 });
      expectObservable(cold('A-B-C', event).pipe(committed({ history }))).toBe('A-B-C');
      flush();
      expect(opened).toBe(1);
    });
  });

  test('accepts no lines of a refused member, neither then nor later', () => {
    marbles(({ cold, expectObservable, flush }) => {
      let opened = 0;
      const history = slowly({ failsOpen: () => (opened += 1) === 1 });
      const event$ = cold('                                    A-x-B-y-z', event);
      const out = { 1: '!1', 0: '', B: 'B', z: 'z' };
      expectObservable(event$.pipe(committed({ history }))).toBe('1-0-B-0------z', out);
      flush();
      expect(retainedIn(history)).toBe('z');
    });
  });

  test('stores the announcements of meanwhile once the log is open', () => {
    marbles(({ cold, expectObservable, flush }) => {
      let opened = 0;
      const history = slowly({ failsOpen: () => (opened += 1) === 1 });
      const sessions: JoinedMember[] = [];
      const event$ = cold('                                         (A+)-l-(B*)', event);
      const out = { 1: '!1', l: 'l', 2: 'B+*' };
      expectObservable(event$.pipe(seating(sessions, { history }))).toBe('1----l------2', out);
      flush();
      expect(retainedIn(history)).toBe('+*');
      expect(sessions.map(readBy)).toStrictEqual(['+*']);
    });
  });

  test('refuses the join when no log id can be made', () => {
    marbles(({ cold, expectObservable }) => {
      let ids = 0;
      const logId = () => {
        if ((ids += 1) === 1) throw new Error('no randomness');
        return 'log';
      };
      expectObservable(cold('A-B-z', event).pipe(committed({ logId }))).toBe('1-B-z', {
        1: '!1',
        B: 'B',
        z: 'z',
      });
    });
  });
});

describe('groupCommit with more than 1 MiB pending', () => {
  /** Lines of alice or bob that are `more` bytes over 1 MiB; one line is 101. */
  const MIB = 1_048_576;
  const over = (who: Member, more: number): Happening => {
    const rest = (MIB + more) % 101;
    const count = (MIB + more - rest) / 101;
    const lines = [...Array<string>(count - 1).fill(token('x')), token('x').padEnd(100 + rest, '_')];
    return { type: 'tokens', member: who, lines: batch(...lines) };
  };
  const members = () => {
    const [one, two] = [fakeConnection(), fakeConnection()];
    const a = member('alice', { connection: one });
    const b = member('bob', { connection: two });
    return {
      one,
      two,
      sent: {
        ...event,
        A: joined(a),
        B: joined(b),
        m: over(a, 0),
        o: over(a, 1),
        x: send(a, 'x'),
        z: send(b, 'z'),
        p: { type: 'pinged', member: b } as const,
      },
    };
  };
  const flow = { p: 'pause', r: 'resume' };

  test('pauses the sender until its lines are stored', () => {
    marbles(({ cold, expectObservable }) => {
      const { one, two, sent: sentLines } = members();
      const event$ = cold<Happening>('       A-B-o-p-----z----', sentLines);
      expectObservable(event$.pipe(committed({ history: slowly() })), '17ms !');
      expectObservable(one.flow$).toBe('----p----r', flow);
      expectObservable(two.flow$).toBe('-', flow);
    });
  });

  test('does not pause the sender one byte below the limit', () => {
    marbles(({ cold, expectObservable }) => {
      const { one, sent: sentLines } = members();
      const event$ = cold<Happening>('       A-B-m-----', sentLines);
      expectObservable(event$.pipe(committed({ history: slowly() })), '17ms !');
      expectObservable(one.flow$).toBe('-', flow);
    });
  });

  test('pauses every sender beyond the limit, and resumes them all', () => {
    marbles(({ cold, expectObservable }) => {
      const { one, two, sent: sentLines } = members();
      const event$ = cold<Happening>('       A-B-m-zx------z', sentLines);
      expectObservable(event$.pipe(committed({ history: slowly() })), '40ms !');
      expectObservable(one.flow$).toBe('-------p-r', flow);
      expectObservable(two.flow$).toBe('------p--r', flow);
    });
  });

  test('resumes the sender when storing fails', () => {
    marbles(({ cold, expectObservable }) => {
      const { one, sent: sentLines } = members();
      const event$ = cold<Happening>('       A-B-o-------', sentLines);
      expectObservable(event$.pipe(committed({ history: failingAt(1) })), '40ms !');
      expectObservable(one.flow$).toBe('----p----r', flow);
    });
  });

  test('counts the lines being stored and those that arrived since', () => {
    marbles(({ cold, expectObservable }) => {
      const { one, two, sent: sentLines } = members();
      const event$ = cold<Happening>('       A-B-m-z---x', sentLines);
      expectObservable(event$.pipe(committed({ history: slowly() })), '40ms !');
      expectObservable(two.flow$).toBe('------p--r', flow);
      expectObservable(one.flow$).toBe('-', flow);
    });
  });

  test('pauses the sender until the end of the tick when there is no store', () => {
    marbles(({ cold, expectObservable }) => {
      const { one, sent: sentLines } = members();
      const tick$ = cold('                          ---t');
      const event$ = cold<Happening>('       A----o----', sentLines);
      expectObservable(event$.pipe(committed({ endOfTick$: tick$ })), '40ms !');
      expectObservable(one.flow$).toBe('-----p--r', flow);
    });
  });
});
