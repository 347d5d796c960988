import { describe, expect, test } from '@jest/globals';
import { filter, map, merge, mergeMap, of, pipe, Subject, tap, timer } from 'rxjs';
import type { Member } from '../../streams/relay/commands.js';
import { groupCommit, type GroupCommitOptions } from '../../streams/relay/groupCommit.js';
import type { Committed } from '../../streams/relay/journal.js';
import type { Announced } from '../../streams/relay/presence.js';
import type { Attendance } from '../../streams/relay/rollCall.js';
import type { Seated } from '../../streams/relay/roomEvent.js';
import { fakeConnection } from '../support/fakeConnection.js';
import { fakeHistory, type FakeHistory, type FakeHistoryOptions } from '../support/fakeHistory.js';
import { readAll } from '../support/logs.js';
import { marbles } from '../support/marbles.js';
import { batch, member, tell, token } from '../support/wire.js';

const ROOM = 'lobby';

const alice = member('alice');
const bob = member('bob');
const carol = member('carol');

type Happening = Attendance | Announced;

const joined = (who: Member): Attendance => ({
  type: 'joined',
  member: who,
  returned: false,
  count: 2,
  members: ['alice', 'bob'],
});
const say = (who: Member, mark: string): Attendance => ({
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
  x: say(alice, 'x'),
  y: say(alice, 'y'),
  z: say(bob, 'z'),
  v: say(carol, 'v'),
  p: { type: 'pinged', member: alice },
  q: { type: 'quiet', member: bob },
  l: { type: 'left', member: alice, reason: 'reset by peer' },
  d: { type: 'departed', member: alice },
  r: { type: 'refused', member: carol, code: 'nick-taken', text: 'taken' },
};

/** What came out of one commit, a glyph each: as above, all of alice's lines as x; ! not stored, and 1 2 3 refused for it. */
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
  'bob quiet': 'q',
  'alice left: reset by peer': 'l',
  'alice departed': 'd',
  'carol refused: nick-taken': 'r',
  'not-stored: Error: the store is full': '!',
  'not-stored: Error: the store cannot be read': '!',
  'not-stored: Error: no randomness': '!',
  'alice refused: storage': '1',
  'bob refused: storage': '2',
  'carol refused: storage': '3',
};
const inGlyphs = ({ events }: Committed): string =>
  events.map((each) => glyphs[tell(each)] ?? tell(each)).join('');

const grouped = (more: Partial<GroupCommitOptions> = {}) =>
  groupCommit(ROOM, { logId: () => 'log', turn$: timer(0), ...more });
const committed = (more?: Partial<GroupCommitOptions>) => pipe(grouped(more), map(inGlyphs));

/** The same, and where each one was seated is kept. */
const seating = (seats: Seated[], more?: Partial<GroupCommitOptions>) =>
  pipe(
    grouped(more),
    tap(({ events }) => {
      for (const each of events) if (each.type === 'joined') seats.push(each);
    }),
    map(inGlyphs),
  );

/** Storing takes 5 ms. */
const slowly = (more?: FakeHistoryOptions) => fakeHistory({ delay: () => timer(5), ...more });
/** Of the attempts to store, those whose number is among these fail. */
const failingAt = (...attempts: number[]) => {
  let attempt = 0;
  return slowly({ failing: () => attempts.includes((attempt += 1)) });
};

const mark = (line: string): string =>
  line
    .replace(/^gAAAA(\w*?)_*$/, '$1')
    .replace('+alice', '+')
    .replace('+bob', '*');
const keptIn = (history: FakeHistory): string => history.lines(ROOM).map(mark).join('');
const readBy = ({ cursor }: Seated): string =>
  readAll(cursor)
    .map((read) => (typeof read === 'string' ? mark(read) : `${read.from}-${read.to}`))
    .join('');

describe('groupCommit', () => {
  test('nothing comes of a source that says nothing', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const event$ = cold('-', event);
      expectObservable(event$.pipe(committed())).toBe('-');
      expectSubscriptions(event$.subscriptions).toBe('^');
    });
  });

  test('completes with an empty source', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('--|', event).pipe(committed())).toBe('--|');
    });
  });

  test('each event comes out at the end of its turn', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const event$ = cold('                       -A----x----l', event);
      const turn$ = cold('                         --t');
      expectObservable(event$.pipe(committed({ turn$ }))).toBe('---A----x----l');
      expectSubscriptions(turn$.subscriptions).toBe(['-^-!', '------^-!', '-----------^-!']);
    });
  });

  test('what happens within one turn comes out together and in order, whatever it is', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const event$ = cold('                                   -A+xBpzqlrd', event);
      const turn$ = cold('                                     ----------t');
      expectObservable(event$.pipe(committed({ turn$ }))).toBe('-----------1', { 1: 'A+xBpzqlrd' });
      expectSubscriptions(turn$.subscriptions).toBe('         -^---------!');
    });
  });

  test('where the turn is over at once each event is a commit', () => {
    marbles(({ cold, expectObservable }) => {
      const event$ = cold('                                          -(Ax)-(yp)', event);
      expectObservable(event$.pipe(committed({ turn$: of(0) }))).toBe('-(Ax)-(xp)');
    });
  });

  test('tells whether the log has grown', () => {
    marbles(({ cold, expectObservable }) => {
      const grew$ = cold('A-x-p-+-l', event).pipe(
        grouped(),
        map(({ grew }) => grew),
      );
      expectObservable(grew$).toBe('f-t-f-t-f', { t: true, f: false });
    });
  });

  test('tells how many lines somebody said, and how many bytes', () => {
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

  test('copies lines as they come, for the chunk is used again', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const lines = batch(token('x'));
      const seats: Seated[] = [];
      const turn$ = cold('                                         ----t');
      const event$ = cold<Happening>('                             A-s-p', {
        ...event,
        s: { type: 'tokens', member: alice, lines },
      }).pipe(
        tap(({ type }) => {
          if (type === 'pinged') lines.bytes.fill(33);
        }),
      );
      expectObservable(event$.pipe(seating(seats, { turn$ }))).toBe('----1', { 1: 'Axp' });
      flush();
      expect(seats.map(readBy)).toStrictEqual(['x']);
    });
  });

  test('misses no event that comes while others come out: it is of the next turn', () => {
    marbles(({ cold, expectObservable }) => {
      const nested = new Subject<Happening>();
      const turn$ = cold('              --t');
      const event$ = merge(cold('     -A------x', event), nested);
      const out$ = event$.pipe(
        committed({ turn$ }),
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
      const turn$ = cold('                         ----t');
      expectObservable(event$.pipe(committed({ turn$ }))).toBe('-----A----(x|)');
    });
  });

  test('an error of the source passes at once', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const turn$ = cold('                                     ----t');
      const event$ = cold('                                   -A-#', event, 'fault');
      expectObservable(event$.pipe(committed({ turn$ }))).toBe('---#', {}, 'fault');
      expectSubscriptions(turn$.subscriptions).toBe('         -^-!');
    });
  });

  test('an error of the turn is one of this stream', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const event$ = cold('                                   -A-x', event);
      const turn$ = cold('                                     -#', {}, 'fault');
      expectObservable(event$.pipe(committed({ turn$ }))).toBe('--#', {}, 'fault');
      expectSubscriptions(event$.subscriptions).toBe('        ^-!');
    });
  });

  test('unsubscribing lets go of an endless source and of the turn', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const event$ = hot('                                           -A----x-y-', event);
      const turn$ = cold('                                            ---t');
      const unsub = '                                                -------!';
      expectObservable(event$.pipe(committed({ turn$ })), unsub).toBe('----A---');
      expectSubscriptions(event$.subscriptions).toBe('               ^------!');
      expectSubscriptions(turn$.subscriptions).toBe(['               -^--!', '------^!']);
    });
  });

  test('one operator value serves two rooms, each with its own log', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const seats: Seated[] = [];
      const operator = seating(seats);
      expectObservable(cold('-A-x-', event).pipe(operator)).toBe('-A-x-');
      expectObservable(cold('--B-z', event).pipe(operator)).toBe('--B-z');
      flush();
      expect(seats.map(readBy)).toStrictEqual(['x', 'z']);
    });
  });
});

describe('where a join is seated', () => {
  const seatedAfter = (drawing: string, more?: Partial<GroupCommitOptions>) => {
    const seats: Seated[] = [];
    marbles(({ cold, expectObservable }) => {
      const turn$ = cold('----------t');
      expectObservable(cold(drawing, event).pipe(seating(seats, { turn$, ...more })));
    });
    return seats;
  };

  test('is between what was said before it and what comes after it, within one commit too', () => {
    const [, seat] = seatedAfter('AxyB*z');
    expect(seat?.welcome).toStrictEqual({
      log: 'log',
      next: 3,
      first: 1,
      from: 3,
      durability: 'memory',
      count: 2,
      members: ['alice', 'bob'],
    });
    expect(readBy(seat!)).toBe('*z');
  });

  test('counts what was committed before, and reads what it asks for of it', () => {
    const last = { ...event, B: joined(member('bob', { last: 2 })) };
    const seats: Seated[] = [];
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('A+x-y-B-z', last).pipe(seating(seats))).toBe('A+x-x-B-z');
    });
    expect(seats[1]?.welcome).toMatchObject({ next: 4, from: 2 });
    expect(readBy(seats[1]!)).toBe('xyz');
  });

  test('is the beginning, for the first one', () => {
    const [seat] = seatedAfter('A+x');
    expect(seat?.welcome).toMatchObject({ next: 1, first: 1, from: 1 });
    expect(readBy(seat!)).toBe('+x');
  });
});

describe('with a store', () => {
  test('nothing comes out, nor can be read, before the store has it', () => {
    marbles(({ cold, hot, expectObservable, flush }) => {
      const seats: Seated[] = [];
      const history = slowly();
      const read$ = hot('                                           ----r---r-r').pipe(
        map(() => seats.map(readBy).join('')),
      );
      const event$ = cold('                                         -A--x-', event);
      expectObservable(read$).toBe('                                ----n---n-x', { n: '', x: 'x' });
      expectObservable(event$.pipe(seating(seats, { history }))).toBe('-A-------x');
      flush();
      expect(keptIn(history)).toBe('x');
    });
  });

  test('what comes while it is busy is one commit, whatever many turns it took', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const history = slowly();
      const out = { A: 'A', x: 'x', 2: 'xzx' };
      const event$ = cold('                                    -A-x-yz-x----', event);
      expectObservable(event$.pipe(committed({ history }))).toBe('-A------x----2', out);
      flush();
      expect([history.stored, keptIn(history)]).toStrictEqual([2, 'xyzx']);
    });
  });

  test('what stands behind a line does not overtake it', () => {
    marbles(({ cold, expectObservable }) => {
      const out = { A: 'A', x: 'x', 2: 'pql' };
      const event$ = cold('                                              -A-x-pql-', event);
      expectObservable(event$.pipe(committed({ history: slowly() }))).toBe('-A------(x2)', out);
    });
  });

  test('what has no lines is not stored, and does not wait', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const history = slowly();
      expectObservable(cold('-A-p-q-l-d', event).pipe(committed({ history }))).toBe('-A-p-q-l-d');
      flush();
      expect([history.stored, history.rooms]).toStrictEqual([0, []]);
    });
  });

  test('who joins while it is busy is seated behind what was said before, and reads on', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const seats: Seated[] = [];
      const history = slowly();
      const event$ = cold('                                         A-x-yB*z', event);
      expectObservable(event$.pipe(seating(seats, { history }))).toBe('A------x----1', {
        A: 'A',
        x: 'x',
        1: 'xB*z',
      });
      flush();
      expect(seats[1]?.welcome).toMatchObject({ next: 3, first: 1, from: 3 });
      expect(seats.map(readBy)).toStrictEqual(['xy*z', '*z']);
    });
  });

  test.each(['os', 'disk'] as const)('WELCOME tells how durable it is: %s', (durability) => {
    marbles(({ cold, expectObservable, flush }) => {
      const seats: Seated[] = [];
      const history = slowly({ durability });
      expectObservable(cold('A', event).pipe(seating(seats, { history }))).toBe('A');
      flush();
      expect(seats[0]?.welcome.durability).toBe(durability);
    });
  });

  test('the log goes on where an earlier one ended, under its id', () => {
    const history = slowly();
    const seats: Seated[] = [];
    const run = (logId: string) => {
      marbles(({ cold, expectObservable }) => {
        const operator = seating(seats, { history, logId: () => logId });
        expectObservable(cold('A+x|', event).pipe(operator)).toBe('A-----+----(x|)', {
          A: 'A',
          '+': '+',
          x: 'x',
        });
      });
    };
    run('first');
    run('second');
    expect(seats.map(({ welcome: { log, next, first } }) => [log, next, first])).toStrictEqual([
      ['first', 1, 1],
      ['first', 3, 1],
    ]);
    expect(keptIn(history)).toBe('+x+x');
    expect(seats.map(readBy)).toStrictEqual(['+x', '+x']);
  });

  test('nobody is seated before what is kept, where retention was faster', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const kept = slowly();
      const open: FakeHistory['open'] = (room, newId) => {
        const store = kept.open(room, newId);
        return {
          ...store,
          get first() {
            return store.next;
          },
        };
      };
      const seats: Seated[] = [];
      const event$ = cold('                                         (AxBz)', event);
      const history = { ...kept, open };
      expectObservable(event$.pipe(seating(seats, { history }))).toBe('-----1', { 1: 'AxBz' });
      flush();
      expect(seats.map(({ welcome }) => [welcome.next, welcome.first, welcome.from])).toStrictEqual([
        [3, 3, 3],
        [3, 3, 3],
      ]);
      expect(seats.map(readBy)).toStrictEqual(['', '']);
    });
  });

  test('completion waits for it', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const history = slowly();
      expectObservable(cold('A-x-y|', event).pipe(committed({ history }))).toBe('A------x----(x|)');
      flush();
      expect(keptIn(history)).toBe('xy');
    });
  });

  test('unsubscribing takes nothing back of what it was given, and gives it nothing more', () => {
    marbles(({ hot, expectObservable, expectSubscriptions, flush }) => {
      const history = slowly();
      const event$ = hot('                                             A-x-y-z-', event);
      expectObservable(event$.pipe(committed({ history })), '-----!').toBe('A----');
      expectSubscriptions(event$.subscriptions).toBe('                 ^----!');
      flush();
      expect([history.stored, keptIn(history)]).toStrictEqual([1, 'x']);
    });
  });
});

describe('a store that fails', () => {
  test('is told of with its room and its reason', () => {
    marbles(({ cold, expectObservable }) => {
      const told$ = cold('A-x', event).pipe(
        grouped({ history: failingAt(1) }),
        mergeMap(({ events }) => events),
        filter(({ type }) => type === 'not-stored' || type === 'refused'),
      );
      const reason = 'Error: the store is full';
      const text = 'the relay cannot store anything now';
      expectObservable(told$).toBe('-------(12)', {
        1: { type: 'not-stored', room: ROOM, reason },
        2: { type: 'refused', member: alice, code: 'storage', text },
      });
    });
  });

  test('has those refused who spoke, each once, also those who spoke meanwhile', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const history = fakeHistory({ delay: () => timer(20), failing: () => true });
      const event$ = cold('                                    (ABCxyz)vxz', event);
      const out = { 1: '!ABC123' };
      expectObservable(event$.pipe(committed({ history }))).toBe('20ms 1', out);
      flush();
      expect(keptIn(history)).toBe('');
    });
  });

  test('all else goes on, in its order, and the log has not grown', () => {
    marbles(({ cold, expectObservable }) => {
      const event$ = cold('A-(pxqyldr)', event).pipe(
        grouped({ history: failingAt(1) }),
        map((each) => `${inGlyphs(each)} ${each.grew ? 'grew' : ''}`),
      );
      expectObservable(event$).toBe('A------1', { A: 'A ', 1: '!p1qldr ' });
    });
  });

  test('hears nothing more of who was refused, however much that one says; the others go on', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const history = failingAt(1);
      const event$ = cold('                                    A-B-x------(yxz)--y', event);
      const out = { A: 'A', B: 'B', 1: '!1', z: 'z', 0: '' };
      expectObservable(event$.pipe(committed({ history }))).toBe('A-B------1------z-0', out);
      flush();
      expect(keptIn(history)).toBe('z');
    });
  });

  test('hears who was refused again, over its next connection', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const history = failingAt(1);
      const again = member('alice');
      const back = { ...event, R: joined(again), X: say(again, 'x') };
      const event$ = cold('                                    A-x------R-X', back);
      const out = { A: 'A', 1: '!1', x: 'x' };
      expectObservable(event$.pipe(committed({ history }))).toBe('A------1-A------x', out);
      flush();
      expect(keptIn(history)).toBe('x');
    });
  });

  test('gets announcements with the next commit, before what is said there', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const history = failingAt(1);
      const seats: Seated[] = [];
      const event$ = cold('                                         (A+)------p----------(B*z)', event);
      const out = { 1: '!A', 2: '+p', 3: 'B*z' };
      expectObservable(event$.pipe(seating(seats, { history }))).toBe('-----1---------2----------3', out);
      flush();
      expect(keptIn(history)).toBe('+*z');
      expect(seats[0]?.welcome).toMatchObject({ next: 1, first: 1, from: 1 });
      expect(seats.map(readBy)).toStrictEqual(['+*z', '*z']);
    });
  });

  test('gets them however often it fails, in order, also those of meanwhile', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const history = failingAt(1, 2);
      const event$ = cold('                                    (A+)-B----*---p-------q|', event);
      const out = { 1: '!AB', 2: '!p', 3: '+*q' };
      expectObservable(event$.pipe(committed({ history }))).toBe('-----1---------2-----------(3|)', out);
      flush();
      expect(keptIn(history)).toBe('+*');
    });
  });

  test('leaves positions as they were', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const history = failingAt(2);
      const seats: Seated[] = [];
      const event$ = cold('                                         A-x-----y---------(BC)-z', event);
      const out = { A: 'A', x: 'x', 1: '!1', 2: 'BC', z: 'z' };
      expectObservable(event$.pipe(seating(seats, { history }))).toBe('A------x-----1----2---------z', out);
      flush();
      expect(keptIn(history)).toBe('xz');
      expect(seats.map(({ welcome }) => welcome.next)).toStrictEqual([1, 2, 2]);
      expect(seats.map(readBy)).toStrictEqual(['xz', 'z', 'z']);
    });
  });

  test('seats who joined behind a line that is lost where that would have been', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const history = failingAt(1);
      const seats: Seated[] = [];
      const event$ = cold('                                         A-(xyB)------z', event);
      expectObservable(event$.pipe(seating(seats, { history }))).toBe('A------1----------z', {
        A: 'A',
        1: '!1B',
        z: 'z',
      });
      flush();
      expect(seats[1]?.welcome).toMatchObject({ next: 1, from: 1 });
      expect(seats.map(readBy)).toStrictEqual(['z', 'z']);
    });
  });

  test('at the end is told, and then it ends', () => {
    marbles(({ cold, expectObservable }) => {
      const event$ = cold('                                                  A-x|', event);
      const out = { A: 'A', 1: '!1' };
      expectObservable(event$.pipe(committed({ history: failingAt(1) }))).toBe('A------(1|)', out);
    });
  });
});

describe('a log that cannot be opened', () => {
  test('has the join refused, and is opened by the next one', () => {
    marbles(({ cold, expectObservable, flush }) => {
      let opened = 0;
      const history = slowly({ unreadable: () => (opened += 1) < 3 });
      const seats: Seated[] = [];
      const event$ = cold('                                         A-B-C-v-----', event);
      expectObservable(event$.pipe(seating(seats, { history }))).toBe('1-2-C------v', {
        1: '!1',
        2: '!2',
        C: 'C',
        v: 'v',
      });
      flush();
      expect(seats.map(readBy)).toStrictEqual(['v']);
    });
  });

  test('is opened once, whoever joins later', () => {
    marbles(({ cold, expectObservable, flush }) => {
      let opened = 0;
      const history = slowly({ unreadable: () => (opened += 1) > 1 });
      expectObservable(cold('A-B-C', event).pipe(committed({ history }))).toBe('A-B-C');
      flush();
      expect(opened).toBe(1);
    });
  });

  test('takes no lines of who was refused, then or later', () => {
    marbles(({ cold, expectObservable, flush }) => {
      let opened = 0;
      const history = slowly({ unreadable: () => (opened += 1) === 1 });
      const event$ = cold('                                    A-x-B-y-z', event);
      const out = { 1: '!1', 0: '', B: 'B', z: 'z' };
      expectObservable(event$.pipe(committed({ history }))).toBe('1-0-B-0------z', out);
      flush();
      expect(keptIn(history)).toBe('z');
    });
  });

  test('gets the announcements of meanwhile once it is open', () => {
    marbles(({ cold, expectObservable, flush }) => {
      let opened = 0;
      const history = slowly({ unreadable: () => (opened += 1) === 1 });
      const seats: Seated[] = [];
      const event$ = cold('                                         (A+)-l-(B*)', event);
      const out = { 1: '!1', l: 'l', 2: 'B+*' };
      expectObservable(event$.pipe(seating(seats, { history }))).toBe('1----l------2', out);
      flush();
      expect(keptIn(history)).toBe('+*');
      expect(seats.map(readBy)).toStrictEqual(['+*']);
    });
  });

  test('where its id cannot be made either', () => {
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

describe('more than 1 MiB that waits', () => {
  /** Lines of alice or bob that are `more` bytes over 1 MiB; one line is 101. */
  const MIB = 1_048_576;
  const over = (who: Member, more: number): Happening => {
    const rest = (MIB + more) % 101;
    const count = (MIB + more - rest) / 101;
    const lines = [...Array<string>(count - 1).fill(token('x')), token('x').padEnd(100 + rest, '_')];
    return { type: 'tokens', member: who, lines: batch(...lines) };
  };
  const company = () => {
    const [one, two] = [fakeConnection(), fakeConnection()];
    const a = member('alice', { connection: one });
    const b = member('bob', { connection: two });
    return {
      one,
      two,
      said: {
        ...event,
        A: joined(a),
        B: joined(b),
        m: over(a, 0),
        o: over(a, 1),
        x: say(a, 'x'),
        z: say(b, 'z'),
        p: { type: 'pinged', member: b } as const,
      },
    };
  };
  const flow = { p: 'pause', r: 'resume' };

  test('stops who says it from being read until it is stored', () => {
    marbles(({ cold, expectObservable }) => {
      const { one, two, said } = company();
      const event$ = cold<Happening>('       A-B-o-p-----z----', said);
      expectObservable(event$.pipe(committed({ history: slowly() })), '17ms !');
      expectObservable(one.flow$).toBe('----p----r', flow);
      expectObservable(two.flow$).toBe('-', flow);
    });
  });

  test('and not a byte less', () => {
    marbles(({ cold, expectObservable }) => {
      const { one, said } = company();
      const event$ = cold<Happening>('       A-B-m-----', said);
      expectObservable(event$.pipe(committed({ history: slowly() })), '17ms !');
      expectObservable(one.flow$).toBe('-', flow);
    });
  });

  test('stops whoever says more, and lets all of them go on', () => {
    marbles(({ cold, expectObservable }) => {
      const { one, two, said } = company();
      const event$ = cold<Happening>('       A-B-m-zx------z', said);
      expectObservable(event$.pipe(committed({ history: slowly() })), '40ms !');
      expectObservable(one.flow$).toBe('-------p-r', flow);
      expectObservable(two.flow$).toBe('------p--r', flow);
    });
  });

  test('is let go when it is not stored, too', () => {
    marbles(({ cold, expectObservable }) => {
      const { one, said } = company();
      const event$ = cold<Happening>('       A-B-o-------', said);
      expectObservable(event$.pipe(committed({ history: failingAt(1) })), '40ms !');
      expectObservable(one.flow$).toBe('----p----r', flow);
    });
  });

  test('counts what is handed over and what came since', () => {
    marbles(({ cold, expectObservable }) => {
      const { one, two, said } = company();
      const event$ = cold<Happening>('       A-B-m-z---x', said);
      expectObservable(event$.pipe(committed({ history: slowly() })), '40ms !');
      expectObservable(two.flow$).toBe('------p--r', flow);
      expectObservable(one.flow$).toBe('-', flow);
    });
  });

  test('waits without a store too, for the turn', () => {
    marbles(({ cold, expectObservable }) => {
      const { one, said } = company();
      const turn$ = cold('                          ---t');
      const event$ = cold<Happening>('       A----o----', said);
      expectObservable(event$.pipe(committed({ turn$ })), '40ms !');
      expectObservable(one.flow$).toBe('-----p--r', flow);
    });
  });
});
