import { describe, expect, test } from '@jest/globals';
import { asyncScheduler, defer, throwError, timer } from 'rxjs';
import { fakeConnection } from '../support/fakeConnection.js';
import { marbles } from '../support/marbles.js';
import { serving } from '../support/serving.js';
import { bytes, CELLAR, happened, heard, hello, said } from '../support/wire.js';

const out = { ...happened, q: 'alice left: bye', t: 'turned-away: Error: the sink broke' };

describe('unsubscribing', () => {
  test('closes every connection and lets go of all that was waited for', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions, flush }) => {
      const turn$ = cold('                                 --t');
      const writable$ = hot('                              ----------');
      const alices$ = hot('                                ---A----x-', said);
      const bobs$ = hot('                                  ----------', said);
      const alice = fakeConnection({ chunk$: alices$, writable$, answers: 'yyn' });
      const bob = fakeConnection({ chunk$: bobs$ });
      const connection$ = hot('                            ab--------', { a: alice, b: bob });
      const unsub = '                                      ---------!';
      expectObservable(connection$.pipe(serving({ turn$ })), unsub).toBe('-----(JA)', out);
      expectObservable(alice.line$).toBe('                 N----(WA)|', heard);
      expectObservable(bob.line$).toBe('                   -N-------(Q|)', heard);
      expectSubscriptions(connection$.subscriptions).toBe('^--------!');
      expectSubscriptions(alices$.subscriptions).toBe('    ^--------!');
      expectSubscriptions(bobs$.subscriptions).toBe('      -^-------!');
      expectSubscriptions(writable$.subscriptions).toBe('  -----^---!');
      expectSubscriptions(turn$.subscriptions).toBe(['     ---^-!', '--------^!']);
      flush();
      expect(asyncScheduler.now()).toBeLessThan(1000);
    });
  });

  test('closes who has joined and is not welcomed yet, too', () => {
    marbles(({ hot, cold, expectObservable }) => {
      const turn$ = cold('                                 ----t');
      const alice = fakeConnection({ chunk$: hot('         ---A', said) });
      const connection$ = hot('                            a--------', { a: alice });
      const unsub = '                                      -----!';
      expectObservable(connection$.pipe(serving({ turn$ })), unsub).toBe('-----');
      expectObservable(alice.line$).toBe('                 N----|', heard);
    });
  });

  test('leaves no timer of a member whose connection broke', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const alice = fakeConnection({ chunk$: hot('  ---A----|', said) });
      const bob = fakeConnection({ chunk$: hot('    -----------B--', said) });
      const connection$ = hot('                     ab', { a: alice, b: bob });
      const unsub = '                               --------------!';
      const relayed$ = connection$.pipe(serving({ grace: 5000, heartbeat: 60_000 }));
      expectObservable(relayed$, unsub).toBe('      ---(JA)-e--(KB)', {
        ...out,
        e: 'alice left: the connection ended',
      });
      flush();
      expect(asyncScheduler.now()).toBeLessThan(1000);
    });
  });

  test('leaves no timer of a room that everyone has left', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const alice = fakeConnection({ chunk$: hot('  ---A----q', said) });
      const connection$ = hot('                     a', { a: alice });
      const unsub = '                               --------------!';
      expectObservable(connection$.pipe(serving()), unsub).toBe('---(JA)-(qja)', out);
      flush();
      expect(asyncScheduler.now()).toBeLessThan(1000);
    });
  });
});

describe('a relay that stops', () => {
  test('gives everyone what was accepted, then BYE, closes, and completes', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const turn$ = cold('                            --t');
      const stop$ = hot('                             ---------s');
      const alices$ = hot('                           ---A----x---y', said);
      const alice = fakeConnection({ chunk$: alices$ });
      const bob = fakeConnection();
      const carol = fakeConnection();
      const connection$ = hot('                       ab----------c', { a: alice, b: bob, c: carol });
      const relayed$ = connection$.pipe(serving({ turn$, stop$ }));
      expectObservable(relayed$).toBe('               -----(JA)-(x|)', out);
      expectObservable(alice.line$).toBe('            N----(WA)-(xQ|)', heard);
      expectObservable(bob.line$).toBe('              -N-------(Q|)', heard);
      expectObservable(carol.line$).toBe('            -', heard);
      expectSubscriptions(connection$.subscriptions).toBe('^--------!');
      expectSubscriptions(alices$.subscriptions).toBe('^--------!');
    });
  });

  test('waits for who is slow, and for nobody else', () => {
    marbles(({ hot, expectObservable }) => {
      const stop$ = hot('                             --------------s');
      const writable$ = hot('                         -------------------w');
      const alice = fakeConnection({ chunk$: hot('    ---A---------x', said), writable$, answers: 'yyyn' });
      const bob = fakeConnection({ chunk$: hot('      --------B', said) });
      const connection$ = hot('                       ab', { a: alice, b: bob });
      expectObservable(connection$.pipe(serving({ stop$ }))).toBe('---(JA)-(KB)-x-----|', out);
      expectObservable(alice.line$).toBe('            N--(WA)-B----------(xQ|)', heard);
      expectObservable(bob.line$).toBe('              -N------(WB)-x(Q|)', heard);
    });
  });

  test('while nobody is there completes at once, and no timer is left', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const stop$ = hot('                           --------------s');
      const alice = fakeConnection({ chunk$: hot('  ---A----q', said) });
      const connection$ = hot('                     a', { a: alice });
      expectObservable(connection$.pipe(serving({ stop$ }))).toBe('---(JA)-(qja)-|', out);
      flush();
      expect(asyncScheduler.now()).toBeLessThan(1000);
    });
  });
});

describe('a room that fails', () => {
  test('closes its members, takes no other room along, and begins anew with another log', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const logs = ['first', 'cellar', 'second'];
      let turns = 0;
      const turn$ = defer(() => (++turns === 3 ? throwError(() => new Error('no turn')) : timer(0)));
      const below = { ...said, B: bytes(hello('bob', { room: CELLAR })) };
      const alice = fakeConnection({ chunk$: hot('    ---A---------x-y', said) });
      const bob = fakeConnection({ chunk$: hot('      --------B---------z', below) });
      const carol = fakeConnection({ chunk$: hot('    -----------------------C----x', said) });
      const connection$ = hot('                       abc', { a: alice, b: bob, c: carol });
      const relayed$ = connection$.pipe(serving({ turn$, logId: () => logs.shift()! }));
      const told = { ...out, F: 'room-failed: Error: no turn', u: 'carol stored 1' };
      expectObservable(alice.line$).toBe('            N--(WA)------|', heard);
      expectObservable(bob.line$).toBe('              -N------(WB)------z', heard);
      expectObservable(carol.line$).toBe('            --N--------------------(WC)-x', heard);
      expectObservable(relayed$).toBe('               ---(JA)-(KB)-F----z----(LC)-u', told);
      flush();
      expect([alice, bob, carol].map(({ writes }) => writes[1])).toStrictEqual([
        'WELCOME log=first next=1 first=1 from=1 durability=memory count=1 members=alice\n',
        'WELCOME log=cellar next=1 first=1 from=1 durability=memory count=1 members=bob\n',
        'WELCOME log=second next=1 first=1 from=1 durability=memory count=1 members=carol\n',
      ]);
    });
  });

  test('as it begins closes who came, once, and takes the next', () => {
    marbles(({ hot, expectObservable }) => {
      let turns = 0;
      const turn$ = defer(() => {
        if (++turns === 1) throw new Error('no turn');
        return timer(0);
      });
      const alice = fakeConnection({ chunk$: hot('    ---A', said) });
      const bob = fakeConnection({ chunk$: hot('      --------B', said) });
      const connection$ = hot('                       ab', { a: alice, b: bob });
      const told = { ...out, F: 'room-failed: Error: no turn' };
      expectObservable(alice.line$).toBe('            N--|', heard);
      expectObservable(bob.line$).toBe('              -N------(WB)', heard);
      expectObservable(connection$.pipe(serving({ turn$ }))).toBe('---F----(KB)', told);
    });
  });
});

describe('a connection that cannot be written to', () => {
  test('is turned away, and nobody else notices', () => {
    marbles(({ hot, expectObservable }) => {
      const mallory = fakeConnection({ answers: '!' });
      const alice = fakeConnection({ chunk$: hot('    ---A----x', said) });
      const connection$ = hot('                       ma', { m: mallory, a: alice });
      expectObservable(mallory.line$).toBe('          |');
      expectObservable(alice.line$).toBe('            -N-(WA)-x', heard);
      expectObservable(connection$.pipe(serving())).toBe('t--(JA)-x', out);
    });
  });
});
