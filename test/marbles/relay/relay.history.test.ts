import { describe, expect, test } from '@jest/globals';
import { filter, timer } from 'rxjs';
import { ConnectionError } from '../../../streams/wire/errors.js';
import { fakeConnection, type FakeConnection } from '../../support/fakeConnection.js';
import { fakeHistory, type FakeHistoryOptions } from '../../support/fakeHistory.js';
import { marbles } from '../../support/marbles.js';
import { relayFixture } from '../../support/relayFixture.js';
import { fakeHash } from '../../support/envelopes.js';
import { entryHash } from '../../../streams/wire/fields.js';
import { encodeText } from '../../../streams/wire/encoding.js';
import {
  bytes,
  relayEvents,
  relayLines,
  hello,
  LOBBY,
  clientBytes,
  splitLines,
  token,
} from '../../support/wire.js';

/** Storing takes 3 ms. */
const slowly = (more?: FakeHistoryOptions) => fakeHistory({ commitDelay: () => timer(3), ...more });

const out = {
  ...relayEvents,
  r: 'alice disconnected: reset by peer',
  e: 'alice disconnected: the connection ended',
  q: 'alice disconnected: bye',
  R: 'alice resumed',
  p: 'alice pinged',
  F: 'not-stored: Error: the store is full',
  U: 'not-stored: Error: the store cannot be read',
  S: 'alice refused: storage',
};
const lines = { ...relayLines, S: 'ERR storage the relay cannot store anything now', 2: 'PONG 1' };

const back = (n: number) => ({ ...clientBytes, R: bytes(hello('alice', { after: { log: 'log', n } })) });
const linesOf = ({ writes }: FakeConnection): string[] =>
  splitLines(bytes(...writes.join('').split('\n').slice(0, -1)));
const welcomeOf = ({ writes }: FakeConnection): string | undefined => writes[1]?.replace('\n', '');
const reset = new ConnectionError('reset by peer');

describe('a relay with a history', () => {
  test('delivers a message to everyone once it is stored, and not before', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const history = slowly();
      const alice = fakeConnection({ chunk$: hot('    ---A----x---y----', clientBytes) });
      const bob = fakeConnection({ chunk$: hot('      ----------------B--', clientBytes) });
      const connection$ = hot('                       ab', { a: alice, b: bob });
      const drawing = '                               ------(JA)-x---y---(KB)';
      expectObservable(connection$.pipe(relayFixture({ history }))).toBe(drawing, out);
      expectObservable(alice.line$).toBe('            N-----(WA)-x---y---B', relayLines);
      expectObservable(bob.line$).toBe('              -N-----------------(WB)', relayLines);
      flush();
      expect(history.lines(LOBBY)).toStrictEqual(['+alice', token('x'), token('y'), '+bob']);
      expect(welcomeOf(bob)).toBe(
        'WELCOME log=log next=4 first=1 from=4 durability=os count=2 members=alice,bob',
      );
    });
  });

  test('answers a PING after a line only once that line is stored', () => {
    marbles(({ hot, expectObservable }) => {
      const alice = fakeConnection({
        chunk$: hot('    ---A------m', { ...clientBytes, m: bytes(token('x'), 'PING 7') }),
      });
      const connection$ = hot('                       a', { a: alice });
      expectObservable(connection$.pipe(relayFixture({ history: slowly() }))).toBe('------(JA)---(xp)', out);
      // The number is the last position written to her by then.
      expectObservable(alice.line$).toBe('            N-----(WA)---(2x)', lines);
    });
  });

  test('delivers everything accepted once it is stored when it stops, then sends BYE', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const history = slowly();
      const stop$ = hot('                             ------------s');
      const alice = fakeConnection({ chunk$: hot('    ---A------xy-x', clientBytes) });
      const bob = fakeConnection({ chunk$: hot('      -----------B-', clientBytes) });
      const connection$ = hot('                       ab', { a: alice, b: bob });
      const drawing = '                               ------(JA)---x--(xKB|)';
      expectObservable(connection$.pipe(relayFixture({ history, stop$ }))).toBe(drawing, out);
      expectObservable(alice.line$).toBe('            N-----(WA)---x--(yBQ|)', relayLines);
      expectObservable(bob.line$).toBe('              -N--------------(WBQ|)', relayLines);
      flush();
      expect(history.lines(LOBBY)).toStrictEqual(['+alice', token('x'), token('y'), '+bob']);
    });
  });

  test('sends BYE to everyone when it stops while the store fails', () => {
    marbles(({ hot, expectObservable, flush }) => {
      let attempts = 0;
      const history = slowly({ failsAppend: () => (attempts += 1) > 1 });
      const stop$ = hot('                             ------------s');
      const alice = fakeConnection({ chunk$: hot('    ---A------x', clientBytes) });
      const bob = fakeConnection({ chunk$: hot('      -----------B', clientBytes) });
      const connection$ = hot('                       ab', { a: alice, b: bob });
      expectObservable(connection$.pipe(relayFixture({ history, stop$ }))).toBe('------(JA)---(FSK|)', out);
      expectObservable(alice.line$).toBe('            N-----(WA)---(S|)', lines);
      expectObservable(bob.line$).toBe('              -N-----------(WQ|)', relayLines);
      flush();
      expect(history.lines(LOBBY)).toStrictEqual(['+alice']);
    });
  });

  test('delivers to a returning member all that it missed, from the store and then from memory', () => {
    marbles(({ hot, expectObservable, flush }) => {
      // Memory holds four slabs of ten lines; the first of these sixty are only in the store.
      const ten = (from: number) => bytes(...Array.from({ length: 10 }, (_, n) => token(`${from + n}`)));
      const burst = { ...clientBytes, 1: ten(3), 2: ten(13), 3: ten(23), 4: ten(33), 5: ten(43), 6: ten(53) };
      const history = slowly({ maxReadBytes: 700 });
      const one = fakeConnection({ chunk$: hot('      ---A------------#', clientBytes, reset) });
      const bob = fakeConnection({
        chunk$: hot('      ---------B--------1---2---3---4---5---6----------x', burst),
      });
      const two = fakeConnection({
        chunk$: hot('      ------------------------------------------R', back(1)),
      });
      const connection$ = hot('                       ab----------------------------c', {
        a: one,
        b: bob,
        c: two,
      });
      const relayed$ = connection$.pipe(
        relayFixture({ history, windowBytes: 4096, reconnectGraceMs: 5000 }),
        filter((text) => /alice/.test(text)),
      );
      expectObservable(relayed$, '60ms !').toBe('     ------(JA)------r-------------------------R', out);
      flush();
      const all = Array.from({ length: 60 }, (_, n) => token(`${3 + n}`));
      expect(welcomeOf(two)).toBe(
        'WELCOME log=log next=63 first=1 from=2 durability=os count=2 members=alice,bob',
      );
      expect(linesOf(two).slice(2)).toStrictEqual(['+bob', ...all, token('x')]);
      expect(history.lines(LOBBY)).toStrictEqual(['+alice', '+bob', ...all, token('x')]);
    });
  });

  test('continues the same log as an earlier relay with the same history', () => {
    const history = slowly();
    marbles(({ hot, expectObservable, flush }) => {
      const alice = fakeConnection({ chunk$: hot('    ---A------x-', clientBytes) });
      const connection$ = hot('                       a', { a: alice });
      const unsub = '                                 ------------------!';
      expectObservable(connection$.pipe(relayFixture({ history, logId: () => 'first' })), unsub);
      flush();
      expect(linesOf(alice).slice(2)).toStrictEqual(['+alice', token('x')]);
    });
    marbles(({ hot, expectObservable, flush }) => {
      const after = { ...clientBytes, R: bytes(hello('alice', { after: { log: 'first', n: 1 } })) };
      const alice = fakeConnection({ chunk$: hot('    ---R------y-', after) });
      const connection$ = hot('                       a', { a: alice });
      const drawing = '                               ------(JA)---x';
      expectObservable(connection$.pipe(relayFixture({ history, logId: () => 'second' }))).toBe(drawing, out);
      expectObservable(alice.line$).toBe('            N-----(WxA)--y', relayLines);
      flush();
      expect(welcomeOf(alice)).toBe(
        'WELCOME log=first next=3 first=1 from=2 durability=os count=1 members=alice',
      );
    });
    expect(history.lines(LOBBY)).toStrictEqual(['+alice', token('x'), '+alice', token('y')]);
  });

  // The log was +alice x y x y x y, of which the entries from 5 on are retained.
  test.each<{ name: string; n: number; line: string; received: string; damaged?: number }>([
    { name: 'is kept and matches', n: 5, line: 'y', received: 'WxyB' },
    { name: 'is the newest and matches', n: 7, line: 'y', received: 'WB' },
    { name: 'is kept and differs', n: 6, line: 'y', received: 'WyxyB' },
    { name: 'does not exist yet', n: 9, line: 'y', received: 'WyxyB' },
    { name: 'was dropped long ago, with later ones', n: 2, line: 'x', received: 'WgyxyB' },
    // Nobody can tell whether it was the same: its replacement may differ, and so may earlier entries.
    { name: 'is the newest of the dropped ones', n: 4, line: 'x', received: 'WoyxyB' },
    { name: 'was dropped long ago and differed', n: 2, line: 'y', received: 'WgyxyB' },
    { name: 'is the newest of the dropped ones and differed', n: 4, line: 'y', received: 'WoyxyB' },
    { name: 'is damaged', n: 6, line: 'x', received: 'WdyB', damaged: 6 },
  ])('answers a member whose last read entry is one that $name', (test) => {
    const history = slowly();
    marbles(({ hot, expectObservable }) => {
      const alice = fakeConnection({ chunk$: hot('---A----xyxyxy', clientBytes) });
      expectObservable(hot('a', { a: alice }).pipe(relayFixture({ history })), '40ms !');
    });
    history.dropBefore(LOBBY, 5);
    if (test.damaged !== undefined) history.damage(LOBBY, test.damaged, test.damaged);
    const after = { log: 'log', n: test.n, hash: entryHash(fakeHash(encodeText(token(test.line)))) };
    marbles(({ hot, expectObservable }) => {
      const bob = fakeConnection({ chunk$: hot('      ---B', { B: bytes(hello('bob', { after })) }) });
      expectObservable(hot('b', { b: bob }).pipe(relayFixture({ history, hash: fakeHash }))).toBe(
        '------(KB)',
        out,
      );
      const reported = { ...relayLines, g: 'GAP 3 4', o: 'GAP 4 4', d: 'GAP 6 6' };
      expectObservable(bob.line$).toBe(`N-----(${test.received})`, reported);
    });
  });

  // A restored log has grown past her position, with the same announcements at the same positions.
  test.each([
    { name: 'the same', line: 'x', received: 'WxB' },
    { name: 'another one', line: 'y', received: 'WAxaAxB' },
    { name: 'no longer kept', line: 'y', received: 'WxB', forget: 3 },
  ])('answers a member whose last entry is an announcement, after a token that is $name', (test) => {
    const history = slowly();
    marbles(({ hot, expectObservable }) => {
      const [one, two] = ['---A-----x---q', '-------------------A----x'].map((chunks) =>
        fakeConnection({ chunk$: hot(chunks, clientBytes) }),
      );
      const connection$ = hot('a--------------b', { a: one!, b: two! });
      expectObservable(connection$.pipe(relayFixture({ history })), '60ms !');
    });
    expect(history.lines(LOBBY)).toStrictEqual(['+alice', token('x'), '-alice', '+alice', token('x')]);
    if (test.forget !== undefined) history.dropBefore(LOBBY, test.forget);
    const hashOf = (line: string) => entryHash(fakeHash(encodeText(line)));
    const earlier = { n: 2, hash: hashOf(token(test.line)) };
    const after = { log: 'log', n: 4, hash: hashOf('+alice'), earlier };
    marbles(({ hot, expectObservable }) => {
      const bob = fakeConnection({ chunk$: hot('      ---B', { B: bytes(hello('bob', { after })) }) });
      expectObservable(hot('b', { b: bob }).pipe(relayFixture({ history, hash: fakeHash })));
      expectObservable(bob.line$).toBe(`N-----(${test.received})`, relayLines);
    });
  });

  test('refuses a member with an invalid hash, and nobody else', () => {
    marbles(({ hot, expectObservable }) => {
      const wrong = { B: bytes(`${hello('bob')} after=log/1/short`) };
      const bob = fakeConnection({ chunk$: hot('    ---B', wrong) });
      expectObservable(hot('b', { b: bob }).pipe(relayFixture({ history: slowly() }))).toBe('---r', {
        r: 'rejected: bad-position',
      });
      expectObservable(bob.line$).toBe('            N--(E|)', {
        ...relayLines,
        E: 'ERR bad-position the hash in after is not 8 bytes of an entry',
      });
    });
  });

  test('reports a GAP to a reader in place of what the store has lost', () => {
    const history = slowly();
    marbles(({ hot, expectObservable }) => {
      const alice = fakeConnection({ chunk$: hot('---A----xyxy', clientBytes) });
      expectObservable(hot('a', { a: alice }).pipe(relayFixture({ history })), '30ms !');
    });
    history.damage(LOBBY, 3, 4);
    marbles(({ hot, expectObservable }) => {
      const bob = fakeConnection({ chunk$: hot('      ---B', { B: bytes(hello('bob', { last: 9 })) }) });
      expectObservable(hot('b', { b: bob }).pipe(relayFixture({ history }))).toBe('------(KB)', out);
      expectObservable(bob.line$).toBe('              N-----(WAxgyB)', { ...relayLines, g: 'GAP 3 4' });
    });
  });
});

describe('a relay with a store that fails', () => {
  test('closes the sender with ERR storage, serves the others, and accepts the message again when the sender returns', () => {
    marbles(({ hot, expectObservable, flush }) => {
      let attempts = 0;
      const history = slowly({ failsAppend: () => (attempts += 1) === 3 });
      const one = fakeConnection({ chunk$: hot('      ---A-------------x------y', clientBytes) });
      const bob = fakeConnection({
        chunk$: hot('      ----------B-----------------------------z', clientBytes),
      });
      const two = fakeConnection({ chunk$: hot('      ---------------------------R---x', back(2)) });
      const connection$ = hot('                       abc', { a: one, b: bob, c: two });
      const drawing = '                               ------(JA)---(KB)---(FSe)--R------x--------z';
      expectObservable(connection$.pipe(relayFixture({ history, reconnectGraceMs: 5000 })), '60ms !').toBe(
        drawing,
        out,
      );
      expectObservable(one.line$).toBe('              N-----(WA)---B------(S|)', lines);
      expectObservable(bob.line$, '50ms !').toBe(
        '    -N-----------(WB)-----------------x--------z',
        relayLines,
      );
      expectObservable(two.line$, '50ms !').toBe(
        '    --N------------------------W------x--------z',
        relayLines,
      );
      flush();
      expect(history.lines(LOBBY)).toStrictEqual(['+alice', '+bob', token('x'), token('z')]);
    });
  });

  test('refuses joins while the store cannot be read, and accepts them when it can', () => {
    marbles(({ hot, expectObservable, flush }) => {
      let opened = 0;
      const history = slowly({ failsOpen: () => (opened += 1) === 1 });
      const alice = fakeConnection({ chunk$: hot('    ---A----', clientBytes) });
      const bob = fakeConnection({ chunk$: hot('      -------------B', clientBytes) });
      const connection$ = hot('                       ab', { a: alice, b: bob });
      expectObservable(alice.line$).toBe('            N--(S|)', lines);
      const drawing = '                               ---(USej)-------(KAaB)';
      expectObservable(connection$.pipe(relayFixture({ history }))).toBe(drawing, out);
      expectObservable(bob.line$).toBe('              -N--------------(WAaB)', relayLines);
      flush();
      expect(history.lines(LOBBY)).toStrictEqual(['+alice', '-alice', '+bob']);
    });
  });
});
