import { describe, expect, test } from '@jest/globals';
import { filter, from, map, timer } from 'rxjs';
import { relay } from '../../../streams/relay/relay.js';
import type { Connection } from '../../../streams/wire/connection.js';
import { toBase64url } from '../../../streams/wire/encoding.js';
import { fakeConnection } from '../../support/fakeConnection.js';
import { fakeHash } from '../../support/envelopes.js';
import { fakeHistory, type FakeHistory } from '../../support/fakeHistory.js';
import { fakeEngine } from '../../support/fakeLedger.js';
import { marbles } from '../../support/marbles.js';
import { relayFixture } from '../../support/relayFixture.js';
import {
  bytes,
  relayEvents,
  relayLines,
  hello,
  LOBBY,
  nonce,
  clientBytes,
  verify,
} from '../../support/wire.js';

const out = {
  ...relayEvents,
  l: 'alice disconnected: the connection ended',
  m: 'bob disconnected: bye',
  q: 'alice disconnected: bye',
  t: 'rejected: the connection ended',
};

describe('relay', () => {
  test('serves nobody when there are no connections', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const connection$ = cold<Connection>('-');
      expectObservable(connection$.pipe(relayFixture())).toBe('-');
      expectSubscriptions(connection$.subscriptions).toBe('^');
    });
  });

  test('completes when the connections are empty', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold<Connection>('|').pipe(relayFixture())).toBe('|');
    });
  });

  test.each([
    ['without `hash`', {}, 'owner,ancestors'],
    ['with `hash`', { hash: fakeHash }, 'owner,ancestors,hash'],
  ])('advertises what it supports: %s', (_, options, features) => {
    marbles(({ hot, flush }) => {
      const alice = fakeConnection({ chunk$: hot('--') });
      hot('a', { a: alice }).pipe(relayFixture(options)).subscribe();
      flush();
      expect(alice.writes[0]).toBe(`NICK rxchat/1 nonce=${toBase64url(nonce())} features=${features}\n`);
    });
  });

  test('completes once no more connections come and the last one has ended', () => {
    marbles(({ hot, expectObservable }) => {
      const alice = fakeConnection({ chunk$: hot('    ---A------|', clientBytes) });
      const connection$ = hot('                       a------|', { a: alice });
      expectObservable(alice.line$).toBe('            N--(WA)---|', relayLines);
      expectObservable(connection$.pipe(relayFixture())).toBe('---(JA)---(l|)', out);
    });
  });

  test.each([
    ['without `hash`', {}, 'a relay with a `ledger` needs the option `hash`'],
    [
      'and a store',
      { hash: fakeHash, history: fakeHistory() },
      'a relay needs a `ledger` or a `history.store`, not both',
    ],
  ])('errors before it serves anybody if it has a ledger %s', (_, options, text) => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const connection$ = hot<Connection>('-');
      const ledger = fakeEngine().connect('relay');
      expectObservable(connection$.pipe(relayFixture({ ...options, ledger }))).toBe(
        '#',
        undefined,
        new TypeError(text),
      );
      expectSubscriptions(connection$.subscriptions).toBe([]);
    });
  });

  test('reports members and clients that did not become members', () => {
    marbles(({ hot, expectObservable }) => {
      const alice = fakeConnection({ chunk$: hot('    ---A------x', clientBytes) });
      const nobody = fakeConnection({ chunk$: hot('   --------|', clientBytes) });
      const connection$ = hot('                       an-', { a: alice, n: nobody });
      expectObservable(connection$.pipe(relayFixture())).toBe('---(JA)-t-x', out);
    });
  });

  test('reports the room whose lines the store did not accept', () => {
    marbles(({ hot, expectObservable }) => {
      const history = fakeHistory({ commitDelay: () => timer(1), failsAppend: () => true });
      const alice = fakeConnection({ chunk$: hot('    ---A', clientBytes) });
      const reported$ = hot('a', { a: alice }).pipe(
        relay({
          nonce,
          verify,
          logId: () => 'log',
          endOfTick$: timer(0),
          history: { store: history },
          timing: { heartbeatMs: Infinity },
        }),
        filter(({ type }) => type === 'not-stored'),
      );
      const reason = 'Error: the store is full';
      expectObservable(reported$).toBe('----n', { n: { type: 'not-stored', room: LOBBY, reason } });
    });
  });

  test('errors and closes everyone when the connections error', () => {
    marbles(({ hot, expectObservable }) => {
      const alice = fakeConnection({ chunk$: hot('    ---A-----', clientBytes) });
      const bob = fakeConnection({ chunk$: hot('      ---------', clientBytes) });
      const connection$ = hot('                       ab------#', { a: alice, b: bob }, 'fault');
      expectObservable(alice.line$).toBe('            N--(WA)-|', relayLines);
      expectObservable(bob.line$).toBe('              -N------(Q|)', relayLines);
      expectObservable(connection$.pipe(relayFixture())).toBe('---(JA)-#', out, 'fault');
    });
  });

  test('keeps the rooms of two uses of one operator value apart', () => {
    marbles(({ hot, expectObservable }) => {
      const operator = relayFixture();
      const one = fakeConnection({ chunk$: hot('      --A', clientBytes) });
      const two = fakeConnection({ chunk$: hot('      --------A', clientBytes) });
      expectObservable(hot('a', { a: one }).pipe(operator)).toBe('--(JA)', out);
      expectObservable(hot('a', { a: two }).pipe(operator)).toBe('--------(JA)', out);
      expectObservable(one.line$).toBe('              N-(WA)', relayLines);
      expectObservable(two.line$).toBe('              N-------(WA)', relayLines);
    });
  });
});

describe('the relay when strangers use up the joins', () => {
  test.each([
    { name: 'lost its connection', stay: '10s |', in: true },
    { name: 'was connected only briefly', stay: '9s |', in: false },
    { name: 'said BYE', stay: '10s q', in: false },
    { name: 'broke the protocol', stay: '10s ?', in: false },
  ])('admits a member that $name before them: $in', ({ stay, in: isIn }) => {
    const reported: string[] = [];
    marbles(
      ({ hot, cold }) => {
        const from = (peer: string, marbles: string) => ({
          ...fakeConnection({ chunk$: cold(marbles, clientBytes) }),
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
        // One for the member, two for strangers, and one that is reserved.
        const joinRate = { perSecond: 0.000_1, burst: 4 };
        connection$
          .pipe(
            relay({
              nonce,
              verify,
              logId: () => 'log',
              endOfTick$: timer(0),
              timing: { heartbeatMs: Infinity },
              limits: { joinRate },
            }),
          )
          .subscribe((event) => {
            if (event.type === 'joined') reported.push(event.member.connection.peer);
            if (event.type === 'rejected') reported.push(`${event.peer} ${event.reason}`);
          });
      },
      { untilMs: 60_000 },
    );
    expect(reported).toStrictEqual([
      '192.0.2.9:1',
      '192.0.2.1:1',
      '192.0.2.2:1',
      '192.0.2.3:1 busy',
      isIn ? '192.0.2.9:2' : '192.0.2.9:2 busy',
    ]);
  });
});

describe('a room that everyone has left', () => {
  test('keeps its log for a while, and is then released', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const logs = ['first', 'second'];
      const alice = fakeConnection({ chunk$: hot('    ---A----q', clientBytes) });
      const bob = fakeConnection({ chunk$: hot('      -------------B----q', clientBytes) });
      const carol = fakeConnection({ chunk$: hot('    ------------------- 20ms C', clientBytes) });
      const connection$ = hot('                       abc', { a: alice, b: bob, c: carol });
      const relayed$ = connection$.pipe(relayFixture({ roomIdleMs: 20, logId: () => logs.shift()! }));
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

  test('is kept while a quiet member is present', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const alice = fakeConnection({ chunk$: hot('    ---A----', clientBytes) });
      const bob = fakeConnection({ chunk$: hot('      ---- 60m B', clientBytes) });
      const connection$ = hot('                       ab', { a: alice, b: bob });
      const relayed$ = connection$.pipe(relayFixture({ roomIdleMs: 20, handshakeTimeoutMs: 7_200_000 }));
      expectObservable(relayed$).toBe('               ---(JA) 3599997ms (KB)', out);
      flush();
      expect(bob.writes[1]).toMatch(/^WELCOME log=log next=2 /);
    });
  });

  test('is released only after a member that was cut off has departed', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const history = fakeHistory({ commitDelay: () => timer(1) });
      const alice = fakeConnection({ chunk$: hot('    ---A----|', clientBytes) });
      const connection$ = hot('                       a', { a: alice });
      const relayed$ = connection$.pipe(relayFixture({ history, roomIdleMs: 1, reconnectGraceMs: 20 }));
      expectObservable(relayed$).toBe('               ----(JA)l 20ms (ja)', { ...out, a: '-alice' });
      flush();
      expect(history.lines(LOBBY)).toStrictEqual(['+alice', '-alice']);
    });
  });

  const visits = [
    { with: 'for an hour without a history', history: false, idle: 3_600_000 },
    { with: 'for a minute with one', history: true, idle: 60_000 },
  ];
  test.each(visits)('is kept $with by default', ({ history, idle }) => {
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
      const more = { ...(history && { history: { ...stored, open } }), logId, handshakeTimeoutMs: Infinity };
      const opened$ = from(visitors).pipe(
        relayFixture(more),
        filter((text) => text.endsWith('joined')),
        map(() => opened),
      );
      const apart = idle - 1;
      expectObservable(opened$).toBe(`a ${apart}ms a ${idle + 1}ms b|`, { a: 1, b: 2 });
      flush();
    });
  });

  test('continues the same log when it has a history', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const history = fakeHistory({ commitDelay: () => timer(1) });
      const logs = ['first', 'second'];
      const alice = fakeConnection({ chunk$: hot('    ---A----q', clientBytes) });
      const carol = fakeConnection({ chunk$: hot('    ------------- 20ms C', clientBytes) });
      const connection$ = hot('                       ac', { a: alice, c: carol });
      const relayed$ = connection$.pipe(
        relayFixture({ history, roomIdleMs: 20, logId: () => logs.shift()! }),
      );
      expectObservable(relayed$).toBe('               ----(JA)-(qja) 20ms (LC)', out);
      flush();
      expect(carol.writes[1]).toBe(
        'WELCOME log=first next=3 first=1 from=3 durability=os count=1 members=carol\n',
      );
    });
  });
});
