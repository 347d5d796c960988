import { describe, expect, test } from '@jest/globals';
import { timer } from 'rxjs';
import { fakeHash } from '../../support/envelopes.js';
import { fakeConnection } from '../../support/fakeConnection.js';
import { fakeHistory } from '../../support/fakeHistory.js';
import { fakeEngine } from '../../support/fakeLedger.js';
import { marbles } from '../../support/marbles.js';
import { relayFixture } from '../../support/relayFixture.js';
import { bytes, CELLAR, clientBytes, hello, LOBBY, token } from '../../support/wire.js';

const ERR = 'ERR room-not-allowed the operator of the relay deleted this room\n';
const bobInCellar = bytes(hello('bob', { room: CELLAR }));
const clients = { ...clientBytes, D: bobInCellar };
/** Storing and removing take 3 ms. */
const slowly = () => fakeHistory({ commitDelay: () => timer(3) });
const rooms = { l: LOBBY, c: CELLAR };

describe('a relay that removes a room', () => {
  test('refuses its members, announces nothing, and stores no more; other rooms stay', () => {
    marbles(({ hot, flush }) => {
      const history = slowly();
      const alice = fakeConnection({ chunk$: hot('-A---------x----y-|  ', clients) });
      const carol = fakeConnection({ chunk$: hot('------C-----------|  ', clients) });
      const bob = fakeConnection({ chunk$: hot('  --D----------------z', clients) });
      const connection$ = hot('                   (abc)', { a: alice, b: bob, c: carol });
      // While `y` waits for the store.
      const removeRoom$ = hot('                   -----------------l', rooms);
      const events: string[] = [];
      connection$.pipe(relayFixture({ history, removeRoom$ })).subscribe((event) => events.push(event));
      flush();
      expect(events).toStrictEqual([
        'alice joined',
        '+alice',
        'bob joined',
        '+bob',
        'carol joined',
        '+carol',
        'alice stored 1',
        'room-removed: 2 connections, 4 entries',
        'bob stored 1',
      ]);
      expect([history.has?.(LOBBY), history.has?.(CELLAR)]).toStrictEqual([false, true]);
      for (const { writes } of [alice, carol])
        expect(writes.slice(-2)).toStrictEqual([`${token('x')}\n`, ERR]);
      expect(bob.writes.at(-1)).toBe(`${token('z')}\n`);
    });
  });

  test('lets nobody join until the store has removed it; then the room is new', () => {
    marbles(({ hot, flush }) => {
      const history = slowly();
      const alice = fakeConnection({ chunk$: hot('-A--------|', clients) });
      const early = fakeConnection({ chunk$: hot('-------B---', clients) });
      const late = fakeConnection({ chunk$: hot(' -----------B', clients) });
      const connection$ = hot('                   (ael)', { a: alice, e: early, l: late });
      const removeRoom$ = hot('                   ------(ll)', rooms);
      const events: string[] = [];
      connection$.pipe(relayFixture({ history, removeRoom$ })).subscribe((event) => events.push(event));
      flush();
      expect(events.slice(2)).toStrictEqual([
        'room-not-removed: this room is being removed already',
        'rejected: busy',
        'room-removed: 1 connections, 1 entries',
        'bob joined',
        '+bob',
      ]);
      expect(early.writes[1]).toBe('BYE busy 1000\n');
      expect(late.writes[1]).toBe(
        'WELCOME log=log next=1 first=1 from=1 durability=os count=1 members=bob\n',
      );
      expect(history.lines(LOBBY)).toStrictEqual(['+bob']);
    });
  });

  test('counts and closes a room without a store by its members of now', () => {
    marbles(({ hot, flush }) => {
      const alice = fakeConnection({ chunk$: hot('-A--------', clients) });
      const bob = fakeConnection({ chunk$: hot('  -B-q------', clients) });
      const again = fakeConnection({ chunk$: hot('--------A-', clients) });
      const connection$ = hot('                   (abc)', { a: alice, b: bob, c: again });
      const removeRoom$ = hot('                   -----(ll)--', rooms);
      const sample$ = hot('                       ------s--s-');
      const events: string[] = [];
      connection$.pipe(relayFixture({ sample$, removeRoom$ })).subscribe((event) => events.push(event));
      flush();
      const results = events.slice(events.indexOf('room-removed: 1 connections, 0 entries'));
      expect(results.slice(0, 2)).toStrictEqual([
        'room-removed: 1 connections, 0 entries',
        'room-not-removed: the relay has no room with this name',
      ]);
      const loads = results.filter((event) => event.startsWith('{'));
      expect(loads.map((load) => /rooms:\d+,members:\d+/.exec(load)?.[0])).toStrictEqual([
        'rooms:0,members:0',
        'rooms:1,members:1',
      ]);
      expect(again.writes[1]).toMatch(/ next=1 /);
    });
  });

  const cannot = 'room-not-removed: the store of the relay cannot remove rooms';
  test.each([
    ['that it does not have', {}, 'room-not-removed: the relay has no room with this name'],
    [
      'in a store that removes none',
      { history: { ...slowly(), remove: undefined, has: () => true } },
      cannot,
    ],
    ['that other relays serve', { ledger: fakeEngine().connect('relay'), hash: fakeHash }, cannot],
  ])('does not remove a room %s', (_, options, result) => {
    marbles(({ hot, expectObservable }) => {
      const removeRoom$ = hot('                   ---l', rooms);
      const event$ = hot<never>('                 -').pipe(relayFixture({ ...options, removeRoom$ }));
      expectObservable(event$).toBe('             ---r', { r: result });
    });
  });
});
