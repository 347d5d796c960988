import { describe, expect, test } from '@jest/globals';
import { map } from 'rxjs';
import type { ConnectionInfo, InspectConnection } from '../../../streams/relay/index.js';
import { ProtocolError } from '../../../streams/wire/index.js';
import { fakeConnection } from '../../support/fakeConnection.js';
import { marbles } from '../../support/marbles.js';
import { relayFixture } from '../../support/relayFixture.js';
import { clientBytes, LOBBY, relayEvents, relayLines } from '../../support/wire.js';

/** Ends the connections of a nick. */
const end = (nick: string | undefined): InspectConnection => {
  const error = new ProtocolError('access-denied', 'an operator ended the connection');
  return ({ member }) => (member?.nick === nick ? error : undefined);
};

const values = {
  ...relayEvents,
  d: 'alice disconnected: access-denied',
  r: 'rejected: access-denied',
};
const lines = { ...relayLines, E: 'ERR access-denied an operator ended the connection' };

describe('a relay whose connections are inspected', () => {
  test('shows each of them: its time, what was received, and its member once it has joined', () => {
    marbles(({ hot, flush }) => {
      const alice = fakeConnection({ chunk$: hot('----A-----', clientBytes) });
      const other = fakeConnection({ chunk$: hot('----------') });
      const connection$ = hot('                   --(ao)----', { a: alice, o: other });
      const seen: ConnectionInfo[] = [];
      const record: InspectConnection = (connection) => {
        seen.push(connection);
        return undefined;
      };
      const inspect$ = hot('                      -i------i-').pipe(map(() => record));
      connection$.pipe(relayFixture({ inspect$, stop$: hot('---------s') })).subscribe();
      flush();
      expect(seen).toStrictEqual([
        {
          peer: 'fake',
          openedAt: 2,
          receivedBytes: clientBytes['A']!.length,
          member: expect.objectContaining({ nick: 'alice', room: LOBBY }) as unknown,
        },
        { peer: 'fake', openedAt: 2, receivedBytes: 0, member: undefined },
      ]);
    });
  });

  test('ends a member with an error, after what is due before; others stay', () => {
    marbles(({ hot, expectObservable }) => {
      const alice = fakeConnection({ chunk$: hot('-A-------x-----', clientBytes) });
      const bob = fakeConnection({ chunk$: hot('  -----B---------', clientBytes) });
      const connection$ = hot('                   (ab)-----------', { a: alice, b: bob });
      const inspect$ = hot('                      ----------k----', { k: end('alice') });
      const event$ = connection$.pipe(relayFixture({ inspect$ }));
      expectObservable(event$, '                  --------------!').toBe('-(JA)(KB)x(dja)', values);
      expectObservable(alice.line$).toBe('        N(WA)B---x(E|)', lines);
      expectObservable(bob.line$).toBe('          N----(WB)xa---|', lines);
    });
  });

  test('ends a client that has not joined', () => {
    marbles(({ hot, expectObservable }) => {
      const other = fakeConnection({ chunk$: hot('------') });
      const connection$ = hot('                   o-----', { o: other });
      const inspect$ = hot('                      ---k--', { k: end(undefined) });
      const event$ = connection$.pipe(relayFixture({ inspect$ }));
      expectObservable(event$, '                  -----!').toBe('---r', values);
      expectObservable(other.line$).toBe('        N--(E|)', lines);
    });
  });
});
