import { describe, expect, test } from '@jest/globals';
import { filter, from, map, timer } from 'rxjs';
import { relay } from '../../streams/relay/relay.js';
import type { Connection } from '../../streams/wire/connection.js';
import { fakeConnection } from '../support/fakeConnection.js';
import { fakeHistory, type FakeHistory } from '../support/fakeHistory.js';
import { marbles } from '../support/marbles.js';
import { serving } from '../support/serving.js';
import { bytes, happened, heard, hello, LOBBY, nonce, said, verify } from '../support/wire.js';

const out = {
  ...happened,
  l: 'alice left: the connection ended',
  m: 'bob left: bye',
  q: 'alice left: bye',
  t: 'turned-away: the connection ended',
};

describe('relay', () => {
  test('serves nobody where nobody comes', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const connection$ = cold<Connection>('-');
      expectObservable(connection$.pipe(serving())).toBe('-');
      expectSubscriptions(connection$.subscriptions).toBe('^');
    });
  });

  test('completes with empty connections', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold<Connection>('|').pipe(serving())).toBe('|');
    });
  });

  test('completes once no connection comes any more and the last one has ended', () => {
    marbles(({ hot, expectObservable }) => {
      const alice = fakeConnection({ chunk$: hot('    ---A------|', said) });
      const connection$ = hot('                       a------|', { a: alice });
      expectObservable(alice.line$).toBe('            N--(WA)---|', heard);
      expectObservable(connection$.pipe(serving())).toBe('---(JA)---(l|)', out);
    });
  });

  test('tells of members and of who did not become one', () => {
    marbles(({ hot, expectObservable }) => {
      const alice = fakeConnection({ chunk$: hot('    ---A------x', said) });
      const nobody = fakeConnection({ chunk$: hot('   --------|', said) });
      const connection$ = hot('                       an-', { a: alice, n: nobody });
      expectObservable(connection$.pipe(serving())).toBe('---(JA)-t-x', out);
    });
  });

  test('tells which room it was that the store did not take', () => {
    marbles(({ hot, expectObservable }) => {
      const history = fakeHistory({ delay: () => timer(1), failing: () => true });
      const alice = fakeConnection({ chunk$: hot('    ---A', said) });
      const told$ = hot('a', { a: alice }).pipe(
        relay({ nonce, verify, logId: () => 'log', turn$: timer(0), history, heartbeat: Infinity }),
        filter(({ type }) => type === 'not-stored'),
      );
      const reason = 'Error: the store is full';
      expectObservable(told$).toBe('----n', { n: { type: 'not-stored', room: LOBBY, reason } });
    });
  });

  test('an error of the connections passes, and closes everyone', () => {
    marbles(({ hot, expectObservable }) => {
      const alice = fakeConnection({ chunk$: hot('    ---A-----', said) });
      const bob = fakeConnection({ chunk$: hot('      ---------', said) });
      const connection$ = hot('                       ab------#', { a: alice, b: bob }, 'fault');
      expectObservable(alice.line$).toBe('            N--(WA)-|', heard);
      expectObservable(bob.line$).toBe('              -N------(Q|)', heard);
      expectObservable(connection$.pipe(serving())).toBe('---(JA)-#', out, 'fault');
    });
  });

  test('one operator value serves two doors: their rooms are not the same', () => {
    marbles(({ hot, expectObservable }) => {
      const operator = serving();
      const one = fakeConnection({ chunk$: hot('      --A', said) });
      const two = fakeConnection({ chunk$: hot('      --------A', said) });
      expectObservable(hot('a', { a: one }).pipe(operator)).toBe('--(JA)', out);
      expectObservable(hot('a', { a: two }).pipe(operator)).toBe('--------(JA)', out);
      expectObservable(one.line$).toBe('              N-(WA)', heard);
      expectObservable(two.line$).toBe('              N-------(WA)', heard);
    });
  });
});

describe('when strangers use up the joins', () => {
  test.each([
    { name: 'lost its connection', stay: '10s |', in: true },
    { name: 'was there for a moment', stay: '9s |', in: false },
    { name: 'said BYE', stay: '10s q', in: false },
    { name: 'broke the protocol', stay: '10s ?', in: false },
  ])('a member that $name comes in before them: $in', ({ stay, in: isIn }) => {
    const told: string[] = [];
    marbles(
      ({ hot, cold }) => {
        const from = (peer: string, marbles: string) => ({
          ...fakeConnection({ chunk$: cold(marbles, said) }),
          peer,
        });
        const stranger = (n: number) => from(`192.0.2.${n}:1`, '-B');
        const connection$ = hot('a 19s 123---b', {
          a: from('192.0.2.9:1', `-A ${stay}`),
          1: stranger(1),
          2: stranger(2),
          3: stranger(3),
          b: from('192.0.2.9:2', '-A'),
        });
        // One for the member, two for strangers, and one that is kept.
        const joinRate = { perSecond: 0.000_1, burst: 4 };
        connection$
          .pipe(relay({ nonce, verify, logId: () => 'log', turn$: timer(0), heartbeat: Infinity, joinRate }))
          .subscribe((event) => {
            if (event.type === 'joined') told.push(event.member.connection.peer);
            if (event.type === 'turned-away') told.push(`${event.peer} ${event.reason}`);
          });
      },
      { until: 60_000 },
    );
    expect(told).toStrictEqual([
      '192.0.2.9:1',
      '192.0.2.1:1',
      '192.0.2.2:1',
      '192.0.2.3:1 busy',
      isIn ? '192.0.2.9:2' : '192.0.2.9:2 busy',
    ]);
  });
});

describe('a room that everyone has left', () => {
  test('keeps its log for a while, and then is let go', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const logs = ['first', 'second'];
      const alice = fakeConnection({ chunk$: hot('    ---A----q', said) });
      const bob = fakeConnection({ chunk$: hot('      -------------B----q', said) });
      const carol = fakeConnection({ chunk$: hot('    ------------------- 20ms C', said) });
      const connection$ = hot('                       abc', { a: alice, b: bob, c: carol });
      const relayed$ = connection$.pipe(serving({ roomIdle: 20, logId: () => logs.shift()! }));
      const drawing = '                               ---(JA)-(qja)(KB)-(mkb) 16ms (LC)';
      expectObservable(relayed$).toBe(drawing, out);
      flush();
      expect([alice, bob, carol].map(({ writes }) => writes[1])).toStrictEqual([
        'WELCOME log=first next=1 first=1 from=1 durability=memory count=1 members=alice\n',
        'WELCOME log=first next=3 first=1 from=3 durability=memory count=1 members=bob\n',
        'WELCOME log=second next=1 first=1 from=1 durability=memory count=1 members=carol\n',
      ]);
    });
  });

  test('is kept while somebody is there, however quiet', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const alice = fakeConnection({ chunk$: hot('    ---A----', said) });
      const bob = fakeConnection({ chunk$: hot('      ---- 60m B', said) });
      const connection$ = hot('                       ab', { a: alice, b: bob });
      const relayed$ = connection$.pipe(serving({ roomIdle: 20, handshakeTimeout: 7_200_000 }));
      expectObservable(relayed$).toBe('               ---(JA) 3599997ms (KB)', out);
      flush();
      expect(bob.writes[1]).toMatch(/^WELCOME log=log next=2 /);
    });
  });

  test('lets who is cut off depart before it is let go', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const history = fakeHistory({ delay: () => timer(1) });
      const alice = fakeConnection({ chunk$: hot('    ---A----|', said) });
      const connection$ = hot('                       a', { a: alice });
      const relayed$ = connection$.pipe(serving({ history, roomIdle: 1, grace: 20 }));
      expectObservable(relayed$).toBe('               ----(JA)l 20ms (ja)', { ...out, a: '-alice' });
      flush();
      expect(history.lines(LOBBY)).toStrictEqual(['+alice', '-alice']);
    });
  });

  const visits = [
    { with: 'without a history an hour', history: false, idle: 3_600_000 },
    { with: 'with one a minute', history: true, idle: 60_000 },
  ];
  test.each(visits)('is kept $with, where nothing else was said', ({ history, idle }) => {
    marbles(({ expectObservable, flush }) => {
      let opened = 0;
      const logId = () => `log${(opened += 1)}`;
      const stored = fakeHistory();
      const open: FakeHistory['open'] = (room) => {
        const id = logId();
        return stored.open(room, () => id);
      };
      const visit = (nick: string, at: number) =>
        fakeConnection({ chunk$: timer(at, 1).pipe(map((n) => bytes(n === 0 ? hello(nick) : 'BYE'))) });
      // The second comes just in time, the third just too late after it; each leaves after 1 ms.
      const visitors = [visit('alice', 0), visit('bob', idle), visit('carol', 2 * idle + 2)];
      const more = { ...(history && { history: { ...stored, open } }), logId, handshakeTimeout: Infinity };
      const opened$ = from(visitors).pipe(
        serving(more),
        filter((text) => text.endsWith('joined')),
        map(() => opened),
      );
      const apart = idle - 1;
      expectObservable(opened$).toBe(`a ${apart}ms a ${idle + 1}ms b|`, { a: 1, b: 2 });
      flush();
    });
  });

  test('goes on with the same log where it has a history', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const history = fakeHistory({ delay: () => timer(1) });
      const logs = ['first', 'second'];
      const alice = fakeConnection({ chunk$: hot('    ---A----q', said) });
      const carol = fakeConnection({ chunk$: hot('    ------------- 20ms C', said) });
      const connection$ = hot('                       ac', { a: alice, c: carol });
      const relayed$ = connection$.pipe(serving({ history, roomIdle: 20, logId: () => logs.shift()! }));
      expectObservable(relayed$).toBe('               ----(JA)-(qja) 20ms (LC)', out);
      flush();
      expect(carol.writes[1]).toBe(
        'WELCOME log=first next=3 first=1 from=3 durability=os count=1 members=carol\n',
      );
    });
  });
});
