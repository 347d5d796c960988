import { describe, test } from '@jest/globals';
import { ConnectionError } from '../../../streams/wire/errors.js';
import { fakeConnection } from '../../support/fakeConnection.js';
import { marbles } from '../../support/marbles.js';
import { relayFixture } from '../../support/relayFixture.js';
import { bytes, relayEvents, relayLines, hello, clientBytes, sessionOf } from '../../support/wire.js';

const reset = new ConnectionError('reset by peer');

const out = {
  ...relayEvents,
  r: 'alice disconnected: reset by peer',
  t: 'alice disconnected: came back over another connection',
  q: 'alice disconnected: bye',
  R: 'alice resumed',
  E: 'eve joined',
  U: 'alice refused: nick-taken',
  u: 'alice idle',
  v: 'bob idle',
  g: 'alice disconnected: the connection is silent',
  e: '+eve',
};

/** Alice again in the same session: after what she has, and under another nick; and another client as alice. */
const more = {
  ...clientBytes,
  R: bytes(hello('alice', { after: { log: 'log', n: 3 } })),
  E: bytes(hello('eve', { session: sessionOf('alice') })),
  M: bytes(hello('alice', { session: sessionOf('mallory') })),
};
const lines = { ...relayLines, E: '+eve', U: 'ERR nick-taken the nick is taken in this room' };

describe('a member of the relay that is cut off', () => {
  test('does not depart when it returns in time, and reads on where it was', () => {
    marbles(({ hot, expectObservable }) => {
      const one = fakeConnection({ chunk$: hot('      ---A---------x---#', clientBytes, reset) });
      const bob = fakeConnection({ chunk$: hot('      --------B-----------zz', clientBytes) });
      const two = fakeConnection({ chunk$: hot('      -------------------------R-----y', more) });
      const connection$ = hot('                       ab------------------c', { a: one, b: bob, c: two });
      const drawing = '                               ---(JA)-(KB)-x---r--zz---R-----x';
      expectObservable(connection$.pipe(relayFixture({ reconnectGraceMs: 9 }))).toBe(drawing, out);
      expectObservable(one.line$).toBe('              N--(WA)-B----x---|', relayLines);
      expectObservable(bob.line$).toBe('              -N------(WB)-x------zz---------y', relayLines);
      expectObservable(two.line$).toBe('              --------------------N----(Wzz)-y', relayLines);
    });
  });

  test('departs when it does not return in time, and joins again as a new member', () => {
    marbles(({ hot, expectObservable }) => {
      const one = fakeConnection({ chunk$: hot('      ---A---------x---#', clientBytes, reset) });
      const bob = fakeConnection({ chunk$: hot('      --------B---------', clientBytes) });
      const two = fakeConnection({ chunk$: hot('      -------------------------------R', more) });
      const connection$ = hot('                       ab------------------c', { a: one, b: bob, c: two });
      const drawing = '                               ---(JA)-(KB)-x---r--------(ja)-(JA)';
      expectObservable(connection$.pipe(relayFixture({ reconnectGraceMs: 9 }))).toBe(drawing, out);
      expectObservable(bob.line$).toBe('              -N------(WB)-x------------a----A', relayLines);
      expectObservable(two.line$).toBe('              --------------------N----------(WaA)', relayLines);
    });
  });

  test('departs at once when another member takes its nick, and then finds the nick in use', () => {
    marbles(({ hot, expectObservable }) => {
      const one = fakeConnection({ chunk$: hot('      ---A-------------#', clientBytes, reset) });
      const bob = fakeConnection({ chunk$: hot('      --------B---------', clientBytes) });
      const other = fakeConnection({ chunk$: hot('    --------------------M', more) });
      const two = fakeConnection({ chunk$: hot('      ---------------------------R', more) });
      const connection$ = hot('                       abcd', { a: one, b: bob, c: other, d: two });
      const drawing = '                               ---(JA)-(KB)-----r--(jJaA)-U';
      expectObservable(connection$.pipe(relayFixture({ reconnectGraceMs: 9 }))).toBe(drawing, out);
      expectObservable(bob.line$).toBe('              -N------(WB)--------(aA)', relayLines);
      expectObservable(two.line$).toBe('              ---N-----------------------(U|)', lines);
    });
  });

  test('departs at once when it said BYE', () => {
    marbles(({ hot, expectObservable }) => {
      const one = fakeConnection({ chunk$: hot('      ---A-------------q', clientBytes) });
      const bob = fakeConnection({ chunk$: hot('      --------B---------', clientBytes) });
      const connection$ = hot('                       ab', { a: one, b: bob });
      const drawing = '                               ---(JA)-(KB)-----(qja)';
      expectObservable(connection$.pipe(relayFixture({ reconnectGraceMs: 9 }))).toBe(drawing, out);
      expectObservable(bob.line$).toBe('              -N------(WB)-----a', relayLines);
    });
  });
});

describe('a member that joins again while its old connection is open', () => {
  test('replaces the old connection, which is closed and ignored, and nobody else notices', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const old$ = hot('                              ---A---------x--------y', clientBytes);
      const one = fakeConnection({ chunk$: old$ });
      const bob = fakeConnection({ chunk$: hot('      --------B-----------------z', clientBytes) });
      const two = fakeConnection({ chunk$: hot('      -----------------R-------y', more) });
      const connection$ = hot('                       ab-------------c', { a: one, b: bob, c: two });
      const drawing = '                               ---(JA)-(KB)-x---(tR)----xz';
      expectObservable(connection$.pipe(relayFixture())).toBe(drawing, out);
      expectObservable(one.line$).toBe('              N--(WA)-B----x---|', relayLines);
      expectObservable(bob.line$).toBe('              -N------(WB)-x-----------yz', relayLines);
      expectObservable(two.line$).toBe('              ---------------N-W-------yz', relayLines);
      expectSubscriptions(old$.subscriptions).toBe('  ^----------------!');
    });
  });

  test('replaces an old connection that is full, and reads what that did not take', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const writable$ = hot('                         --------------------------------w');
      const old = {
        chunk$: hot('                     ---A---------', clientBytes),
        writable$,
        writeResults: 'yyyn',
      };
      const one = fakeConnection(old);
      const bob = fakeConnection({ chunk$: hot('      --------B----z--z', clientBytes) });
      const back = { ...more, R: bytes(hello('alice', { after: { log: 'log', n: 1 } })) };
      const two = fakeConnection({ chunk$: hot('      --------------------R', back) });
      const connection$ = hot('                       ab-------------c', { a: one, b: bob, c: two });
      const drawing = '                               ---(JA)-(KB)-z--z---(tR)';
      expectObservable(connection$.pipe(relayFixture())).toBe(drawing, out);
      expectObservable(one.line$).toBe('              N--(WA)-B-----------|', relayLines);
      expectObservable(two.line$).toBe('              ---------------N----(WBzz)', relayLines);
      expectSubscriptions(writable$.subscriptions).toBe('--------^-----------!');
    });
  });

  test('departs under its old nick when it takes another', () => {
    marbles(({ hot, expectObservable }) => {
      const one = fakeConnection({ chunk$: hot('      ---A---------', clientBytes) });
      const bob = fakeConnection({ chunk$: hot('      --------B----', clientBytes) });
      const two = fakeConnection({ chunk$: hot('      --------------E', more) });
      const connection$ = hot('                       abc', { a: one, b: bob, c: two });
      const drawing = '                               ---(JA)-(KB)--(tjEae)';
      expectObservable(connection$.pipe(relayFixture())).toBe(drawing, out);
      expectObservable(one.line$).toBe('              N--(WA)-B-----|', relayLines);
      expectObservable(bob.line$).toBe('              -N------(WB)--(aE)', lines);
      expectObservable(two.line$).toBe('              --N-----------(WaE)', lines);
    });
  });
});

describe('a silent member of the relay', () => {
  test('gets a PING, departs if it does not answer, and stays if it does', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const alices$ = hot('                           ---A', clientBytes);
      const alice = fakeConnection({ chunk$: alices$ });
      const bobs$ = hot('                             --------B----------------------o', {
        ...clientBytes,
        o: bytes('PONG 2'),
      });
      const bob = fakeConnection({ chunk$: bobs$ });
      const connection$ = hot('                       ab', { a: alice, b: bob });
      const unsub = '                                 41ms                                     !';
      // All members share the ticks: at 10, 20, 30, 40.
      const drawing = '                               ---(JA)-(KB)--------(uv)----------------(gja)';
      expectObservable(connection$.pipe(relayFixture({ heartbeatMs: 20 })), unsub).toBe(drawing, out);
      const requested = { ...relayLines, p: 'PING 2' };
      expectObservable(alice.line$).toBe('            N--(WA)-B-----------p-------------------|', requested);
      expectObservable(bob.line$).toBe('              -N------(WB)--------p-------------------a|', requested);
      expectSubscriptions(alices$.subscriptions).toBe('^---------------------------------------!');
    });
  });
});
