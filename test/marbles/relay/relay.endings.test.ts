import { describe, expect, test } from '@jest/globals';
import { asyncScheduler, defer, throwError, timer } from 'rxjs';
import { fakeConnection } from '../../support/fakeConnection.js';
import { marbles } from '../../support/marbles.js';
import { relayFixture } from '../../support/relayFixture.js';
import { bytes, CELLAR, relayEvents, relayLines, hello, clientBytes } from '../../support/wire.js';

const out = { ...relayEvents, q: 'alice disconnected: bye', t: 'rejected: Error: the sink broke' };

describe('unsubscribing from the relay', () => {
  test('closes every connection and releases everything it waits for', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions, flush }) => {
      const tick$ = cold('                                 --t');
      const writable$ = hot('                              ----------');
      const alices$ = hot('                                ---A----x-', clientBytes);
      const bobs$ = hot('                                  ----------', clientBytes);
      const alice = fakeConnection({ chunk$: alices$, writable$, writeResults: 'yyn' });
      const bob = fakeConnection({ chunk$: bobs$ });
      const connection$ = hot('                            ab--------', { a: alice, b: bob });
      const unsub = '                                      ---------!';
      expectObservable(connection$.pipe(relayFixture({ endOfTick$: tick$ })), unsub).toBe('-----(JA)', out);
      expectObservable(alice.line$).toBe('                 N----(WA)|', relayLines);
      expectObservable(bob.line$).toBe('                   -N-------(Q|)', relayLines);
      expectSubscriptions(connection$.subscriptions).toBe('^--------!');
      expectSubscriptions(alices$.subscriptions).toBe('    ^--------!');
      expectSubscriptions(bobs$.subscriptions).toBe('      -^-------!');
      expectSubscriptions(writable$.subscriptions).toBe('  -----^---!');
      expectSubscriptions(tick$.subscriptions).toBe(['     ---^-!', '--------^!']);
      flush();
      expect(asyncScheduler.now()).toBeLessThan(1000);
    });
  });

  test('closes a member that has joined but has no WELCOME yet', () => {
    marbles(({ hot, cold, expectObservable }) => {
      const tick$ = cold('                                 ----t');
      const alice = fakeConnection({ chunk$: hot('         ---A', clientBytes) });
      const connection$ = hot('                            a--------', { a: alice });
      const unsub = '                                      -----!';
      expectObservable(connection$.pipe(relayFixture({ endOfTick$: tick$ })), unsub).toBe('-----');
      expectObservable(alice.line$).toBe('                 N----|', relayLines);
    });
  });

  test('leaves no timer of a member whose connection broke', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const alice = fakeConnection({ chunk$: hot('  ---A----|', clientBytes) });
      const bob = fakeConnection({ chunk$: hot('    -----------B--', clientBytes) });
      const connection$ = hot('                     ab', { a: alice, b: bob });
      const unsub = '                               --------------!';
      const relayed$ = connection$.pipe(relayFixture({ reconnectGraceMs: 5000, heartbeatMs: 60_000 }));
      expectObservable(relayed$, unsub).toBe('      ---(JA)-e--(KB)', {
        ...out,
        e: 'alice disconnected: the connection ended',
      });
      flush();
      expect(asyncScheduler.now()).toBeLessThan(1000);
    });
  });

  test('leaves no timer of a room that everyone has left', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const alice = fakeConnection({ chunk$: hot('  ---A----q', clientBytes) });
      const connection$ = hot('                     a', { a: alice });
      const unsub = '                               --------------!';
      expectObservable(connection$.pipe(relayFixture()), unsub).toBe('---(JA)-(qja)', out);
      flush();
      expect(asyncScheduler.now()).toBeLessThan(1000);
    });
  });
});

describe('a relay that stops', () => {
  test('delivers everything accepted, sends BYE, closes everyone and completes', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const tick$ = cold('                            --t');
      const stop$ = hot('                             ---------s');
      const alices$ = hot('                           ---A----x---y', clientBytes);
      const alice = fakeConnection({ chunk$: alices$ });
      const bob = fakeConnection();
      const carol = fakeConnection();
      const connection$ = hot('                       ab----------c', { a: alice, b: bob, c: carol });
      const relayed$ = connection$.pipe(relayFixture({ endOfTick$: tick$, stop$ }));
      expectObservable(relayed$).toBe('               -----(JA)-(x|)', out);
      expectObservable(alice.line$).toBe('            N----(WA)-(xQ|)', relayLines);
      expectObservable(bob.line$).toBe('              -N-------(Q|)', relayLines);
      expectObservable(carol.line$).toBe('            -', relayLines);
      expectSubscriptions(connection$.subscriptions).toBe('^--------!');
      expectSubscriptions(alices$.subscriptions).toBe('^--------!');
    });
  });

  test('waits for slow members, and for nobody else', () => {
    marbles(({ hot, expectObservable }) => {
      const stop$ = hot('                             --------------s');
      const writable$ = hot('                         -------------------w');
      const alice = fakeConnection({
        chunk$: hot('    ---A---------x', clientBytes),
        writable$,
        writeResults: 'yyyn',
      });
      const bob = fakeConnection({ chunk$: hot('      --------B', clientBytes) });
      const connection$ = hot('                       ab', { a: alice, b: bob });
      expectObservable(connection$.pipe(relayFixture({ stop$ }))).toBe('---(JA)-(KB)-x-----|', out);
      expectObservable(alice.line$).toBe('            N--(WA)-B----------(xQ|)', relayLines);
      expectObservable(bob.line$).toBe('              -N------(WB)-x(Q|)', relayLines);
    });
  });

  test('completes at once without a timer when nobody is connected', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const stop$ = hot('                           --------------s');
      const alice = fakeConnection({ chunk$: hot('  ---A----q', clientBytes) });
      const connection$ = hot('                     a', { a: alice });
      expectObservable(connection$.pipe(relayFixture({ stop$ }))).toBe('---(JA)-(qja)-|', out);
      flush();
      expect(asyncScheduler.now()).toBeLessThan(1000);
    });
  });
});

describe('a room that fails', () => {
  test('closes its members, affects no other room, and restarts with another log', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const logs = ['first', 'cellar', 'second'];
      let ticks = 0;
      const tick$ = defer(() => (++ticks === 3 ? throwError(() => new Error('no turn')) : timer(0)));
      const below = { ...clientBytes, B: bytes(hello('bob', { room: CELLAR })) };
      const alice = fakeConnection({ chunk$: hot('    ---A---------x-y', clientBytes) });
      const bob = fakeConnection({ chunk$: hot('      --------B---------z', below) });
      const carol = fakeConnection({ chunk$: hot('    -----------------------C----x', clientBytes) });
      const connection$ = hot('                       abc', { a: alice, b: bob, c: carol });
      const relayed$ = connection$.pipe(relayFixture({ endOfTick$: tick$, logId: () => logs.shift()! }));
      const reported = { ...out, F: 'room-failed: Error: no turn', u: 'carol stored 1' };
      expectObservable(alice.line$).toBe('            N--(WA)------|', relayLines);
      expectObservable(bob.line$).toBe('              -N------(WB)------z', relayLines);
      expectObservable(carol.line$).toBe('            --N--------------------(WC)-x', relayLines);
      expectObservable(relayed$).toBe('               ---(JA)-(KB)-F----z----(LC)-u', reported);
      flush();
      expect([alice, bob, carol].map(({ writes }) => writes[1])).toStrictEqual([
        'WELCOME log=first next=1 first=1 from=1 durability=memory count=1 members=alice\n',
        'WELCOME log=cellar next=1 first=1 from=1 durability=memory count=1 members=bob\n',
        'WELCOME log=second next=1 first=1 from=1 durability=memory count=1 members=carol\n',
      ]);
    });
  });

  test('closes the newcomer once when it fails at its start, and admits the next', () => {
    marbles(({ hot, expectObservable }) => {
      let ticks = 0;
      const tick$ = defer(() => {
        if (++ticks === 1) throw new Error('no turn');
        return timer(0);
      });
      const alice = fakeConnection({ chunk$: hot('    ---A', clientBytes) });
      const bob = fakeConnection({ chunk$: hot('      --------B', clientBytes) });
      const connection$ = hot('                       ab', { a: alice, b: bob });
      const reported = { ...out, F: 'room-failed: Error: no turn' };
      expectObservable(alice.line$).toBe('            N--|', relayLines);
      expectObservable(bob.line$).toBe('              -N------(WB)', relayLines);
      expectObservable(connection$.pipe(relayFixture({ endOfTick$: tick$ }))).toBe('---F----(KB)', reported);
    });
  });
});

describe('a connection that cannot be written to', () => {
  test('is rejected without effect on others', () => {
    marbles(({ hot, expectObservable }) => {
      const mallory = fakeConnection({ writeResults: '!' });
      const alice = fakeConnection({ chunk$: hot('    ---A----x', clientBytes) });
      const connection$ = hot('                       ma', { m: mallory, a: alice });
      expectObservable(mallory.line$).toBe('          |');
      expectObservable(alice.line$).toBe('            -N-(WA)-x', relayLines);
      expectObservable(connection$.pipe(relayFixture())).toBe('t--(JA)-x', out);
    });
  });
});
