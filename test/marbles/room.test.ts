import { describe, expect, test } from '@jest/globals';
import { defer, map, of, pipe, throwError, timer } from 'rxjs';
import type { RunHelpers } from 'rxjs/testing';
import type { Command, Member } from '../../streams/relay/commands.js';
import { room, type RoomOptions } from '../../streams/relay/room.js';
import { fakeConnection, type FakeConnection } from '../support/fakeConnection.js';
import { marbles } from '../support/marbles.js';
import { batch, heard, member, tell, token } from '../support/wire.js';

const options = (more: Partial<RoomOptions> = {}): RoomOptions => ({
  logId: () => 'log',
  turn$: timer(0),
  gather: 0,
  ...more,
});

const served = (more?: Partial<RoomOptions>) => pipe(room(options(more)), map(tell));

type Who = Partial<Omit<Member, 'connection'>> & { readonly connection?: FakeConnection };

/** What alice and bob do: capitals join, small letters leave; x y are alice's, z is bob's, p a ping of alice. */
const company = ({ alice = {}, bob = {} }: { alice?: Who; bob?: Who } = {}) => {
  const one = fakeConnection();
  const two = fakeConnection();
  const a = member('alice', { connection: one, ...alice });
  const b = member('bob', { connection: two, ...bob });
  const say = (who: Member, mark: string): Command => ({ type: 'tokens', member: who, lines: batch(token(mark)) });
  const command: Record<string, Command> = {
    A: { type: 'join', member: a },
    B: { type: 'join', member: b },
    a: { type: 'leave', member: a, reason: 'bye' },
    b: { type: 'leave', member: b, reason: 'bye' },
    x: say(a, 'x'),
    y: say(a, 'y'),
    z: say(b, 'z'),
    p: { type: 'ping', member: a },
  };
  return { command, alice: alice.connection ?? one, bob: bob.connection ?? two };
};

const out = {
  J: 'alice joined',
  K: 'bob joined',
  A: '+alice',
  B: '+bob',
  a: '-alice',
  b: '-bob',
  l: 'alice left: bye',
  m: 'bob left: bye',
  x: 'alice: x',
  y: 'alice: y',
  z: 'bob: z',
  p: 'alice pinged',
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
      const command$ = hot('              -A----x-B----z-b---y-a', command);
      expectObservable(command$.pipe(served())).toBe('-(JA)-x-(KB)-z-(mb)y-(la)'.replace('-(mb)y', '-(mb)y'), out);
      expectObservable(alice.line$).toBe('-(WA)-x-B----z-b---y-|', heard);
      expectObservable(bob.line$).toBe('  --------(WB)-z-|------', heard);
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
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const { command, alice, bob } = company();
      const command$ = hot('-A----B-x-y', command);
      const turn$ = cold('  ---t');
      const unsub = '       ---------!';
      expectObservable(command$.pipe(served({ turn$, gather: 9 })), unsub).toBe('-(JA)-K-x-'.replace('x-', '(Bx)').slice(0, 12), out);
      expectObservable(alice.line$).toBe('-W--A----|', heard);
      expectObservable(bob.line$).toBe('------W--|', heard);
      expectSubscriptions(command$.subscriptions).toBe('^--------!');
      expectSubscriptions(turn$.subscriptions).toBe(['-^--!', '--------^!']);
    });
  });
});
