import { describe, expect, test } from '@jest/globals';
import { filter, timer } from 'rxjs';
import { LinkError } from '../../streams/wire/errors.js';
import { fakeConnection, type FakeConnection } from '../support/fakeConnection.js';
import { fakeHistory, type FakeHistoryOptions } from '../support/fakeHistory.js';
import { marbles } from '../support/marbles.js';
import { serving } from '../support/serving.js';
import { fakeHash } from '../support/people.js';
import { entryHash } from '../../streams/wire/entryHash.js';
import { encodeText } from '../../streams/wire/utf8.js';
import { bytes, happened, heard, hello, LOBBY, said, textOf, token } from '../support/wire.js';

/** Storing takes 3 ms. */
const slowly = (more?: FakeHistoryOptions) => fakeHistory({ delay: () => timer(3), ...more });

const out = {
  ...happened,
  r: 'alice left: reset by peer',
  e: 'alice left: the connection ended',
  q: 'alice left: bye',
  R: 'alice returned',
  p: 'alice pinged',
  F: 'not-stored: Error: the store is full',
  U: 'not-stored: Error: the store cannot be read',
  S: 'alice refused: storage',
};
const lines = { ...heard, S: 'ERR storage the relay cannot store anything now', 2: 'PONG 1' };

const back = (n: number) => ({ ...said, R: bytes(hello('alice', { after: { log: 'log', n } })) });
const linesOf = ({ writes }: FakeConnection): string[] =>
  textOf(bytes(...writes.join('').split('\n').slice(0, -1)));
const welcomeOf = ({ writes }: FakeConnection): string | undefined => writes[1]?.replace('\n', '');
const reset = new LinkError('reset by peer');

describe('a relay with a history', () => {
  test('lets everyone hear what is said once it is stored, and not before', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const history = slowly();
      const alice = fakeConnection({ chunk$: hot('    ---A----x---y----', said) });
      const bob = fakeConnection({ chunk$: hot('      ----------------B--', said) });
      const connection$ = hot('                       ab', { a: alice, b: bob });
      const drawing = '                               ------(JA)-x---y---(KB)';
      expectObservable(connection$.pipe(serving({ history }))).toBe(drawing, out);
      expectObservable(alice.line$).toBe('            N-----(WA)-x---y---B', heard);
      expectObservable(bob.line$).toBe('              -N-----------------(WB)', heard);
      flush();
      expect(history.lines(LOBBY)).toStrictEqual(['+alice', token('x'), token('y'), '+bob']);
      expect(welcomeOf(bob)).toBe(
        'WELCOME log=log next=4 first=1 from=4 durability=os count=2 members=alice,bob',
      );
    });
  });

  test('answers a PING behind a line only once that is stored', () => {
    marbles(({ hot, expectObservable }) => {
      const alice = fakeConnection({
        chunk$: hot('    ---A------m', { ...said, m: bytes(token('x'), 'PING 7') }),
      });
      const connection$ = hot('                       a', { a: alice });
      expectObservable(connection$.pipe(serving({ history: slowly() }))).toBe('------(JA)---(xp)', out);
      // The number is what was written to her by then.
      expectObservable(alice.line$).toBe('            N-----(WA)---(2x)', lines);
    });
  });

  test('that stops gives everyone what was accepted once it is stored, then BYE', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const history = slowly();
      const stop$ = hot('                             ------------s');
      const alice = fakeConnection({ chunk$: hot('    ---A------xy-x', said) });
      const bob = fakeConnection({ chunk$: hot('      -----------B-', said) });
      const connection$ = hot('                       ab', { a: alice, b: bob });
      const drawing = '                               ------(JA)---x--(xKB|)';
      expectObservable(connection$.pipe(serving({ history, stop$ }))).toBe(drawing, out);
      expectObservable(alice.line$).toBe('            N-----(WA)---x--(yBQ|)', heard);
      expectObservable(bob.line$).toBe('              -N--------------(WBQ|)', heard);
      flush();
      expect(history.lines(LOBBY)).toStrictEqual(['+alice', token('x'), token('y'), '+bob']);
    });
  });

  test('that stops while the store fails sees everyone off all the same', () => {
    marbles(({ hot, expectObservable, flush }) => {
      let attempts = 0;
      const history = slowly({ failing: () => (attempts += 1) > 1 });
      const stop$ = hot('                             ------------s');
      const alice = fakeConnection({ chunk$: hot('    ---A------x', said) });
      const bob = fakeConnection({ chunk$: hot('      -----------B', said) });
      const connection$ = hot('                       ab', { a: alice, b: bob });
      expectObservable(connection$.pipe(serving({ history, stop$ }))).toBe('------(JA)---(FSK|)', out);
      expectObservable(alice.line$).toBe('            N-----(WA)---(S|)', lines);
      expectObservable(bob.line$).toBe('              -N-----------(WQ|)', heard);
      flush();
      expect(history.lines(LOBBY)).toStrictEqual(['+alice']);
    });
  });

  test('gives who returns all it missed, from the store and then from memory, without seam', () => {
    marbles(({ hot, expectObservable, flush }) => {
      // Memory holds four slabs of ten lines; of these sixty the first are in the store alone.
      const ten = (from: number) => bytes(...Array.from({ length: 10 }, (_, n) => token(`${from + n}`)));
      const burst = { ...said, 1: ten(3), 2: ten(13), 3: ten(23), 4: ten(33), 5: ten(43), 6: ten(53) };
      const history = slowly({ slice: 700 });
      const one = fakeConnection({ chunk$: hot('      ---A------------#', said, reset) });
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
        serving({ history, window: 4096, grace: 5000 }),
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

  test('and after it another relay with the same history: it is one log', () => {
    const history = slowly();
    marbles(({ hot, expectObservable, flush }) => {
      const alice = fakeConnection({ chunk$: hot('    ---A------x-', said) });
      const connection$ = hot('                       a', { a: alice });
      const unsub = '                                 ------------------!';
      expectObservable(connection$.pipe(serving({ history, logId: () => 'first' })), unsub);
      flush();
      expect(linesOf(alice).slice(2)).toStrictEqual(['+alice', token('x')]);
    });
    marbles(({ hot, expectObservable, flush }) => {
      const after = { ...said, R: bytes(hello('alice', { after: { log: 'first', n: 1 } })) };
      const alice = fakeConnection({ chunk$: hot('    ---R------y-', after) });
      const connection$ = hot('                       a', { a: alice });
      const drawing = '                               ------(JA)---x';
      expectObservable(connection$.pipe(serving({ history, logId: () => 'second' }))).toBe(drawing, out);
      expectObservable(alice.line$).toBe('            N-----(WxA)--y', heard);
      flush();
      expect(welcomeOf(alice)).toBe(
        'WELCOME log=first next=3 first=1 from=2 durability=os count=1 members=alice',
      );
    });
    expect(history.lines(LOBBY)).toStrictEqual(['+alice', token('x'), '+alice', token('y')]);
  });

  // Of the entries +alice x y x y x y those from 5 on are kept.
  test.each<{ name: string; n: number; line: string; heard: string; damaged?: number }>([
    { name: 'is kept, and the same here', n: 5, line: 'y', heard: 'WxyB' },
    { name: 'is the newest, and the same here', n: 7, line: 'y', heard: 'WB' },
    { name: 'is kept, and another one here', n: 6, line: 'y', heard: 'WyxyB' },
    { name: 'is not there yet', n: 9, line: 'y', heard: 'WyxyB' },
    { name: 'went long ago, with others behind it', n: 2, line: 'x', heard: 'WgyxyB' },
    // Whether it was the same nobody can say: what came in its place may be another one, and others before it.
    { name: 'is the newest of those that went', n: 4, line: 'x', heard: 'WoyxyB' },
    { name: 'went long ago, and was another one', n: 2, line: 'y', heard: 'WgyxyB' },
    { name: 'is the newest of those that went, and was another one', n: 4, line: 'y', heard: 'WoyxyB' },
    { name: 'is damaged', n: 6, line: 'x', heard: 'WdyB', damaged: 6 },
  ])('answers who has read, as its last entry, one that $name', (test) => {
    const history = slowly();
    marbles(({ hot, expectObservable }) => {
      const alice = fakeConnection({ chunk$: hot('---A----xyxyxy', said) });
      expectObservable(hot('a', { a: alice }).pipe(serving({ history })), '40ms !');
    });
    history.forget(LOBBY, 5);
    if (test.damaged !== undefined) history.damage(LOBBY, test.damaged, test.damaged);
    const after = { log: 'log', n: test.n, hash: entryHash(fakeHash(encodeText(token(test.line)))) };
    marbles(({ hot, expectObservable }) => {
      const bob = fakeConnection({ chunk$: hot('      ---B', { B: bytes(hello('bob', { after })) }) });
      expectObservable(hot('b', { b: bob }).pipe(serving({ history, hash: fakeHash }))).toBe(
        '------(KB)',
        out,
      );
      const told = { ...heard, g: 'GAP 3 4', o: 'GAP 4 4', d: 'GAP 6 6' };
      expectObservable(bob.line$).toBe(`N-----(${test.heard})`, told);
    });
  });

  // A restored log has grown past her position, with the same announcements as before at the same places.
  test.each([
    { name: 'the same', line: 'x', heard: 'WxB' },
    { name: 'another one', line: 'y', heard: 'WAxaAxB' },
    { name: 'no longer kept', line: 'y', heard: 'WxB', forget: 3 },
  ])(
    'answers who has read an announcement as its last entry, and before it a token that is $name',
    (test) => {
      const history = slowly();
      marbles(({ hot, expectObservable }) => {
        const [one, two] = ['---A-----x---q', '-------------------A----x'].map((chunks) =>
          fakeConnection({ chunk$: hot(chunks, said) }),
        );
        const connection$ = hot('a--------------b', { a: one!, b: two! });
        expectObservable(connection$.pipe(serving({ history })), '60ms !');
      });
      expect(history.lines(LOBBY)).toStrictEqual(['+alice', token('x'), '-alice', '+alice', token('x')]);
      if (test.forget !== undefined) history.forget(LOBBY, test.forget);
      const hashOf = (line: string) => entryHash(fakeHash(encodeText(line)));
      const earlier = { n: 2, hash: hashOf(token(test.line)) };
      const after = { log: 'log', n: 4, hash: hashOf('+alice'), earlier };
      marbles(({ hot, expectObservable }) => {
        const bob = fakeConnection({ chunk$: hot('      ---B', { B: bytes(hello('bob', { after })) }) });
        expectObservable(hot('b', { b: bob }).pipe(serving({ history, hash: fakeHash })));
        expectObservable(bob.line$).toBe(`N-----(${test.heard})`, heard);
      });
    },
  );

  test('and a hash that is none is refused, and nothing else', () => {
    marbles(({ hot, expectObservable }) => {
      const wrong = { B: bytes(`${hello('bob')} after=log/1/short`) };
      const bob = fakeConnection({ chunk$: hot('    ---B', wrong) });
      expectObservable(hot('b', { b: bob }).pipe(serving({ history: slowly() }))).toBe('---r', {
        r: 'turned-away: bad-position',
      });
      expectObservable(bob.line$).toBe('            N--(E|)', {
        ...heard,
        E: 'ERR bad-position the hash in after is not 8 bytes of an entry',
      });
    });
  });

  test('tells who reads what the store has lost a GAP in its place', () => {
    const history = slowly();
    marbles(({ hot, expectObservable }) => {
      const alice = fakeConnection({ chunk$: hot('---A----xyxy', said) });
      expectObservable(hot('a', { a: alice }).pipe(serving({ history })), '30ms !');
    });
    history.damage(LOBBY, 3, 4);
    marbles(({ hot, expectObservable }) => {
      const bob = fakeConnection({ chunk$: hot('      ---B', { B: bytes(hello('bob', { last: 9 })) }) });
      expectObservable(hot('b', { b: bob }).pipe(serving({ history }))).toBe('------(KB)', out);
      expectObservable(bob.line$).toBe('              N-----(WAxgyB)', { ...heard, g: 'GAP 3 4' });
    });
  });
});

describe('a store that fails', () => {
  test('closes who spoke with ERR storage; the others go on, and who comes back says it again', () => {
    marbles(({ hot, expectObservable, flush }) => {
      let attempts = 0;
      const history = slowly({ failing: () => (attempts += 1) === 3 });
      const one = fakeConnection({ chunk$: hot('      ---A-------------x------y', said) });
      const bob = fakeConnection({ chunk$: hot('      ----------B-----------------------------z', said) });
      const two = fakeConnection({ chunk$: hot('      ---------------------------R---x', back(2)) });
      const connection$ = hot('                       abc', { a: one, b: bob, c: two });
      const drawing = '                               ------(JA)---(KB)---(FSe)--R------x--------z';
      expectObservable(connection$.pipe(serving({ history, grace: 5000 })), '60ms !').toBe(drawing, out);
      expectObservable(one.line$).toBe('              N-----(WA)---B------(S|)', lines);
      expectObservable(bob.line$, '50ms !').toBe('    -N-----------(WB)-----------------x--------z', heard);
      expectObservable(two.line$, '50ms !').toBe('    --N------------------------W------x--------z', heard);
      flush();
      expect(history.lines(LOBBY)).toStrictEqual(['+alice', '+bob', token('x'), token('z')]);
    });
  });

  test('that cannot be read has who joins refused, until it can be read again', () => {
    marbles(({ hot, expectObservable, flush }) => {
      let opened = 0;
      const history = slowly({ unreadable: () => (opened += 1) === 1 });
      const alice = fakeConnection({ chunk$: hot('    ---A----', said) });
      const bob = fakeConnection({ chunk$: hot('      -------------B', said) });
      const connection$ = hot('                       ab', { a: alice, b: bob });
      expectObservable(alice.line$).toBe('            N--(S|)', lines);
      const drawing = '                               ---(USej)-------(KAaB)';
      expectObservable(connection$.pipe(serving({ history }))).toBe(drawing, out);
      expectObservable(bob.line$).toBe('              -N--------------(WAaB)', heard);
      flush();
      expect(history.lines(LOBBY)).toStrictEqual(['+alice', '-alice', '+bob']);
    });
  });
});
