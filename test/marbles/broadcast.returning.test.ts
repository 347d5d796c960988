import { describe, test } from '@jest/globals';
import { LinkError } from '../../streams/wire/errors.js';
import { fakeConnection } from '../support/fakeConnection.js';
import { marbles } from '../support/marbles.js';
import { serving } from '../support/serving.js';
import { bytes, happened, heard, hello, said, sessionOf } from '../support/wire.js';

const reset = new LinkError('reset by peer');

const out = {
  ...happened,
  r: 'alice left: reset by peer',
  t: 'alice left: came back over another connection',
  q: 'alice left: bye',
  R: 'alice returned',
  E: 'eve joined',
  U: 'alice refused: nick-taken',
  u: 'alice quiet',
  v: 'bob quiet',
  g: 'alice left: nothing was heard for 40 ms',
  e: '+eve',
};

/** Alice again, in the same session: after what she has, and under another nick; and somebody else as alice. */
const more = {
  ...said,
  R: bytes(hello('alice', { after: { log: 'log', n: 3 } })),
  E: bytes(hello('eve', { session: sessionOf('alice') })),
  M: bytes(hello('alice', { session: sessionOf('mallory') })),
};
const lines = { ...heard, E: '+eve', U: 'ERR nick-taken the nick is taken in this room' };

describe('who is cut off', () => {
  test('and comes back in time is missed by nobody, and reads on where it was', () => {
    marbles(({ hot, expectObservable }) => {
      const one = fakeConnection({ chunk$: hot('      ---A---------x---#', said, reset) });
      const bob = fakeConnection({ chunk$: hot('      --------B-----------zz', said) });
      const two = fakeConnection({ chunk$: hot('      -------------------------R-----y', more) });
      const connection$ = hot('                       ab------------------c', { a: one, b: bob, c: two });
      const drawing = '                               ---(JA)-(KB)-x---r--zz---R-----x';
      expectObservable(connection$.pipe(serving({ grace: 9 }))).toBe(drawing, out);
      expectObservable(one.line$).toBe('              N--(WA)-B----x---|', heard);
      expectObservable(bob.line$).toBe('              -N------(WB)-x------zz---------y', heard);
      expectObservable(two.line$).toBe('              --------------------N----(Wzz)-y', heard);
    });
  });

  test('and does not come back in time is announced as gone, and comes anew', () => {
    marbles(({ hot, expectObservable }) => {
      const one = fakeConnection({ chunk$: hot('      ---A---------x---#', said, reset) });
      const bob = fakeConnection({ chunk$: hot('      --------B---------', said) });
      const two = fakeConnection({ chunk$: hot('      -------------------------------R', more) });
      const connection$ = hot('                       ab------------------c', { a: one, b: bob, c: two });
      const drawing = '                               ---(JA)-(KB)-x---r--------(ja)-(JA)';
      expectObservable(connection$.pipe(serving({ grace: 9 }))).toBe(drawing, out);
      expectObservable(bob.line$).toBe('              -N------(WB)-x------------a----A', heard);
      expectObservable(two.line$).toBe('              --------------------N----------(WaA)', heard);
    });
  });

  test('is announced as gone at once when another one takes its nick, and then finds it taken', () => {
    marbles(({ hot, expectObservable }) => {
      const one = fakeConnection({ chunk$: hot('      ---A-------------#', said, reset) });
      const bob = fakeConnection({ chunk$: hot('      --------B---------', said) });
      const other = fakeConnection({ chunk$: hot('    --------------------M', more) });
      const two = fakeConnection({ chunk$: hot('      ---------------------------R', more) });
      const connection$ = hot('                       abcd', { a: one, b: bob, c: other, d: two });
      const drawing = '                               ---(JA)-(KB)-----r--(jJaA)-U';
      expectObservable(connection$.pipe(serving({ grace: 9 }))).toBe(drawing, out);
      expectObservable(bob.line$).toBe('              -N------(WB)--------(aA)', heard);
      expectObservable(two.line$).toBe('              ---N-----------------------(U|)', lines);
    });
  });

  test('has gone at once when it said so', () => {
    marbles(({ hot, expectObservable }) => {
      const one = fakeConnection({ chunk$: hot('      ---A-------------q', said) });
      const bob = fakeConnection({ chunk$: hot('      --------B---------', said) });
      const connection$ = hot('                       ab', { a: one, b: bob });
      const drawing = '                               ---(JA)-(KB)-----(qja)';
      expectObservable(connection$.pipe(serving({ grace: 9 }))).toBe(drawing, out);
      expectObservable(bob.line$).toBe('              -N------(WB)-----a', heard);
    });
  });
});

describe('who joins again while its old connection is still there', () => {
  test('takes over: the old one is closed and says nothing more, and nobody else notices', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const old$ = hot('                              ---A---------x--------y', said);
      const one = fakeConnection({ chunk$: old$ });
      const bob = fakeConnection({ chunk$: hot('      --------B-----------------z', said) });
      const two = fakeConnection({ chunk$: hot('      -----------------R-------y', more) });
      const connection$ = hot('                       ab-------------c', { a: one, b: bob, c: two });
      const drawing = '                               ---(JA)-(KB)-x---(tR)----xz';
      expectObservable(connection$.pipe(serving())).toBe(drawing, out);
      expectObservable(one.line$).toBe('              N--(WA)-B----x---|', heard);
      expectObservable(bob.line$).toBe('              -N------(WB)-x-----------yz', heard);
      expectObservable(two.line$).toBe('              ---------------N-W-------yz', heard);
      expectSubscriptions(old$.subscriptions).toBe('  ^----------------!');
    });
  });

  test('takes over though the old one is full: what that did not take, it reads', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const writable$ = hot('                         --------------------------------w');
      const old = { chunk$: hot('                     ---A---------', said), writable$, answers: 'yyyn' };
      const one = fakeConnection(old);
      const bob = fakeConnection({ chunk$: hot('      --------B----z--z', said) });
      const back = { ...more, R: bytes(hello('alice', { after: { log: 'log', n: 1 } })) };
      const two = fakeConnection({ chunk$: hot('      --------------------R', back) });
      const connection$ = hot('                       ab-------------c', { a: one, b: bob, c: two });
      const drawing = '                               ---(JA)-(KB)-z--z---(tR)';
      expectObservable(connection$.pipe(serving())).toBe(drawing, out);
      expectObservable(one.line$).toBe('              N--(WA)-B-----------|', heard);
      expectObservable(two.line$).toBe('              ---------------N----(WBzz)', heard);
      expectSubscriptions(writable$.subscriptions).toBe('--------^-----------!');
    });
  });

  test('under another nick has gone under the old one', () => {
    marbles(({ hot, expectObservable }) => {
      const one = fakeConnection({ chunk$: hot('      ---A---------', said) });
      const bob = fakeConnection({ chunk$: hot('      --------B----', said) });
      const two = fakeConnection({ chunk$: hot('      --------------E', more) });
      const connection$ = hot('                       abc', { a: one, b: bob, c: two });
      const drawing = '                               ---(JA)-(KB)--(tjEae)';
      expectObservable(connection$.pipe(serving())).toBe(drawing, out);
      expectObservable(one.line$).toBe('              N--(WA)-B-----|', heard);
      expectObservable(bob.line$).toBe('              -N------(WB)--(aE)', lines);
      expectObservable(two.line$).toBe('              --N-----------(WaE)', lines);
    });
  });
});

describe('who is silent', () => {
  test('is asked, and is gone if it does not answer; who answers stays', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const alices$ = hot('                           ---A', said);
      const alice = fakeConnection({ chunk$: alices$ });
      const bobs$ = hot('                             --------B----------------------o', {
        ...said,
        o: bytes('PONG 2'),
      });
      const bob = fakeConnection({ chunk$: bobs$ });
      const connection$ = hot('                       ab', { a: alice, b: bob });
      const unsub = '                                 41ms                                     !';
      // The ticks are everybody's: at 10, 20, 30, 40.
      const drawing = '                               ---(JA)-(KB)--------(uv)----------------(gja)';
      expectObservable(connection$.pipe(serving({ heartbeat: 20 })), unsub).toBe(drawing, out);
      const asked = { ...heard, p: 'PING 2' };
      expectObservable(alice.line$).toBe('            N--(WA)-B-----------p-------------------|', asked);
      expectObservable(bob.line$).toBe('              -N------(WB)--------p-------------------a|', asked);
      expectSubscriptions(alices$.subscriptions).toBe('^---------------------------------------!');
    });
  });
});
