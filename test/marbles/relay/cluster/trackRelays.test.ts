import { expect, test } from '@jest/globals';
import { NEVER, of } from 'rxjs';
import type { RelayPresence } from '../../../../streams/relay/cluster/ledger.js';
import { trackRelays } from '../../../../streams/relay/cluster/trackRelays.js';
import { marbles } from '../../../support/marbles.js';

const values: Readonly<Record<string, RelayPresence>> = {
  a: { relayId: 'a', type: 'alive' },
  A: { relayId: 'a', type: 'gone' },
  b: { relayId: 'b', type: 'alive' },
  B: { relayId: 'b', type: 'gone' },
};

test('trackRelays emits alive at the first heartbeat, and gone after 5 s of silence', () => {
  marbles(({ cold, expectObservable }) => {
    const heartbeats = cold('a 999ms a 999ms b 1s -', values);
    const expected = '       a 1999ms      b 3999ms A 999ms B';
    const presence$ = heartbeats.pipe(trackRelays({ isConnected$: of(true) }));
    expectObservable(presence$, '^ 8s !').toBe(expected, values);
  });
});

test('trackRelays emits gone at once when a relay stops', () => {
  marbles(({ cold, expectObservable }) => {
    const heartbeats = cold('a-a-A 9s A', values);
    const expected = '       a---A 9s A';
    expectObservable(heartbeats.pipe(trackRelays({ isConnected$: of(true) })), '^ 9100ms !').toBe(
      expected,
      values,
    );
  });
});

test('trackRelays emits alive again when a relay is back', () => {
  marbles(({ cold, expectObservable }) => {
    const heartbeats = cold('a 7s a--A', values);
    const expected = '       a 4999ms A 2s a--A';
    expectObservable(heartbeats.pipe(trackRelays({ isConnected$: of(true) }))).toBe(expected, values);
  });
});

test('trackRelays counts no silence without a connection, and restarts with the next connection', () => {
  marbles(({ cold, hot, expectObservable }) => {
    const heartbeats = cold('a', values);
    const isConnected = hot('t 3s f 9s t', { t: true, f: false });
    const expected = '       a 12001ms  - 4999ms A';
    const presence$ = heartbeats.pipe(trackRelays({ isConnected$: isConnected }));
    expectObservable(presence$, '^ 20s !').toBe(expected, values);
  });
});

test('trackRelays completes only with its source, and releases it', () => {
  marbles(({ cold, expectSubscriptions }) => {
    const heartbeats = cold('a---', values);
    heartbeats
      .pipe(trackRelays({ isConnected$: NEVER }))
      .subscribe()
      .unsubscribe();
    expectSubscriptions(heartbeats.subscriptions).toBe('(^!)');
  });
  expect.hasAssertions();
});
