import { describe, expect, test } from '@jest/globals';
import { map, of, pipe } from 'rxjs';
import type { Cipher } from '../../streams/client/cipher.js';
import { decodeEnvelope } from '../../streams/client/envelope.js';
import { type Say, seal, type Sealed, type SealOptions } from '../../streams/client/seal.js';
import { areTokens } from '../../streams/wire/entry.js';
import { LimitError } from '../../streams/wire/errors.js';
import { encodeLine } from '../../streams/wire/utf8.js';
import { fakeCipher, keyOf, ringOf, timeOf } from '../support/fakeCipher.js';
import { marbles } from '../support/marbles.js';
import { ALICE, envelope, runOf } from '../support/people.js';
import { LOBBY } from '../support/wire.js';

const options = (more: Partial<SealOptions> = {}): SealOptions => ({
  keyring$: of(ringOf(1)),
  cipher: fakeCipher,
  identity: ALICE,
  nick: 'alice',
  room: LOBBY,
  run: runOf(5),
  now: () => 0,
  ...more,
});

const envelopeOf = ({ token }: Sealed, key = 1) => {
  const opened = fakeCipher.open(keyOf(key), token);
  return typeof opened === 'string' ? undefined : decodeEnvelope(opened);
};

/** What a token says, and how many-eth it is. */
const tell = (sealed: Sealed): string => {
  const envelope = envelopeOf(sealed);
  return `${envelope?.counter} ${envelope?.lines.join(' ')}`;
};
const sealed = (more?: Partial<SealOptions>) => pipe(seal(options(more)), map(tell));

const say: Record<string, Say> = {
  a: { lines: ['hello'] },
  b: { lines: ['what', 'now'] },
  c: { lines: ['bye'] },
  l: { lines: ['x'.repeat(50_000)] },
};
const out = { a: '1 hello', b: '2 what now', c: '3 bye' };

describe('seal', () => {
  test('makes a token of each thing said, numbered from 1', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const say$ = cold('                   -a-b-c-|', say);
      expectObservable(say$.pipe(sealed())).toBe('-a-b-c-|', out);
      expectSubscriptions(say$.subscriptions).toBe('^------!');
    });
  });

  test('never, empty and error pass', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-', say).pipe(sealed())).toBe('-');
      expectObservable(cold('--|', say).pipe(sealed())).toBe('--|');
      expectObservable(cold('-a-#', say, 'gone').pipe(sealed())).toBe('-a-#', out, 'gone');
    });
  });

  test('an endless source is let go when nobody listens any more', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const say$ = hot('-abca', say);
      const unsub = '   ---!';
      expectObservable(say$.pipe(sealed()), unsub).toBe('-ab', out);
      expectSubscriptions(say$.subscriptions).toBe('^--!');
    });
  });

  test('one operator value serves two that speak, each numbered from 1', () => {
    marbles(({ cold, expectObservable }) => {
      const operator = sealed();
      expectObservable(cold('a-b-|', say).pipe(operator)).toBe(' a-b-|', out);
      expectObservable(cold('-a-b-|', say).pipe(operator)).toBe('-a-b-|', out);
    });
  });

  test('seals with the newest key', () => {
    marbles(({ cold, hot, expectObservable }) => {
      const keyring$ = hot('K-L-', { K: ringOf(1), L: ringOf(2, 1) });
      const say$ = cold('-a-b', say).pipe(
        seal(options({ keyring$ })),
        map((one) => [envelopeOf(one, 1)?.counter, envelopeOf(one, 2)?.counter]),
      );
      expectObservable(say$).toBe('-a-b', { a: [1, undefined], b: [undefined, 2] });
    });
  });

  test('says inside who, in which run, when, and what; outside only the minute', () => {
    const time = Date.UTC(2026, 0, 2, 3, 4, 59, 999);
    let sealedOnce: Sealed | undefined;
    of(say['b']!)
      .pipe(seal(options({ now: () => time })))
      .subscribe((one) => (sealedOnce = one));
    expect(envelopeOf(sealedOnce!)).toStrictEqual({
      ...envelope({ time, lines: ['what', 'now'] }),
      signature: expect.any(String),
    });
    expect(timeOf(sealedOnce!.token)).toBe(Date.UTC(2026, 0, 2, 3, 4) / 1000);
    expect(sealedOnce!.lines).toStrictEqual(['what', 'now']);
    expect(areTokens(encodeLine(sealedOnce!.token))).toBe(true);
  });

  test.each([
    [0, 0],
    [59_999, 0],
    [60_000, 60],
    [119_999, 60],
  ])('the time on the outside is floored: %i ms to %i s', (ms, s) => {
    const times: number[] = [];
    of(say['a']!)
      .pipe(seal(options({ now: () => ms })))
      .subscribe(({ token }) => times.push(timeOf(token)));
    expect(times).toStrictEqual([s]);
  });

  test('what is too long for a line is a LimitError, and the source is let go', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const say$ = cold('-a-l-c', say);
      const error = new LimitError('a message of 50316 bytes is over the limit of 49087');
      expectObservable(say$.pipe(sealed())).toBe('-a-#', out, error);
      expectSubscriptions(say$.subscriptions).toBe('^--!');
    });
  });

  test('a cipher or a clock that throws is an error of this stream', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const fault = new Error('out of entropy');
      const broken = () => {
        throw fault;
      };
      const cipher: Cipher = { ...fakeCipher, seal: broken };
      const say$ = cold('-a-b', say);
      expectObservable(say$.pipe(sealed({ cipher }))).toBe('-#', {}, fault);
      expectObservable(say$.pipe(sealed({ now: broken }))).toBe('-#', {}, fault);
      expectSubscriptions(say$.subscriptions).toBe(['^!', '^!']);
    });
  });
});
