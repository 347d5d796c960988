import { describe, test } from '@jest/globals';
import { fakeConnection } from '../../support/fakeConnection.js';
import { marbles } from '../../support/marbles.js';
import { relayFixture } from '../../support/relayFixture.js';
import { clientBytes, relayEvents } from '../../support/wire.js';

const values = {
  ...relayEvents,
  q: 'alice disconnected: bye',
  r: 'bob disconnected: bye',
  t: 'rejected: the connection ended',
  0: '{connections:3,rooms:0,members:0,slowReaders:0,sentEntries:0,skippedEntries:0,windowBytes:0}',
  // Alice was sent +alice, +bob and x. Bob was sent +bob, and his connection takes no more.
  1: '{connections:3,rooms:1,members:2,slowReaders:1,sentEntries:4,skippedEntries:0,windowBytes:4096}',
  // Nobody was sent -bob, and the room keeps its log.
  2: '{connections:1,rooms:1,members:0,slowReaders:0,sentEntries:4,skippedEntries:0,windowBytes:4096}',
};

describe('a relay with samples', () => {
  test('emits what it holds at each of them, and completes with its connections', () => {
    marbles(({ hot, expectObservable }) => {
      const alice = fakeConnection({ chunk$: hot('     -A--------x------q', clientBytes) });
      const bob = fakeConnection({
        chunk$: hot('       -----B-----------q', clientBytes),
        writeResults: 'yyn',
      });
      const other = fakeConnection({ chunk$: hot('     ------------------------------|') });
      const connection$ = hot('                        (abo)|', { a: alice, b: bob, o: other });
      const sample$ = hot('                            0-----------1------------2-------3-');
      const event$ = connection$.pipe(relayFixture({ sample$ }));
      expectObservable(event$).toBe('                  0(JA)(KB)-x-1----(qjarkb)2----(t|)', values);
    });
  });
});
