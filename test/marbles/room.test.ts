import { describe, expect, test } from '@jest/globals';
import { asyncScheduler, defer, map, of, pipe, throwError, timer } from 'rxjs';
import type { Command } from '../../streams/relay/commands.js';
import { room, type RoomOptions } from '../../streams/relay/room.js';
import { company } from '../support/company.js';
import { fakeConnection } from '../support/fakeConnection.js';
import { marbles } from '../support/marbles.js';
import { happened, heard, tell } from '../support/wire.js';

const options = (more: Partial<RoomOptions> = {}): RoomOptions => ({
  logId: () => 'log',
  turn$: timer(0),
  gather: 0,
  ...more,
});

const served = (more?: Partial<RoomOptions>) => pipe(room('lobby', options(more)), map(tell));

const out = {
  ...happened,
  l: 'alice left: bye',
  m: 'bob left: bye',
  f: 'alice failed: Error: the sink broke',
};

describe('room', () => {
  test('nothing comes of commands that never come', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const command$ = cold<Command>('-');
      expectObservable(command$.pipe(served())).toBe('-');
      expectSubscriptions(command$.subscriptions).toBe('^');
    });
  });

  test('completes with empty commands', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold<Command>('|').pipe(served())).toBe('|');
    });
  });

  test('who joins hears its own join, and what it says, in the order of the room', () => {
    marbles(({ hot, expectObservable }) => {
      const { command, alice } = company();
      expectObservable(alice.line$).toBe('                  -(WA)-x-y-', heard);
      expectObservable(hot('-A----x-y-', command).pipe(served())).toBe('-(JA)-x-y-', out);
    });
  });

  test('many come, speak and go, and each hears the room from its own join to its leave', () => {
    marbles(({ hot, expectObservable }) => {
      const { command, alice, bob } = company();
      const command$ = hot('                       -A----x-B----z-b----y-a', command);
      expectObservable(command$.pipe(served())).toBe('-(JA)-x-(KB)-z-(mkb)y-(lja)', out);
      expectObservable(alice.line$).toBe('         -(WA)-x-B----z-b----y-|', heard);
      expectObservable(bob.line$).toBe('           --------(WB)-z-|', heard);
    });
  });

  test('an error of the commands passes and closes everyone', () => {
    marbles(({ hot, expectObservable }) => {
      const { command, alice } = company();
      expectObservable(alice.line$).toBe('-(WA)-|', heard);
      expectObservable(hot('-A----#', command, 'fault').pipe(served())).toBe('-(JA)-#', out, 'fault');
    });
  });

  test('unsubscribing closes everyone at once and lets go of the commands, the turn and the timer', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions, flush }) => {
      const { command, alice, bob } = company();
      const command$ = hot('                           -A----B----x-y', command);
      const turn$ = cold('                              ---t');
      const unsub = '                                  ------------!';
      const happened$ = command$.pipe(served({ turn$, gather: 60_000 }));
      expectObservable(happened$, unsub).toBe('        ----(JA)-K--', out);
      expectObservable(alice.line$).toBe('             ----(WA)----|', heard);
      expectObservable(bob.line$).toBe('               ---------W--|', heard);
      expectSubscriptions(command$.subscriptions).toBe('^-----------!');
      expectSubscriptions(turn$.subscriptions).toBe(['  -^--!', '------^--!', '-----------^!']);
      flush();
      expect(asyncScheduler.now()).toBeLessThan(60_000);
    });
  });

  test('one operator value serves two rooms, each with its own log', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const ids = ['one', 'two'];
      const operator = served({ logId: () => ids.shift()! });
      const [one, two] = [company(), company()];
      expectObservable(hot('-A----x', one.command).pipe(operator)).toBe('-(JA)-x', out);
      expectObservable(hot('--A----', two.command).pipe(operator)).toBe('--(JA)-', out);
      expectObservable(one.alice.line$).toBe('-(WA)-x', heard);
      expectObservable(two.alice.line$).toBe('--(WA)-', heard);
      flush();
      expect([one, two].map(({ alice }) => alice.writes[0]!.split(' ')[1])).toStrictEqual([
        'log=one',
        'log=two',
      ]);
    });
  });
});

describe('the turn of the event loop', () => {
  test('gathers what is said in it into one write', () => {
    marbles(({ hot, cold, expectObservable, flush }) => {
      const { command, alice, bob } = company();
      const turn$ = cold('                                      ---t');
      const command$ = hot('                                    -A----B----xyz--x', command);
      expectObservable(command$.pipe(served({ turn$ }))).toBe('----(JA)-(KB)-(xyz)x', out);
      expectObservable(alice.line$).toBe('                      ----(WA)-B----(xyz)x', heard);
      expectObservable(bob.line$).toBe('                        ---------(WB)-(xyz)x', heard);
      flush();
      expect(bob.writes.slice(2).map((text) => text.split('\n').length - 1)).toStrictEqual([3, 1]);
    });
  });

  test('may be over at once', () => {
    marbles(({ hot, expectObservable }) => {
      const { command, alice } = company();
      const command$ = hot('                                           -A----xy', command);
      expectObservable(command$.pipe(served({ turn$: of(0) }))).toBe('-(JA)-xy', out);
      expectObservable(alice.line$).toBe('                             -(WA)-xy', heard);
    });
  });

  test('that fails is a fault of the room, which closes everyone', () => {
    marbles(({ hot, expectObservable }) => {
      const { command, alice, bob } = company();
      let turns = 0;
      const fault = new Error('no more turns');
      const turn$ = defer(() => (++turns > 2 ? throwError(() => fault) : timer(0)));
      const command$ = hot('                                    -A----B----x', command);
      expectObservable(command$.pipe(served({ turn$ }))).toBe('-(JA)-(KB)-#', out, fault);
      expectObservable(alice.line$).toBe('                      -(WA)-B----|', heard);
      expectObservable(bob.line$).toBe('                        ------(WB)-|', heard);
    });
  });
});

describe('the end of a room', () => {
  test('everyone hears what was accepted, then BYE, and is closed', () => {
    marbles(({ hot, cold, expectObservable }) => {
      const { command, alice } = company();
      const turn$ = cold('                                      ---t');
      const command$ = hot('                                    -A----x|', command);
      expectObservable(command$.pipe(served({ turn$ }))).toBe('----(JA)-(x|)', out);
      expectObservable(alice.line$).toBe('                      ----(WA)-(xQ|)', heard);
    });
  });

  test('waits for who is slow', () => {
    marbles(({ hot, expectObservable }) => {
      const slow = fakeConnection({ answers: 'yyn', writable$: hot('-----------------w') });
      const { command, alice, bob } = company({ alice: { connection: slow } });
      const command$ = hot('                       -A----B----x-y-|', command);
      expectObservable(command$.pipe(served())).toBe('-(JA)-(KB)-x-y---|', out);
      expectObservable(alice.line$).toBe('         -(WA)-B----------(xyQ|)', heard);
      expectObservable(bob.line$).toBe('           ------(WB)-x-y-(Q|)', heard);
    });
  });

  test('what was gathered is announced before', () => {
    marbles(({ hot, expectObservable }) => {
      const { command, alice } = company();
      const command$ = hot('                                    -A----B-|', command);
      expectObservable(command$.pipe(served({ gather: 9 }))).toBe('-(JA)-K-(B|)', out);
      expectObservable(alice.line$).toBe('                      -(WA)---(BQ|)', heard);
    });
  });
});

describe('a member whose sink throws', () => {
  test('has failed and is closed; the room goes on and hears of its leave', () => {
    marbles(({ hot, expectObservable }) => {
      const broken = fakeConnection({ answers: 'yyy!' });
      const { command, alice, bob } = company({ alice: { connection: broken } });
      const command$ = hot('                       -A----B----z----a----z', command);
      expectObservable(command$.pipe(served())).toBe('-(JA)-(KB)-(zf)-(lja)z', out);
      expectObservable(alice.line$).toBe('         -(WA)-B----|', heard);
      expectObservable(bob.line$).toBe('           ------(WB)-z----a----z', heard);
    });
  });
});
