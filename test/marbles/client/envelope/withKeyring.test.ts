import { describe, expect, test } from '@jest/globals';
import { map, type Observable, of, pipe } from 'rxjs';
import { asFernetKey, type Keyring, withKeyring } from '../../../../streams/client/envelope/cipher.js';
import { fakeKeyring } from '../../../support/fakeCipher.js';
import { marbles } from '../../../support/marbles.js';

const ring: Record<string, Keyring> = { K: fakeKeyring(1), L: fakeKeyring(2, 1) };

/** Pairs each value with the mark of its sealing key. */
const paired = (keyring$: Observable<Keyring>) =>
  pipe(
    withKeyring<string>(keyring$),
    map(([value, { seal }]) => `${value}${seal[0]}`),
  );

const pairs = { a: 'a1', b: 'b1', c: 'c1', B: 'b2', C: 'c2' };

describe('withKeyring', () => {
  test('withKeyring pairs each value with the newest keyring', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const keyring$ = hot(' K---L---', ring);
      const value$ = hot('   -a-b--c-|');
      const out = '          -a-b--C-|';
      expectObservable(value$.pipe(paired(keyring$))).toBe(out, pairs);
      expectSubscriptions(value$.subscriptions).toBe('^-------!');
      expectSubscriptions(keyring$.subscriptions).toBe('^-------!');
    });
  });

  test('withKeyring subscribes to its source after the first keyring', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const keyring$ = hot('--K-----', ring);
      const value$ = cold('   -a-b|');
      const out = '         ---a-b|';
      expectObservable(value$.pipe(paired(keyring$))).toBe(out, pairs);
      expectSubscriptions(value$.subscriptions).toBe('--^---!');
    });
  });

  test('withKeyring never begins without a keyring, and completes when the keyrings complete without one', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const value$ = cold('-a-b|');
      expectObservable(value$.pipe(paired(cold('-', ring)))).toBe('-');
      expectObservable(value$.pipe(paired(cold('--|', ring)))).toBe('--|');
      expectSubscriptions(value$.subscriptions).toBe([]);
    });
  });

  test('withKeyring keeps a fixed key after its completion', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-a-b-c|').pipe(paired(of(fakeKeyring(1))))).toBe('-a-b-c|', pairs);
      expectObservable(of('a', 'b').pipe(paired(of(fakeKeyring(1))))).toBe('(ab|)', pairs);
    });
  });

  test('withKeyring subscribes to its source once for any number of keyrings', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const keyring$ = hot('KLKLK', ring);
      const value$ = cold(' ----b|');
      expectObservable(value$.pipe(paired(keyring$))).toBe('----b|', { b: 'b1' });
      expectSubscriptions(value$.subscriptions).toBe('^----!');
    });
  });

  test('withKeyring completes with an empty source, and never with a silent one', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('|').pipe(paired(of(fakeKeyring(1))))).toBe('|');
      expectObservable(cold('-').pipe(paired(of(fakeKeyring(1))))).toBe('-');
    });
  });

  test('withKeyring errors with its source and releases the keyrings', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const keyring$ = hot('K----L', ring);
      expectObservable(cold('-a-#').pipe(paired(keyring$))).toBe('-a-#', pairs);
      expectSubscriptions(keyring$.subscriptions).toBe('^--!');
    });
  });

  test('withKeyring errors with the keyrings, before the first one and after', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const value$ = cold('-a-b-c');
      expectObservable(value$.pipe(paired(hot('-#', ring, 'lost')))).toBe('-#', {}, 'lost');
      expectObservable(value$.pipe(paired(hot('K---#', ring, 'lost')))).toBe('-a-b#', pairs, 'lost');
      expectSubscriptions(value$.subscriptions).toBe('^---!');
    });
  });

  test('unsubscribing withKeyring releases the source and the keyrings', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const keyring$ = hot('K--L---', ring);
      const value$ = hot('  -a-bbcc');
      const unsub = '       ----!';
      expectObservable(value$.pipe(paired(keyring$)), unsub).toBe('-a-B', pairs);
      expectSubscriptions(keyring$.subscriptions).toBe('           ^---!');
      expectSubscriptions(value$.subscriptions).toBe('             ^---!');
    });
  });

  test('one withKeyring operator serves two sources with keyrings of their own', () => {
    marbles(({ cold, expectObservable }) => {
      const operator = paired(cold('K--L', ring));
      expectObservable(cold('-a-bc|').pipe(operator)).toBe('-a-BC|', pairs);
      expectObservable(cold('--a--b|').pipe(operator), '--^').toBe('----a--B|', pairs);
    });
  });
});

describe('asFernetKey', () => {
  test.each([0, 16, 31, 33, 64])('asFernetKey throws a TypeError for %i bytes', (length) => {
    expect(() => asFernetKey(new Uint8Array(length))).toThrow(
      new TypeError(`a fernet key has 32 bytes, not ${length}`),
    );
  });

  test('asFernetKey returns 32 bytes as they are', () => {
    const bytes = new Uint8Array(32).fill(7);
    expect(asFernetKey(bytes)).toBe(bytes);
  });
});
