import { describe, test } from '@jest/globals';
import { of } from 'rxjs';
import { LinkError } from '../../streams/wire/errors.js';
import { fakeConnection } from '../support/fakeConnection.js';
import { marbles } from '../support/marbles.js';
import { serving } from '../support/serving.js';
import { bytes, CELLAR, happened, heard, hello, said, sessionOf, token } from '../support/wire.js';

const out = {
  ...happened,
  R: 'alice refused: nick-taken',
  f: 'alice failed: Error: the sink broke',
  l: 'alice left: the connection ended',
  m: 'bob left: bad-line',
  t: 'turned-away: timeout',
  u: 'carol stored 1',
};

describe('who joins', () => {
  test('hears its own join, and then the room', () => {
    marbles(({ hot, expectObservable }) => {
      const alice = fakeConnection({ chunk$: hot('       --A----x', said) });
      expectObservable(alice.line$).toBe('               N-(WA)-x', heard);
      expectObservable(hot('a', { a: alice }).pipe(serving())).toBe('--(JA)-x', out);
    });
  });

  test('in mid-stream hears the room from its own join on, and the others hear all', () => {
    marbles(({ hot, expectObservable }) => {
      const alice = fakeConnection({ chunk$: hot('    ---A----x------y-', said) });
      const bob = fakeConnection({ chunk$: hot('      ----------B-----z', said) });
      const connection$ = hot('                       ab', { a: alice, b: bob });
      expectObservable(alice.line$).toBe('            N--(WA)-x-B----yz', heard);
      expectObservable(bob.line$).toBe('              -N--------(WB)-yz', heard);
      expectObservable(connection$.pipe(serving())).toBe('---(JA)-x-(KB)-yz', out);
    });
  });

  test('with a nick that is taken is told so and closed, and nobody else is', () => {
    marbles(({ hot, expectObservable }) => {
      const alice = fakeConnection({ chunk$: hot('    ---A--------------x--', said) });
      const taken = { ...said, A: bytes(hello('alice', { session: sessionOf('mallory') })) };
      const mallory = fakeConnection({ chunk$: hot('  --------A-y----------', taken) });
      const bob = fakeConnection({ chunk$: hot('      -------------B------z', said) });
      const connection$ = hot('                       amb', { a: alice, m: mallory, b: bob });
      const lines = { ...heard, E: 'ERR nick-taken the nick is taken in this room' };
      expectObservable(alice.line$).toBe('            N--(WA)------B----x-z', lines);
      expectObservable(mallory.line$).toBe('          -N------(E|)---------', lines);
      expectObservable(bob.line$).toBe('              --N----------(WB)-x-z', lines);
      expectObservable(connection$.pipe(serving())).toBe('---(JA)-R----(KB)-x-z', out);
    });
  });

  test.each([
    { begins: 'after what it has', more: { after: { log: 'log', n: 2 } }, lines: '(WyB)' },
    { begins: 'with the newest', more: { last: 2 }, lines: '(WxyB)' },
    {
      begins: 'with all that is kept, where it had another log',
      more: { after: { log: 'lost', n: 2 } },
      lines: '(WAxyB)',
    },
  ])('begins $begins', ({ more, lines }) => {
    marbles(({ hot, expectObservable }) => {
      const back = { B: bytes(hello('bob', more)) };
      const alice = fakeConnection({ chunk$: hot('    ---A----x-y', said) });
      const bob = fakeConnection({ chunk$: hot('      --------------B', back) });
      const connection$ = hot('                       ab', { a: alice, b: bob });
      expectObservable(bob.line$).toBe(`              -N------------${lines}`, heard);
      expectObservable(connection$.pipe(serving())).toBe('---(JA)-x-y---(KB)', out);
    });
  });
});

describe('who leaves', () => {
  test.each([
    { how: 'BYE', end: 'q', reason: 'bye' },
    { how: 'the end of its connection', end: '|', reason: 'the connection ended' },
    { how: 'a broken link', end: '#', reason: 'reset by peer' },
    { how: 'a control where a token is due', end: '?', reason: 'bad-line' },
  ])('by $how is announced to the others, who go on', ({ end, reason }) => {
    marbles(({ hot, expectObservable }) => {
      const reset = new LinkError('reset by peer');
      const alice = fakeConnection({ chunk$: hot('    ---A--------------x', said) });
      const bob = fakeConnection({ chunk$: hot(`      --------B----${end}`, said, reset) });
      const connection$ = hot('                       ab', { a: alice, b: bob });
      const left = { ...out, m: `bob left: ${reason}` };
      const error = { ...heard, E: 'ERR bad-line expected a token, PING, PONG or BYE' };
      expectObservable(alice.line$).toBe('            N--(WA)-B----b----x', heard);
      expectObservable(bob.line$).toBe(end === '?' ? '-N------(WB)-(E|)' : '-N------(WB)-|', error);
      expectObservable(connection$.pipe(serving())).toBe('---(JA)-(KB)-(mkb)x', left);
    });
  });

  test('by a wrong line had said the tokens before it, and not those after', () => {
    marbles(({ hot, expectObservable }) => {
      const mixed = { ...said, m: bytes(token('z'), 'GAP 1 2', token('y')) };
      const alice = fakeConnection({ chunk$: hot('    ---A---------------x', said) });
      const bob = fakeConnection({ chunk$: hot('      --------B----m------', mixed) });
      const connection$ = hot('                       ab', { a: alice, b: bob });
      expectObservable(alice.line$).toBe('            N--(WA)-B----(zb)--x', heard);
      expectObservable(connection$.pipe(serving())).toBe('---(JA)-(KB)-(zmkb)x', out);
    });
  });

  // In this order the bug shows: the failing member is the first that the line is delivered to.
  test('because it fails while a line is delivered leaves after that line, not before', () => {
    marbles(({ hot, expectObservable }) => {
      const alice = fakeConnection({ chunk$: hot('    ---A---------------', said), answers: 'yyyyy!' });
      const bob = fakeConnection({ chunk$: hot('      --------B---------z', said) });
      const carol = fakeConnection({ chunk$: hot('    -------------C-----', said) });
      const connection$ = hot('                       abc', { a: alice, b: bob, c: carol });
      const relayed$ = connection$.pipe(serving({ turn$: of(0) }));
      expectObservable(alice.line$).toBe('            N--(WA)-B----C----|', heard);
      expectObservable(bob.line$).toBe('              -N------(WB)-C----(za)', heard);
      expectObservable(carol.line$).toBe('            --N----------(WC)-(za)', heard);
      expectObservable(relayed$).toBe('               ---(JA)-(KB)-(LC)-(zflja)', out);
    });
  });
});

describe('two rooms side by side', () => {
  test('do not hear each other', () => {
    marbles(({ hot, expectObservable }) => {
      const below = { ...said, B: bytes(hello('bob', { room: CELLAR })) };
      const alice = fakeConnection({ chunk$: hot('    ---A---------x--', said) });
      const bob = fakeConnection({ chunk$: hot('      --------B------z', below) });
      const connection$ = hot('                       ab', { a: alice, b: bob });
      expectObservable(alice.line$).toBe('            N--(WA)------x--', heard);
      expectObservable(bob.line$).toBe('              -N------(WB)---z', heard);
      expectObservable(connection$.pipe(serving())).toBe('---(JA)-(KB)-x-z', out);
    });
  });
});

describe('what the chat this one descends from got wrong', () => {
  test('it deadlocked as soon as one client left: here the others go on, though it left with a full sink', () => {
    marbles(({ hot, expectObservable }) => {
      const alice = fakeConnection({ chunk$: hot('    ---A--------------|', said), answers: 'yyn' });
      const bob = fakeConnection({ chunk$: hot('      --------B--------------z--', said) });
      const carol = fakeConnection({ chunk$: hot('    -------------C-----------x', said) });
      const connection$ = hot('                       abc', { a: alice, b: bob, c: carol });
      expectObservable(alice.line$).toBe('            N--(WA)-----------|', heard);
      expectObservable(bob.line$).toBe('              -N------(WB)-C----a----z-x', heard);
      expectObservable(carol.line$).toBe('            --N----------(WC)-a----z-x', heard);
      expectObservable(connection$.pipe(serving())).toBe('---(JA)-(KB)-(LC)-(lja)z-u', out);
    });
  });

  test('it accepted nobody while one client was slow to give its nick: here that one is turned away after 10 s', () => {
    marbles(({ hot, expectObservable }) => {
      const mallory = fakeConnection({ chunk$: hot('  -', said) });
      const alice = fakeConnection({ chunk$: hot('    ---A---------x 10s            y', said) });
      const bob = fakeConnection({ chunk$: hot('      --------B----- 10s            -', said) });
      const connection$ = hot('                       mab', { m: mallory, a: alice, b: bob });
      const lines = { ...heard, E: 'ERR timeout no answer to NICK in 10000 ms' };
      expectObservable(mallory.line$).toBe('          N 9999ms                   (E|)', lines);
      expectObservable(alice.line$).toBe('            -N-(WA)-B----x 10s            y', lines);
      expectObservable(bob.line$).toBe('              --N-----(WB)-x 10s            y', lines);
      expectObservable(connection$.pipe(serving())).toBe('---(JA)-(KB)-x 9986ms t 13ms y', out);
    });
  });

  test('it lost or glued messages that TCP had split or joined: here each is heard whole and once', () => {
    marbles(({ hot, expectObservable }) => {
      const whole = bytes(hello('alice'), token('x'), token('y'), token('z'));
      const nick = bytes(hello('alice')).length;
      const cut = {
        1: whole.subarray(0, 20),
        2: whole.subarray(20, nick + 50),
        3: whole.subarray(nick + 50, nick + 250),
        4: whole.subarray(nick + 250),
      };
      const bob = fakeConnection({ chunk$: hot('      -B-------------', said) });
      const alice = fakeConnection({ chunk$: hot('    ---1-2----3---4', cut) });
      const connection$ = hot('                       ba', { a: alice, b: bob });
      expectObservable(bob.line$).toBe('              N(WB)A----(xy)z', heard);
      expectObservable(alice.line$).toBe('            -N---(WA)-(xy)z', heard);
      expectObservable(connection$.pipe(serving())).toBe('-(KB)(JA)-(xy)x', out);
    });
  });
});
