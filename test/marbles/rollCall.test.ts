import { describe, expect, test } from '@jest/globals';
import { from, map, type OperatorFunction, pipe } from 'rxjs';
import type { Command, Member } from '../../streams/relay/commands.js';
import { type Attendance, rollCall } from '../../streams/relay/rollCall.js';
import { LISTED_MEMBERS } from '../../streams/wire/handshake.js';
import { marbles } from '../support/marbles.js';
import { batch, member, tell, token } from '../support/wire.js';

const alice = member('alice');
const again = member('alice');
const bob = member('bob');

const join = (who: Member): Command => ({ type: 'join', member: who });
const leave = (who: Member, reason = 'bye'): Command => ({ type: 'leave', member: who, reason });
const say = (who: Member, mark: string): Command => ({
  type: 'tokens',
  member: who,
  lines: batch(token(mark)),
});
const ping = (who: Member): Command => ({ type: 'ping', member: who });

/** Capitals are bob's; 1 to 4 are those of the second alice. */
const command = {
  j: join(alice),
  x: say(alice, 'x'),
  p: ping(alice),
  l: leave(alice),
  J: join(bob),
  X: say(bob, 'X'),
  L: leave(bob),
  '1': join(again),
  '2': say(again, '2'),
  '3': ping(again),
  '4': leave(again),
};

const happened = {
  j: 'alice joined',
  x: 'alice: x',
  p: 'alice pinged',
  l: 'alice left: bye',
  J: 'bob joined',
  X: 'bob: X',
  L: 'bob left: bye',
  r: 'alice refused: nick-taken',
};

const called = (): OperatorFunction<Command, string> => pipe(rollCall(), map(tell));

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

  test('who joins is present, speaks, pings and leaves', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                     -j-x-p-l-|', command);
      expectObservable(command$.pipe(called())).toBe('-j-x-p-l-|', happened);
    });
  });

  test('many are present side by side, each once', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                     -j-J-x-X-l-X-L-|', command);
      expectObservable(command$.pipe(called())).toBe('-j-J-x-X-l-X-L-|', happened);
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
    });
  });
});

describe('a nick that is taken', () => {
  test('is refused to a second one, of whom nothing more is heard, while the first goes on', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                     -j-1-2-3-4-x-l', command);
      expectObservable(command$.pipe(called())).toBe('-j-r-------x-l', happened);
    });
  });

  test('is free once the first has left', () => {
    marbles(({ cold, expectObservable }) => {
      const command$ = cold('                     -j-l-1-2-x', command);
      expectObservable(command$.pipe(called())).toBe('-j-l-j-2--', { ...happened, '2': 'alice: 2' });
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
      count: 2,
      members: ['bob', 'alice'],
    });
  });

  test('is only how many, where a list would be too long', () => {
    const crowd = Array.from({ length: LISTED_MEMBERS + 1 }, (_, n) => join(member(`n${n}`)));
    const [last, first] = seen(...crowd).reverse();
    expect(first).toMatchObject({ count: 1000, members: { length: 1000 } });
    expect(last).toMatchObject({ count: 1001, members: undefined });
  });
});
