import { describe, expect, test } from '@jest/globals';
import { map, type Observable, of, pipe } from 'rxjs';
import { asFernetKey, type Keyring, withKeyring } from '../../streams/client/keyring.js';
import { ringOf } from '../support/fakeCipher.js';
import { marbles } from '../support/marbles.js';

const ring: Record<string, Keyring> = { K: ringOf(1), L: ringOf(2, 1) };

/** Each value with the mark of the key that it would be sealed with. */
const paired = (keyring$: Observable<Keyring>) =>
  pipe(
    withKeyring<string>(keyring$),
    map(([value, { seal }]) => `${value}${seal[0]}`),
  );

const pairs = { a: 'a1', b: 'b1', c: 'c1', B: 'b2', C: 'c2' };

describe('withKeyring', () => {
  test('pairs each value with the newest keyring', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const keyring$ = hot(' K---L---', ring);
      const value$ = hot('   -a-b--c-|');
      const out = '          -a-b--C-|';
      expectObservable(value$.pipe(paired(keyring$))).toBe(out, pairs);
      expectSubscriptions(value$.subscriptions).toBe('^-------!');
      expectSubscriptions(keyring$.subscriptions).toBe('^-------!');
    });
  });

  test('subscribes to nothing before there is a keyring, so that nothing has to wait for one', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const keyring$ = hot('--K-----', ring);
      const value$ = cold('   -a-b|');
      const out = '         ---a-b|';
      expectObservable(value$.pipe(paired(keyring$))).toBe(out, pairs);
      expectSubscriptions(value$.subscriptions).toBe('--^---!');
    });
  });

  test('never begins without a keyring, and is over when there will be none', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const value$ = cold('-a-b|');
      expectObservable(value$.pipe(paired(cold('-', ring)))).toBe('-');
      expectObservable(value$.pipe(paired(cold('--|', ring)))).toBe('--|');
      expectSubscriptions(value$.subscriptions).toBe([]);
    });
  });

  test('a fixed key is of(keyring): it outlives its completion', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-a-b-c|').pipe(paired(of(ringOf(1))))).toBe('-a-b-c|', pairs);
      expectObservable(of('a', 'b').pipe(paired(of(ringOf(1))))).toBe('(ab|)', pairs);
    });
  });

  test('the source is subscribed once, however many keyrings come', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const keyring$ = hot('KLKLK', ring);
      const value$ = cold(' ----b|');
      expectObservable(value$.pipe(paired(keyring$))).toBe('----b|', { b: 'b1' });
      expectSubscriptions(value$.subscriptions).toBe('^----!');
    });
  });

  test('completes with an empty source, and never with one that says nothing', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('|').pipe(paired(of(ringOf(1))))).toBe('|');
      expectObservable(cold('-').pipe(paired(of(ringOf(1))))).toBe('-');
    });
  });

  test('an error of the source passes, and lets go of the keyrings', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const keyring$ = hot('K----L', ring);
      expectObservable(cold('-a-#').pipe(paired(keyring$))).toBe('-a-#', pairs);
      expectSubscriptions(keyring$.subscriptions).toBe('^--!');
    });
  });

  test('an error of the keyrings passes, before the first one and after', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const value$ = cold('-a-b-c');
      expectObservable(value$.pipe(paired(hot('-#', ring, 'lost')))).toBe('-#', {}, 'lost');
      expectObservable(value$.pipe(paired(hot('K---#', ring, 'lost')))).toBe('-a-b#', pairs, 'lost');
      expectSubscriptions(value$.subscriptions).toBe('^---!');
    });
  });

  test('an endless source and endless keyrings are let go when nobody listens any more', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const keyring$ = hot('K--L---', ring);
      const value$ = hot('  -a-bbcc');
      const unsub = '       ----!';
      expectObservable(value$.pipe(paired(keyring$)), unsub).toBe('-a-B', pairs);
      expectSubscriptions(keyring$.subscriptions).toBe('           ^---!');
      expectSubscriptions(value$.subscriptions).toBe('             ^---!');
    });
  });

  test('one operator value serves two sources, each with keyrings of its own', () => {
    marbles(({ cold, expectObservable }) => {
      const operator = paired(cold('K--L', ring));
      expectObservable(cold('-a-bc|').pipe(operator)).toBe('-a-BC|', pairs);
      expectObservable(cold('--a--b|').pipe(operator), '--^').toBe('----a--B|', pairs);
    });
  });
});

describe('asFernetKey', () => {
  test.each([0, 16, 31, 33, 64])('refuses %i bytes as its caller’s fault', (length) => {
    expect(() => asFernetKey(new Uint8Array(length))).toThrow(
      new TypeError(`a fernet key has 32 bytes, not ${length}`),
    );
  });

  test('takes 32 bytes as they are', () => {
    const bytes = new Uint8Array(32).fill(7);
    expect(asFernetKey(bytes)).toBe(bytes);
  });
});
