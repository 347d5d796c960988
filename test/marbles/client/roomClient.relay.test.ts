import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { concat, ignoreElements, map, merge, NEVER, of, tap, timer } from 'rxjs';
import type { RunHelpers } from 'rxjs/testing';
import type { OutgoingMessage } from '../../../streams/client/send/seal.js';
import { relayFixture, type RelayFixtureOptions } from '../../support/relayFixture.js';
import { toBase64url } from '../../../streams/wire/encoding.js';
import { ConnectionError, RefusedError } from '../../../streams/wire/errors.js';
import { connectionPair } from '../../../streams/wire/connection.js';
import { fakeKeyring } from '../../support/fakeCipher.js';
import { marbles } from '../../support/marbles.js';
import { inSequence, roomClientFixture } from '../../support/roomClientFixture.js';
import { CELLAR } from '../../support/wire.js';

const session = (mark: number): string => toBase64url(new Uint8Array(16).fill(mark));
const ALICE = { nick: 'alice', session: session(1), senderSession: session(3) };
const BOB = { nick: 'bob', session: session(2), senderSession: session(4) };

const throwReset = (): never => {
  throw new ConnectionError('reset');
};

/**
 * A relay with three connections: a whole chat in memory and in virtual time. The relay runs until the drawing ends.
 */
const relayFor = ({ expectObservable }: RunHelpers, more?: RelayFixtureOptions, end = '') => {
  const [one, first] = connectionPair();
  const [two, second] = connectionPair();
  const [three, third] = connectionPair();
  const event$ = concat(of(first, second, third), NEVER).pipe(relayFixture(more));
  expectObservable(event$.pipe(ignoreElements()), '999ms !').toBe(end);
  return { one, two, three };
};

const send: Record<string, OutgoingMessage> = {
  x: { lines: ['x'] },
  y: { lines: ['y'] },
  z: { lines: ['z', 'zz'] },
};

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
  d: 'input-complete',
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

describe('two clients at a relay', () => {
  test('two clients read the same entries in the same order, each from its join on', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const { one, two } = relayFor(helpers);
      const sends1$ = cold('                               20ms    x 19ms             y 9ms  |', send);
      const sends2$ = cold('                                         20ms    z', send);
      const received1 = '             (WA) 6ms B    9ms (xX1) 5ms (zZ)   6ms (yY2) 5ms d';
      const received2 = '             10ms     (WB) 6ms X 9ms     (szZ1) 4ms Y';
      expectObservable(sends1$.pipe(roomClientFixture(one, ALICE)), '^    59ms !').toBe(received1, alice);
      expectObservable(sends2$.pipe(roomClientFixture(two, BOB)), '  10ms ^ 49ms !').toBe(received2, bob);
    });
  });

  test('two clients see each other leave', () => {
    marbles((helpers) => {
      const { expectObservable } = helpers;
      const { one, two } = relayFor(helpers);
      expectObservable(NEVER.pipe(roomClientFixture(one, ALICE)), '^ 30ms !').toBe('(WA) 6ms B 9ms b', alice);
      expectObservable(NEVER.pipe(roomClientFixture(two, BOB)), '10ms ^ 9ms !').toBe('10ms (WB)', bob);
    });
  });

  test('a later client begins with the newest entries, or after its position', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const { one, two } = relayFor(helpers);
      const input$ = cold('x-y', { x: { lines: ['old'] }, y: { lines: ['new'] } });
      expectObservable(input$.pipe(roomClientFixture(one, ALICE), ignoreElements()), '^ 30ms !').toBe('');
      const late$ = NEVER.pipe(roomClientFixture(two, { ...BOB, last: 1 }));
      const received = { ...bob, n: '3.0 alice: new', B: '4 joined bob' };
      expectObservable(late$, '10ms ^ 9ms !').toBe('10ms (WnB)', received);
    });
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const { one, two } = relayFor(helpers);
      const input$ = cold('x-y', { x: { lines: ['old'] }, y: { lines: ['new'] } });
      expectObservable(input$.pipe(roomClientFixture(one, ALICE), ignoreElements()), '^ 30ms !').toBe('');
      const back$ = NEVER.pipe(roomClientFixture(two, { ...BOB, after: { log: 'log', n: 1 } }));
      const received = { ...bob, o: '2.0 alice: old', n: '3.0 alice: new', B: '4 joined bob' };
      expectObservable(back$, '10ms ^ 9ms !').toBe('10ms (WonB)', received);
    });
  });

  test('a client without the key sees undecryptable entries only', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const { one, two } = relayFor(helpers);
      const input$ = cold('20ms x', send);
      expectObservable(input$.pipe(roomClientFixture(one, ALICE), ignoreElements()), '^ 30ms !').toBe('');
      const stranger$ = NEVER.pipe(roomClientFixture(two, { ...BOB, keyring$: of(fakeKeyring(9)) }));
      expectObservable(stranger$, '10ms ^ 19ms !').toBe('10ms (WB) 6ms X', {
        ...bob,
        X: '3 wrong key or tampered',
      });
    });
  });

  test('two rooms are separate', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const { one, two } = relayFor(helpers);
      const input$ = cold('20ms x', send);
      const own = { ...alice, X: '2.0 alice (own): x', 1: 'stored 2 x' };
      expectObservable(input$.pipe(roomClientFixture(one, ALICE)), '^ 30ms !').toBe('(WA) 16ms (xX1)', own);
      expectObservable(NEVER.pipe(roomClientFixture(two, { ...BOB, room: CELLAR })), '10ms ^ 19ms !').toBe(
        '10ms (WB)',
        {
          ...bob,
          B: '1 joined bob',
        },
      );
    });
  });

  test('a second client with the same nick is rejected, and the first goes on', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const { one, two } = relayFor(helpers);
      const own = { ...alice, X: '2.0 alice (own): x', 1: 'stored 2 x' };
      const input$ = cold('20ms x', send);
      expectObservable(input$.pipe(roomClientFixture(one, ALICE)), '^ 30ms !').toBe('(WA) 16ms (xX1)', own);
      const error = new RefusedError('nick-taken', 'the nick is taken in this room');
      expectObservable(NEVER.pipe(roomClientFixture(two, { ...BOB, nick: 'Alice' })), '10ms ^').toBe(
        '10ms #',
        {},
        error,
      );
    });
  });

  test('a relay that stops writes BYE after all entries, and both clients complete', () => {
    marbles((helpers) => {
      const { cold, hot, expectObservable } = helpers;
      const { one, two } = relayFor(helpers, { stop$: hot('30ms s') }, '30ms |');
      const input$ = cold('20ms x', send);
      const received1 = '(WA) 6ms B 9ms (xX1) 5ms (q|)';
      const received2 = '10ms (WB) 6ms X 9ms (q|)';
      expectObservable(input$.pipe(roomClientFixture(one, ALICE))).toBe(received1, alice);
      expectObservable(NEVER.pipe(roomClientFixture(two, BOB)), '10ms ^').toBe(received2, bob);
    });
  });

  test('a client whose connection breaks returns unnoticed, and its message is stored once', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const { one, two, three } = relayFor(helpers, { reconnectGraceMs: 5000 });
      const broken$ = timer(20).pipe(map(() => throwReset()));
      const way = { ...one, chunk$: merge(one.chunk$, broken$) };
      const input$ = cold('      15ms                x 84ms y 429ms         z', send);
      const received1 = '          (WA) 6ms B    4ms (xX1)f 79ms y 419ms (WY2) 5ms (zZQ3)';
      const received2 = '          10ms     (WB) -   X 504ms              Y     9ms (ZQ)';
      const alice$ = input$.pipe(
        roomClientFixture(inSequence(way, three), { ...ALICE, retry: { random: () => 0 } }),
      );
      expectObservable(alice$, '550ms !').toBe(received1, {
        ...alice,
        f: 'offline 1, 500 ms: reset',
        Y: '4.0 alice (own): y',
        2: 'stored 4 y',
        z: 'said z|zz',
        Z: '5.0 alice (own): z',
        Q: '5.1 alice (own): zz',
        3: 'stored 5 z|zz',
      });
      expectObservable(NEVER.pipe(roomClientFixture(two, BOB)), '10ms ^ 539ms !').toBe(received2, {
        ...bob,
        Y: '4.0 alice: y',
        Z: '5.0 alice: z',
        Q: '5.1 alice: zz',
      });
    });
  });

  test('two clients read all messages once and in one order, whatever they send and when', () => {
    const times = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 12 });
    fc.assert(
      fc.property(times, times, (ones, twos) => {
        const received: Record<string, string[]> = { alice: [], bob: [] };
        marbles((helpers) => {
          const { one, two } = relayFor(helpers);
          const speak = (who: string, at: number[]) =>
            merge(...at.map((ms) => timer(ms).pipe(map(() => ({ lines: [`${who} at ${ms}`] })))));
          const listen = (who: string) =>
            tap((text: string) => received[who]?.push(text.replace(' (own)', '')));
          const alice$ = speak('alice', ones).pipe(roomClientFixture(one, ALICE), listen('alice'));
          const bob$ = speak('bob', twos).pipe(roomClientFixture(two, BOB), listen('bob'));
          helpers.expectObservable(alice$.pipe(ignoreElements()), '^ 80ms !').toBe('');
          helpers.expectObservable(bob$.pipe(ignoreElements()), '^ 80ms !').toBe('');
        });
        const messages = (who: string) => received[who]?.filter((text) => /^\d+\.\d/.test(text));
        expect(messages('alice')).toStrictEqual(messages('bob'));
        expect(messages('alice')).toHaveLength(ones.length + twos.length);
        const stored = (who: string) => received[who]?.filter((text) => text.startsWith('stored'));
        expect(stored('alice')).toHaveLength(ones.length);
        expect(stored('bob')).toHaveLength(twos.length);
      }),
      { numRuns: 50 },
    );
  });
});
