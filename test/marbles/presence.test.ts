import { describe, expect, test } from '@jest/globals';
import { asyncScheduler, filter, from, map, pipe, toArray } from 'rxjs';
import type { Member } from '../../streams/relay/commands.js';
import { type Announced, presence, type PresenceOptions } from '../../streams/relay/presence.js';
import type { Attendance } from '../../streams/relay/rollCall.js';
import { announcementLine } from '../../streams/wire/entry.js';
import { LISTED_MEMBERS } from '../../streams/wire/handshake.js';
import { marbles } from '../support/marbles.js';
import { batch, member, tell, token } from '../support/wire.js';

const alice = member('alice');
const bob = member('bob');
const carol = member('carol');

const joined = (who: Member, count = 1): Extract<Attendance, { type: 'joined' }> => ({
  type: 'joined',
  member: who,
  returned: false,
  count,
  members: undefined,
});
const returned = (who: Member, count = 1): Attendance => ({ ...joined(who, count), returned: true });
const left = (who: Member): Attendance => ({ type: 'left', member: who, reason: 'reset by peer' });
const departed = (who: Member): Attendance => ({ type: 'departed', member: who });
const tokens = (who: Member): Attendance => ({ type: 'tokens', member: who, lines: batch(token('x')) });

const event = {
  a: joined(alice),
  b: joined(bob, 2),
  c: joined(carol, 3),
  x: tokens(alice),
  y: tokens(bob),
  p: { type: 'pinged', member: bob } as const,
  q: { type: 'quiet', member: bob } as const,
  l: left(bob),
  r: returned(bob, 2),
  A: departed(alice),
  B: departed(bob),
  C: departed(carol),
};

const out = {
  a: 'alice joined',
  b: 'bob joined',
  c: 'carol joined',
  x: 'alice: x',
  y: 'bob: x',
  p: 'bob pinged',
  q: 'bob quiet',
  l: 'bob left: reset by peer',
  r: 'bob returned',
  A: 'alice departed',
  B: 'bob departed',
  C: 'carol departed',
  1: '+alice',
  2: '+bob',
  3: '+bob,carol',
  4: '-alice',
  5: '-bob',
  6: '+carol',
};

const announced = (options?: PresenceOptions) => pipe(presence(options), map(tell));

describe('presence', () => {
  test('nothing comes of a source that says nothing', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const attendance$ = cold('-', event);
      expectObservable(attendance$.pipe(announced())).toBe('-');
      expectSubscriptions(attendance$.subscriptions).toBe('^');
    });
  });

  test('completes with an empty source, with nothing to announce', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('|', event).pipe(announced())).toBe('|');
    });
  });

  test('a single join is announced at once, and completion waits for nothing', () => {
    marbles(({ cold, expectObservable }) => {
      const attendance$ = cold('                         -a-----|', event);
      expectObservable(attendance$.pipe(announced())).toBe('-(a1)--|', out);
    });
  });

  test('joins and departures far apart are each announced at once', () => {
    marbles(({ cold, expectObservable }) => {
      const attendance$ = cold('                                      a---------b---------A', event);
      expectObservable(attendance$.pipe(announced({ gather: 8 }))).toBe('(a1)------(b2)------(A4)', out);
    });
  });

  test('those that come soon after one another are gathered', () => {
    marbles(({ cold, expectObservable }) => {
      const attendance$ = cold('                                      a---b-c---------', event);
      expectObservable(attendance$.pipe(announced({ gather: 8 }))).toBe('(a1)b-c-3-------', out);
    });
  });

  test('a storm costs a line per gathering, the last one included', () => {
    marbles(({ cold, expectObservable }) => {
      const attendance$ = cold('                                      a---b---c----A-------', event);
      expectObservable(attendance$.pipe(announced({ gather: 6 }))).toBe('(a1)b-2-c---6A----4--', out);
    });
  });

  test('gathers for a second where nothing else was said', () => {
    marbles(({ cold, expectObservable }) => {
      const attendance$ = cold('                         a---b 1s -', event);
      expectObservable(attendance$.pipe(announced())).toBe('(a1)b 995ms 2', out);
    });
  });

  test('who speaks was announced before, with all who wait', () => {
    marbles(({ cold, expectObservable }) => {
      const attendance$ = cold('                                      a---bcy-------', event);
      expectObservable(attendance$.pipe(announced({ gather: 9 }))).toBe('(a1)bc(3y)----', out);
    });
  });

  test('who speaks again is not announced again, and pings and silences announce nobody', () => {
    marbles(({ cold, expectObservable }) => {
      const attendance$ = cold('                                      a---b-pqx---y-', event);
      expectObservable(attendance$.pipe(announced({ gather: 9 }))).toBe('(a1)b-pqx2--y-', out);
    });
  });

  test('who came and departed within one gathering is not mentioned', () => {
    marbles(({ cold, expectObservable }) => {
      const attendance$ = cold('                                      a---b-c-B-----', event);
      expectObservable(attendance$.pipe(announced({ gather: 9 }))).toBe('(a1)b-c-B6----', out);
    });
  });

  test('who shares a nick in other letters is announced by its coming before it speaks', () => {
    marbles(({ cold, expectObservable }) => {
      const shouting = tokens(member('CAROL'));
      const attendance$ = cold('                           a---c---x', { ...event, x: shouting });
      expectObservable(attendance$.pipe(announced()), '10ms !').toBe('(a1)c---(6x)', {
        ...out,
        x: 'CAROL: x',
      });
    });
  });

  test('who departed and one who took the nick after it are both announced, in that order', () => {
    marbles(({ cold, expectObservable }) => {
      const again = joined(member('alice'));
      const attendance$ = cold('                                      a---A-r-------', {
        ...event,
        r: again,
      });
      expectObservable(attendance$.pipe(announced({ gather: 8 }))).toBe('(a1)A-r-(41)--', {
        ...out,
        r: out.a,
      });
    });
  });

  test('who is cut off is announced only once it has departed', () => {
    marbles(({ cold, expectObservable }) => {
      const attendance$ = cold('                                      b------l------B----', event);
      expectObservable(attendance$.pipe(announced({ gather: 3 }))).toBe('(b2)---l------(B5)-', out);
    });
  });

  test('who returns is not announced, and what it says is announced by nobody', () => {
    marbles(({ cold, expectObservable }) => {
      const attendance$ = cold('                                      b------l-r-y-------', event);
      expectObservable(attendance$.pipe(announced({ gather: 3 }))).toBe('(b2)---l-r-y-------', out);
    });
  });

  test('who returns begins no gathering: the next one is announced at once', () => {
    marbles(({ cold, expectObservable }) => {
      const attendance$ = cold('                                      r--a---', event);
      expectObservable(attendance$.pipe(announced({ gather: 9 }))).toBe('r--(a1)', out);
    });
  });

  test('who returns within the gathering of its first join is announced once, before it speaks', () => {
    marbles(({ cold, expectObservable }) => {
      const attendance$ = cold('                                      a---b-l-r-----', event);
      expectObservable(attendance$.pipe(announced({ gather: 9 }))).toBe('(a1)b-l-r2----', out);
      const speaking$ = cold('                                        a---b-l-ry----', event);
      expectObservable(speaking$.pipe(announced({ gather: 9 }))).toBe('  (a1)b-l-r(2y)-', out);
    });
  });

  test('what was gathered is announced before completion', () => {
    marbles(({ cold, expectObservable }) => {
      const attendance$ = cold('                         a---b-|', event);
      expectObservable(attendance$.pipe(announced())).toBe('(a1)b-(2|)', out);
    });
  });

  test('an error of the source passes at once', () => {
    marbles(({ cold, expectObservable }) => {
      const attendance$ = cold('                         a---b-#', event, 'fault');
      expectObservable(attendance$.pipe(announced())).toBe('(a1)b-#', out, 'fault');
    });
  });

  test('an endless source is let go when nobody listens any more, and no timer is left', () => {
    marbles(({ hot, expectObservable, expectSubscriptions, flush }) => {
      const attendance$ = hot('        a---b-c-c-c', event);
      const unsub = '                  -----!';
      expectObservable(attendance$.pipe(announced()), unsub).toBe('(a1)b', out);
      expectSubscriptions(attendance$.subscriptions).toBe('^----!');
      flush();
      expect(asyncScheduler.now()).toBeLessThan(1000);
    });
  });

  test('one operator value serves two rooms, each with its own gathering', () => {
    marbles(({ cold, expectObservable }) => {
      const operator = announced({ gather: 8 });
      expectObservable(cold('a---b-----', event).pipe(operator)).toBe('(a1)b---2-', out);
      expectObservable(cold('--a---B---', event).pipe(operator)).toBe('--(a1)B---5', out);
    });
  });
});

test('presence of members that are none of ours: trains at a station', () => {
  type Train =
    | { type: 'joined'; member: { nick: string; wheels: number }; returned: boolean; count: number }
    | { type: 'departed'; member: { nick: string; wheels: number } };
  const express = { nick: 'express', wheels: 96 };
  const local = { nick: 'local', wheels: 32 };
  const train: Record<string, Train> = {
    e: { type: 'joined', member: express, returned: false, count: 1 },
    l: { type: 'joined', member: local, returned: false, count: 2 },
    E: { type: 'departed', member: express },
  };
  const board = (event: Train | Announced) =>
    event.type === 'announced'
      ? announcementLine(event.announcement)
      : `${event.type}, ${event.member.wheels} wheels`;

  marbles(({ cold, expectObservable }) => {
    const train$ = cold('           e---l-E-----', train).pipe(presence({ gather: 8 }), map(board));
    expectObservable(train$).toBe('(e1)l-E-(23)', {
      e: 'joined, 96 wheels',
      l: 'joined, 32 wheels',
      E: 'departed, 96 wheels',
      1: '+express',
      2: '-express',
      3: '+local',
    });
  });
});

describe('presence of a crowd', () => {
  const crowd = (size: number) => Array.from({ length: size }, (_, n) => member(`n${n}`));
  const nicks = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, n) => `n${from + n}`).join();

  test('is announced at most 100 nicks a line', () => {
    marbles(({ expectObservable }) => {
      const storm$ = from(crowd(251).map((each, n) => joined(each, n + 1))).pipe(
        announced(),
        filter((text) => text.startsWith('+')),
        toArray(),
      );
      expectObservable(storm$).toBe('(a|)', {
        a: ['+n0', `+${nicks(1, 101)}`, `+${nicks(101, 201)}`, `+${nicks(201, 251)}`],
      });
    });
  });

  test('above 1000 is announced in numbers, and in names again once it is smaller', () => {
    marbles(({ cold, expectObservable }) => {
      const attendance$ = cold('a---b---c---A---B---', {
        ...event,
        a: joined(alice, LISTED_MEMBERS),
        b: joined(bob, LISTED_MEMBERS + 1),
        c: joined(carol, LISTED_MEMBERS + 2),
      });
      const expected = '        (a1)(b7)(c7)(A8)(B5)';
      expectObservable(attendance$.pipe(announced({ gather: 2 }))).toBe(expected, {
        ...out,
        7: '+*1',
        8: '-*1',
      });
    });
  });
});
