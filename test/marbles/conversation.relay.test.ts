import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { concat, ignoreElements, map, merge, NEVER, of, tap, timer } from 'rxjs';
import type { RunHelpers } from 'rxjs/testing';
import type { Say } from '../../streams/client/seal.js';
import type { RelayOptions } from '../../streams/relay/relay.js';
import { toBase64url } from '../../streams/wire/base64url.js';
import { LinkError, RefusedError } from '../../streams/wire/errors.js';
import { memoryPair } from '../../streams/wire/memory.js';
import { ringOf } from '../support/fakeCipher.js';
import { marbles } from '../support/marbles.js';
import { serving } from '../support/serving.js';
import { inTurn, talking } from '../support/talking.js';
import { CELLAR } from '../support/wire.js';

const session = (mark: number): string => toBase64url(new Uint8Array(16).fill(mark));
const ALICE = { nick: 'alice', session: session(1), run: session(3) };
const BOB = { nick: 'bob', session: session(2), run: session(4) };

const throwReset = (): never => {
  throw new LinkError('reset');
};

/** A relay and ways to it, two for those who do not come back: a whole chat in memory and in virtual time. The relay runs until the drawing ends. */
const relayFor = ({ expectObservable }: RunHelpers, more?: Partial<RelayOptions>, end = '') => {
  const [one, first] = memoryPair();
  const [two, second] = memoryPair();
  const [three, third] = memoryPair();
  const event$ = concat(of(first, second, third), NEVER).pipe(serving(more));
  expectObservable(event$.pipe(ignoreElements()), '999ms !').toBe(end);
  return { one, two, three };
};

const say: Record<string, Say> = { x: { lines: ['x'] }, y: { lines: ['y'] }, z: { lines: ['z', 'zz'] } };

const alice = {
  W: 'welcome',
  A: '1 joined alice',
  B: '2 joined bob',
  x: 'said x',
  X: '3.0 alice (own): x',
  1: 'stored 3 x',
  z: '4.0 bob: z',
  Z: '4.1 bob: zz',
  y: 'said y',
  Y: '5.0 alice (own): y',
  2: 'stored 5 y',
  d: 'said-all',
  b: '3 left bob',
  q: 'bye',
};
const bob = {
  ...alice,
  X: '3.0 alice: x',
  s: 'said z|zz',
  z: '4.0 bob (own): z',
  Z: '4.1 bob (own): zz',
  1: 'stored 4 z|zz',
  Y: '5.0 alice: y',
};

describe('two conversations over a relay', () => {
  test('hear the same, in the same order, each from its own join on', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const { one, two } = relayFor(helpers);
      const says1$ = cold('                               20ms    x 19ms             y 9ms  |', say);
      const says2$ = cold('                                         20ms    z', say);
      const heard1 = '             (WA) 6ms B    9ms (xX1) 5ms (zZ)   6ms (yY2) 5ms d';
      const heard2 = '             10ms     (WB) 6ms X 9ms     (szZ1) 4ms Y';
      expectObservable(says1$.pipe(talking(one, ALICE)), '^    59ms !').toBe(heard1, alice);
      expectObservable(says2$.pipe(talking(two, BOB)), '  10ms ^ 49ms !').toBe(heard2, bob);
    });
  });

  test('see each other leave', () => {
    marbles((helpers) => {
      const { expectObservable } = helpers;
      const { one, two } = relayFor(helpers);
      expectObservable(NEVER.pipe(talking(one, ALICE)), '^ 30ms !').toBe('(WA) 6ms B 9ms b', alice);
      expectObservable(NEVER.pipe(talking(two, BOB)), '10ms ^ 9ms !').toBe('10ms (WB)', bob);
    });
  });

  test('one that comes later begins with the newest few, or after what it has', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const { one, two } = relayFor(helpers);
      const says$ = cold('x-y', { x: { lines: ['old'] }, y: { lines: ['new'] } });
      expectObservable(says$.pipe(talking(one, ALICE), ignoreElements()), '^ 30ms !').toBe('');
      const late$ = NEVER.pipe(talking(two, { ...BOB, last: 1 }));
      const heard = { ...bob, n: '3.0 alice: new', B: '4 joined bob' };
      expectObservable(late$, '10ms ^ 9ms !').toBe('10ms (WnB)', heard);
    });
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const { one, two } = relayFor(helpers);
      const says$ = cold('x-y', { x: { lines: ['old'] }, y: { lines: ['new'] } });
      expectObservable(says$.pipe(talking(one, ALICE), ignoreElements()), '^ 30ms !').toBe('');
      const back$ = NEVER.pipe(talking(two, { ...BOB, after: { log: 'log', n: 1 } }));
      const heard = { ...bob, o: '2.0 alice: old', n: '3.0 alice: new', B: '4 joined bob' };
      expectObservable(back$, '10ms ^ 9ms !').toBe('10ms (WonB)', heard);
    });
  });

  test('one without the key sees that something was said, and no more', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const { one, two } = relayFor(helpers);
      const says$ = cold('20ms x', say);
      expectObservable(says$.pipe(talking(one, ALICE), ignoreElements()), '^ 30ms !').toBe('');
      const stranger$ = NEVER.pipe(talking(two, { ...BOB, keyring$: of(ringOf(9)) }));
      expectObservable(stranger$, '10ms ^ 19ms !').toBe('10ms (WB) 6ms X', {
        ...bob,
        X: '3 wrong key or tampered',
      });
    });
  });

  test('two rooms hear nothing of each other', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const { one, two } = relayFor(helpers);
      const says$ = cold('20ms x', say);
      const own = { ...alice, X: '2.0 alice (own): x', 1: 'stored 2 x' };
      expectObservable(says$.pipe(talking(one, ALICE)), '^ 30ms !').toBe('(WA) 16ms (xX1)', own);
      expectObservable(NEVER.pipe(talking(two, { ...BOB, room: CELLAR })), '10ms ^ 19ms !').toBe(
        '10ms (WB)',
        {
          ...bob,
          B: '1 joined bob',
        },
      );
    });
  });

  test('a second one of the same nick is refused, and the first goes on', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const { one, two } = relayFor(helpers);
      const own = { ...alice, X: '2.0 alice (own): x', 1: 'stored 2 x' };
      const says$ = cold('20ms x', say);
      expectObservable(says$.pipe(talking(one, ALICE)), '^ 30ms !').toBe('(WA) 16ms (xX1)', own);
      const error = new RefusedError('nick-taken', 'the nick is taken in this room');
      expectObservable(NEVER.pipe(talking(two, { ...BOB, nick: 'Alice' })), '10ms ^').toBe(
        '10ms #',
        {},
        error,
      );
    });
  });

  test('a relay that stops says BYE after all that it took, and both complete', () => {
    marbles((helpers) => {
      const { cold, hot, expectObservable } = helpers;
      const { one, two } = relayFor(helpers, { stop$: hot('30ms s') }, '30ms |');
      const says$ = cold('20ms x', say);
      const heard1 = '(WA) 6ms B 9ms (xX1) 5ms (q|)';
      const heard2 = '10ms (WB) 6ms X 9ms (q|)';
      expectObservable(says$.pipe(talking(one, ALICE))).toBe(heard1, alice);
      expectObservable(NEVER.pipe(talking(two, BOB)), '10ms ^').toBe(heard2, bob);
    });
  });

  test('one whose connection breaks comes back, nobody notices, and what it said is stored once', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const { one, two, three } = relayFor(helpers, { grace: 5000 });
      const broken$ = timer(20).pipe(map(() => throwReset()));
      const way = { ...one, chunk$: merge(one.chunk$, broken$) };
      const says$ = cold('      15ms                x 84ms y 429ms         z', say);
      const heard1 = '          (WA) 6ms B    4ms (xX1)f 79ms y 419ms (WY2) 5ms (zZQ3)';
      const heard2 = '          10ms     (WB) -   X 504ms              Y     9ms (ZQ)';
      const alice$ = says$.pipe(talking(inTurn(way, three), { ...ALICE, retry: { random: () => 0 } }));
      expectObservable(alice$, '550ms !').toBe(heard1, {
        ...alice,
        f: 'offline 1, 500 ms: reset',
        Y: '4.0 alice (own): y',
        2: 'stored 4 y',
        z: 'said z|zz',
        Z: '5.0 alice (own): z',
        Q: '5.1 alice (own): zz',
        3: 'stored 5 z|zz',
      });
      expectObservable(NEVER.pipe(talking(two, BOB)), '10ms ^ 539ms !').toBe(heard2, {
        ...bob,
        Y: '4.0 alice: y',
        Z: '5.0 alice: z',
        Q: '5.1 alice: zz',
      });
    });
  });

  test('whatever two say and when, both hear all of it once and in one order', () => {
    const times = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 12 });
    fc.assert(
      fc.property(times, times, (ones, twos) => {
        const heard: Record<string, string[]> = { alice: [], bob: [] };
        marbles((helpers) => {
          const { one, two } = relayFor(helpers);
          const speak = (who: string, at: number[]) =>
            merge(...at.map((ms) => timer(ms).pipe(map(() => ({ lines: [`${who} at ${ms}`] })))));
          const listen = (who: string) => tap((text: string) => heard[who]?.push(text.replace(' (own)', '')));
          const alice$ = speak('alice', ones).pipe(talking(one, ALICE), listen('alice'));
          const bob$ = speak('bob', twos).pipe(talking(two, BOB), listen('bob'));
          helpers.expectObservable(alice$.pipe(ignoreElements()), '^ 80ms !').toBe('');
          helpers.expectObservable(bob$.pipe(ignoreElements()), '^ 80ms !').toBe('');
        });
        const messages = (who: string) => heard[who]?.filter((text) => /^\d+\.\d/.test(text));
        expect(messages('alice')).toStrictEqual(messages('bob'));
        expect(messages('alice')).toHaveLength(ones.length + twos.length);
        const stored = (who: string) => heard[who]?.filter((text) => text.startsWith('stored'));
        expect(stored('alice')).toHaveLength(ones.length);
        expect(stored('bob')).toHaveLength(twos.length);
      }),
      { numRuns: 50 },
    );
  });
});
