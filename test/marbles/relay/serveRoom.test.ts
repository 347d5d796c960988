import { describe, expect, test } from '@jest/globals';
import { asyncScheduler, defer, map, of, pipe, throwError, timer } from 'rxjs';
import type { MemberCommand } from '../../../streams/relay/connection/parseCommands.js';
import type { ServeRoomOptions } from '../../../streams/relay/serveRoom.js';
import { membersFixture } from '../../support/membersFixture.js';
import { fakeConnection } from '../../support/fakeConnection.js';
import { roomKinds } from '../../support/roomKinds.js';
import { marbles } from '../../support/marbles.js';
import { relayEvents, relayLines, describeEvent } from '../../support/wire.js';

const options = (more: Partial<ServeRoomOptions> = {}): ServeRoomOptions => ({
  logId: () => 'log',
  endOfTick$: timer(0),
  coalesceMs: 0,
  ...more,
});

const out = {
  ...relayEvents,
  l: 'alice disconnected: bye',
  m: 'bob disconnected: bye',
  f: 'alice failed: Error: the sink broke',
};

describe.each(roomKinds)('%s', (_, { serve }) => {
  const served = (more?: Partial<ServeRoomOptions>) =>
    pipe(serve('lobby', options(more)), map(describeEvent));

  describe('a room', () => {
    test('emits nothing when no commands come', () => {
      marbles(({ cold, expectObservable, expectSubscriptions }) => {
        const command$ = cold<MemberCommand>('-');
        expectObservable(command$.pipe(served())).toBe('-');
        expectSubscriptions(command$.subscriptions).toBe('^');
      });
    });

    test('completes when the commands are empty', () => {
      marbles(({ cold, expectObservable }) => {
        expectObservable(cold<MemberCommand>('|').pipe(served())).toBe('|');
      });
    });

    test('sends a member its own join and its own messages in the order of the room', () => {
      marbles(({ hot, expectObservable }) => {
        const { command, alice } = membersFixture();
        expectObservable(alice.line$).toBe('                  -(WA)-x-y-', relayLines);
        expectObservable(hot('-A----x-y-', command).pipe(served())).toBe('-(JA)-x-y-', out);
      });
    });

    test('sends each of many members the room from its own join to its leave', () => {
      marbles(({ hot, expectObservable }) => {
        const { command, alice, bob } = membersFixture();
        const command$ = hot('                       -A----x-B----z-b----y-a', command);
        expectObservable(command$.pipe(served())).toBe('-(JA)-x-(KB)-z-(mkb)y-(lja)', out);
        expectObservable(alice.line$).toBe('         -(WA)-x-B----z-b----y-|', relayLines);
        expectObservable(bob.line$).toBe('           --------(WB)-z-|', relayLines);
      });
    });

    test('errors and closes everyone when the commands error', () => {
      marbles(({ hot, expectObservable }) => {
        const { command, alice } = membersFixture();
        expectObservable(alice.line$).toBe('-(WA)-|', relayLines);
        expectObservable(hot('-A----#', command, 'fault').pipe(served())).toBe('-(JA)-#', out, 'fault');
      });
    });

    test('closes everyone at once and releases the commands, the tick and the timer when unsubscribed', () => {
      marbles(({ hot, cold, expectObservable, expectSubscriptions, flush }) => {
        const { command, alice, bob } = membersFixture();
        const command$ = hot('                           -A----B----x-y', command);
        const tick$ = cold('                              ---t');
        const unsub = '                                  ------------!';
        const happened$ = command$.pipe(served({ endOfTick$: tick$, coalesceMs: 60_000 }));
        expectObservable(happened$, unsub).toBe('        ----(JA)-K--', out);
        expectObservable(alice.line$).toBe('             ----(WA)----|', relayLines);
        expectObservable(bob.line$).toBe('               ---------W--|', relayLines);
        expectSubscriptions(command$.subscriptions).toBe('^-----------!');
        expectSubscriptions(tick$.subscriptions).toBe(['  -^--!', '------^--!', '-----------^!']);
        flush();
        expect(asyncScheduler.now()).toBeLessThan(60_000);
      });
    });

    test('keeps a separate log for each of two rooms of one operator value', () => {
      marbles(({ hot, expectObservable, flush }) => {
        const ids = ['one', 'two'];
        const operator = served({ logId: () => ids.shift()! });
        const [one, two] = [membersFixture(), membersFixture()];
        expectObservable(hot('-A----x', one.command).pipe(operator)).toBe('-(JA)-x', out);
        expectObservable(hot('--A----', two.command).pipe(operator)).toBe('--(JA)-', out);
        expectObservable(one.alice.line$).toBe('-(WA)-x', relayLines);
        expectObservable(two.alice.line$).toBe('--(WA)-', relayLines);
        flush();
        expect([one, two].map(({ alice }) => alice.writes[0]!.split(' ')[1])).toStrictEqual([
          'log=one',
          'log=two',
        ]);
      });
    });
  });

  describe('the tick of the event loop in a room', () => {
    test('gathers all messages of the tick into one write', () => {
      marbles(({ hot, cold, expectObservable, flush }) => {
        const { command, alice, bob } = membersFixture();
        const tick$ = cold('                                      ---t');
        const command$ = hot('                                    -A----B----xyz--x', command);
        expectObservable(command$.pipe(served({ endOfTick$: tick$ }))).toBe('----(JA)-(KB)-(xyz)x', out);
        expectObservable(alice.line$).toBe('                      ----(WA)-B----(xyz)x', relayLines);
        expectObservable(bob.line$).toBe('                        ---------(WB)-(xyz)x', relayLines);
        flush();
        expect(bob.writes.slice(2).map((text) => text.split('\n').length - 1)).toStrictEqual([3, 1]);
      });
    });

    test('may end at once', () => {
      marbles(({ hot, expectObservable }) => {
        const { command, alice } = membersFixture();
        const command$ = hot('                                           -A----xy', command);
        expectObservable(command$.pipe(served({ endOfTick$: of(0) }))).toBe('-(JA)-xy', out);
        expectObservable(alice.line$).toBe('                             -(WA)-xy', relayLines);
      });
    });

    test('fails the room, which closes everyone, when it errors', () => {
      marbles(({ hot, expectObservable }) => {
        const { command, alice, bob } = membersFixture();
        let ticks = 0;
        const fault = new Error('no more turns');
        const tick$ = defer(() => (++ticks > 2 ? throwError(() => fault) : timer(0)));
        const command$ = hot('                                    -A----B----x', command);
        expectObservable(command$.pipe(served({ endOfTick$: tick$ }))).toBe('-(JA)-(KB)-#', out, fault);
        expectObservable(alice.line$).toBe('                      -(WA)-B----|', relayLines);
        expectObservable(bob.line$).toBe('                        ------(WB)-|', relayLines);
      });
    });
  });

  describe('the end of a room', () => {
    test('delivers everything accepted to everyone, sends BYE and closes them', () => {
      marbles(({ hot, cold, expectObservable }) => {
        const { command, alice } = membersFixture();
        const tick$ = cold('                                      ---t');
        const command$ = hot('                                    -A----x|', command);
        expectObservable(command$.pipe(served({ endOfTick$: tick$ }))).toBe('----(JA)-(x|)', out);
        expectObservable(alice.line$).toBe('                      ----(WA)-(xQ|)', relayLines);
      });
    });

    test('waits for slow members', () => {
      marbles(({ hot, expectObservable }) => {
        const slow = fakeConnection({ writeResults: 'yyn', writable$: hot('-----------------w') });
        const { command, alice, bob } = membersFixture({ alice: { connection: slow } });
        const command$ = hot('                       -A----B----x-y-|', command);
        expectObservable(command$.pipe(served())).toBe('-(JA)-(KB)-x-y---|', out);
        expectObservable(alice.line$).toBe('         -(WA)-B----------(xyQ|)', relayLines);
        expectObservable(bob.line$).toBe('           ------(WB)-x-y-(Q|)', relayLines);
      });
    });

    test('announces the gathered joins and departures first', () => {
      marbles(({ hot, expectObservable }) => {
        const { command, alice } = membersFixture();
        const command$ = hot('                                    -A----B-|', command);
        expectObservable(command$.pipe(served({ coalesceMs: 9 }))).toBe('-(JA)-K-(B|)', out);
        expectObservable(alice.line$).toBe('                      -(WA)---(BQ|)', relayLines);
      });
    });
  });

  describe('a member whose sink throws', () => {
    test('fails and is closed, and the room continues and announces its leave', () => {
      marbles(({ hot, expectObservable }) => {
        const broken = fakeConnection({ writeResults: 'yyy!' });
        const { command, alice, bob } = membersFixture({ alice: { connection: broken } });
        const command$ = hot('                       -A----B----z----a----z', command);
        expectObservable(command$.pipe(served())).toBe('-(JA)-(KB)-(zf)-(lja)z', out);
        expectObservable(alice.line$).toBe('         -(WA)-B----|', relayLines);
        expectObservable(bob.line$).toBe('           ------(WB)-z----a----z', relayLines);
      });
    });
  });
});
