import { describe, test } from '@jest/globals';
import { map, NEVER, type Observable, tap } from 'rxjs';
import { joinLimiter } from '../../../../streams/relay/connection/joinPolicy.js';
import {
  type LimitConnectionsOptions,
  limitConnections,
} from '../../../../streams/relay/connection/connectionLimits.js';
import type { Connection } from '../../../../streams/wire/connection.js';
import { fakeConnection } from '../../../support/fakeConnection.js';
import { marbles } from '../../../support/marbles.js';
import { bytes, splitLines } from '../../../support/wire.js';

const from = (peer: string, connection = fakeConnection()) => ({ ...connection, peer });

/** The input of connections passes as text; a refused connection is `e`. */
const limited = (limits: LimitConnectionsOptions) => (connection$: Observable<Connection>) =>
  connection$.pipe(
    limitConnections(limits, ({ chunk$ }) => chunk$.pipe(map((chunk) => splitLines(chunk).join('')))),
    map((out) => (typeof out === 'string' ? out : 'e')),
  );

const BUSY = { E: 'ERR busy the relay has too many connections' };
const BUSY_ADDRESS = { E: 'ERR busy there are too many connections from this address' };

describe('limitConnections', () => {
  test('refuses a connection beyond the limit with a reason, does not read it, and admits the next when there is room', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const line = { x: bytes('x') };
      const one = fakeConnection({ chunk$: cold('-x--|', line) });
      const two$ = cold('-x', line);
      const two = fakeConnection({ chunk$: two$ });
      const three = fakeConnection({ chunk$: cold('-x', line) });
      const connection$ = hot('                       -1-2----3--', { 1: one, 2: two, 3: three });
      expectObservable(connection$.pipe(limited({ maxConnections: 1 }))).toBe('--xe-----x-', {
        x: 'x',
        e: 'e',
      });
      expectObservable(two.line$).toBe('              ---(E|)', BUSY);
      expectSubscriptions(two$.subscriptions).toBe([]);
    });
  });

  test('counts connections by address, and IPv6 addresses by /64', () => {
    marbles(({ hot, expectObservable }) => {
      const one = from('192.0.2.1:1');
      const two = from('192.0.2.1:2');
      const three = from('[2001:db8::1]:1');
      const four = from('[2001:db8::2]:1');
      const connection$ = hot('-1-2-3-4-', { 1: one, 2: two, 3: three, 4: four });
      expectObservable(connection$.pipe(limited({ maxConnectionsPerAddress: 1 }))).toBe('---e---e-');
      expectObservable(one.line$).toBe('         -');
      expectObservable(two.line$).toBe('         ---(E|)', BUSY_ADDRESS);
      expectObservable(three.line$).toBe('       -');
      expectObservable(four.line$).toBe('        -------(E|)', BUSY_ADDRESS);
    });
  });

  test('refuses a banned peer first, and reads nothing from it', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot<Uint8Array>('-');
      const one = from('192.0.2.1:1', fakeConnection({ chunk$ }));
      const two = from('192.0.2.2:1');
      const connection$ = hot('-1-2-', { 1: one, 2: two });
      const bans = { isPeerBanned: (peer: string) => peer.startsWith('192.0.2.1:') };
      expectObservable(connection$.pipe(limited({ maxConnections: 1, bans }))).toBe('-e---');
      expectObservable(one.line$).toBe('-(E|)', {
        E: 'ERR access-denied this address is banned from this relay',
      });
      expectObservable(two.line$).toBe('-');
      expectSubscriptions(chunk$.subscriptions).toBe([]);
    });
  });

  test('tells a newcomer when to come back while joins are suspended, and admits the next when they resume', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const two$ = hot<Uint8Array>('-');
      const [one, two, three, four] = [
        fakeConnection({ chunk$: hot('-') }),
        fakeConnection({ chunk$: two$ }),
        fakeConnection(),
        fakeConnection({ chunk$: hot('----------x', { x: bytes('x') }) }),
      ];
      // Its token is used when the first connection has answered.
      const barrier = joinLimiter({ joinRate: { perSecond: 100, burst: 1 } });
      const connection$ = hot('-1-2-3-----------4', { 1: one, 2: two, 3: three, 4: four }).pipe(
        tap((connection) => connection === two && barrier.tryTake(two.peer)),
      );
      expectObservable(connection$.pipe(limited({ limiter: barrier }))).toBe('---e-e-');
      expectObservable(one.line$).toBe('  -');
      expectObservable(two.line$).toBe('  ---(B|)', { B: 'BYE busy 10' });
      expectObservable(three.line$).toBe('-----(B|)', { B: 'BYE busy 18' });
      expectObservable(four.line$).toBe(' -');
      expectSubscriptions(two$.subscriptions).toBe([]);
    });
  });

  test('closes a refused connection when its write throws', () => {
    marbles(({ hot, expectObservable }) => {
      const broken = fakeConnection({ writeResults: '!' });
      expectObservable(hot('-1', { 1: broken }).pipe(limited({ maxConnections: 0 }))).toBe('-e');
      expectObservable(broken.line$).toBe('-|');
    });
  });

  test.each(['|', '#'])('ends with its source: %s', (end) => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot<Connection>(`--${end}`).pipe(limited({}))).toBe(`--${end}`);
    });
  });

  test('releases all connections when unsubscribed, and counts separately for each use of one operator value', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const operator = limitConnections({ maxConnections: 1 }, () => NEVER);
      const connection$ = hot('1', { 1: fakeConnection() });
      expectObservable(connection$.pipe(operator), '---!').toBe('-');
      expectObservable(connection$.pipe(operator), '---!').toBe('-');
      expectSubscriptions(connection$.subscriptions).toBe(['^--!', '^--!']);
    });
  });
});
