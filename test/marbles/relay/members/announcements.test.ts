import { describe, test } from '@jest/globals';
import type { Member, MemberCommand } from '../../../../streams/relay/connection/parseCommands.js';
import type { ServeRoomOptions } from '../../../../streams/relay/serveRoom.js';
import { marbles } from '../../../support/marbles.js';
import { describeAnnouncements, roomKinds } from '../../../support/roomKinds.js';
import { batch, member, sessionOf, token } from '../../../support/wire.js';

const alice = member('alice');
const bob = member('bob');
/** Bob over his next connection. */
const again = member('bob');
const carol = member('carol');

const join = (who: Member): MemberCommand => ({ type: 'join', member: who });
const leave = (who: Member, reason = 'bye'): MemberCommand => ({ type: 'leave', member: who, reason });
const send = (who: Member): MemberCommand => ({ type: 'tokens', member: who, lines: batch(token('x')) });

/** Small letters join, speak and lose their connection; capitals leave. */
const command = {
  a: join(alice),
  b: join(bob),
  c: join(carol),
  x: send(alice),
  y: send(bob),
  p: { type: 'ping', member: bob } as const,
  q: { type: 'idle', member: bob } as const,
  l: leave(bob, 'reset by peer'),
  r: join(again),
  z: send(again),
  A: leave(alice),
  B: leave(bob),
};

const out = {
  a: 'alice joined',
  b: 'bob joined',
  c: 'carol joined',
  x: 'alice stored 1',
  y: 'bob stored 1',
  z: 'bob stored 1',
  p: 'bob pinged',
  q: 'bob idle',
  r: 'bob resumed',
  A: 'alice left',
  B: 'bob left',
  1: '+alice',
  2: '+bob',
  3: '+bob,carol',
  4: '-alice',
  5: '-bob',
  6: '+carol',
};

describe.each(roomKinds)('%s', (_, kind) => {
  const announced = (options?: Partial<ServeRoomOptions>) => describeAnnouncements(kind, options);

  test('announces a single join at once, and completes without delay', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                         -a-----|', command);
      expectObservable(command$.pipe(announced())).toBe('-(a1)--|', out);
    });
  });

  test('announces each of several joins and departures at once when they are far apart', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                                      a---------b---------A', command);
      expectObservable(command$.pipe(announced({ coalesceMs: 8 }))).toBe('(a1)------(b2)------(A4)', out);
    });
  });

  test('gathers joins and departures that follow each other closely', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                                      a---b-c---------', command);
      expectObservable(command$.pipe(announced({ coalesceMs: 8 }))).toBe('(a1)b-c-3-------', out);
    });
  });

  test('writes one line per gathering in a storm, including the last', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                                      a---b---c----A-------', command);
      expectObservable(command$.pipe(announced({ coalesceMs: 6 }))).toBe('(a1)b-2-c---6A----4--', out);
    });
  });

  test('gathers for one second by default', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                         a---b 1s -', command);
      expectObservable(command$.pipe(announced())).toBe('(a1)b 995ms 2', out);
    });
  });

  test('announces a member, with all that wait, before it speaks', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                                      a---bcy-------', command);
      expectObservable(command$.pipe(announced({ coalesceMs: 9 }))).toBe('(a1)bc(3y)----', out);
    });
  });

  test('does not announce a member again when it speaks again, pings or is quiet', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                                      a---b-pqx---y-', command);
      expectObservable(command$.pipe(announced({ coalesceMs: 9 }))).toBe('(a1)b-pqx2--y-', out);
    });
  });

  test('does not mention a member that came and departed within one gathering', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                                      a---b-c-B-----', command);
      expectObservable(command$.pipe(announced({ coalesceMs: 9 }))).toBe('(a1)b-c-B6----', out);
    });
  });

  test('announces a member with a differently spelled shared nick before it speaks', () => {
    marbles(({ cold, expectObservable }) => {
      const owner = 'owner of the nick';
      const loud = member('CAROL', { owner, session: sessionOf('loud') });
      const joins = { c: join(member('carol', { owner })), C: join(loud), x: send(loud) };
      const command$ = cold('                           a---c-C-x', { ...command, ...joins });
      expectObservable(command$.pipe(announced()), '10ms !').toBe('(a1)c-C-(6x)', {
        ...out,
        C: 'CAROL resumed',
        x: 'CAROL stored 1',
      });
    });
  });

  test('announces a departure and the next member of that nick in that order', () => {
    marbles(({ cold, expectObservable }) => {
      const again = join(member('alice'));
      const command$ = cold('                                      a---A-r-------', {
        ...command,
        r: again,
      });
      expectObservable(command$.pipe(announced({ coalesceMs: 8 }))).toBe('(a1)A-r-(41)--', {
        ...out,
        r: out.a,
      });
    });
  });

  test('announces a member that was cut off only once it has departed', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('b------l-----------', command);
      const announced$ = command$.pipe(announced({ coalesceMs: 3, reconnectGraceMs: 7 }));
      expectObservable(announced$).toBe('  (b2)----------(B5)-', out);
    });
  });

  test('announces nothing for a member that returns, nor for what it says', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                                      b------l-r-z-------', command);
      expectObservable(command$.pipe(announced({ coalesceMs: 3 }))).toBe('(b2)-----r-z-------', out);
    });
  });

  test('announces a member that returns within the gathering of its first join once, before it speaks', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                                      a---b-l-r-----', command);
      expectObservable(command$.pipe(announced({ coalesceMs: 9 }))).toBe('(a1)b---r2----', out);
      const speaking$ = cold('                                        a---b-l-rz----', command);
      expectObservable(speaking$.pipe(announced({ coalesceMs: 9 }))).toBe('  (a1)b---r(2z)-', out);
    });
  });

  test('announces what was gathered before it completes', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                         a---b-|', command);
      expectObservable(command$.pipe(announced())).toBe('(a1)b-(2|)', out);
    });
  });

  test('passes an error of the source on at once', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                         a---b-#', command, 'fault');
      expectObservable(command$.pipe(announced())).toBe('(a1)b-#', out, 'fault');
    });
  });

  test('gathers separately for two rooms of one operator value', () => {
    marbles(({ cold, expectObservable }) => {
      const operator = announced({ coalesceMs: 8 });
      expectObservable(cold('a---b-----', command).pipe(operator)).toBe('(a1)b---2-', out);
      expectObservable(cold('--a---A---', command).pipe(operator)).toBe('--(a1)A---4', out);
    });
  });
});
