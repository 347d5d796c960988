import { describe, expect, test } from '@jest/globals';
import { map, of, pipe } from 'rxjs';
import type { Cipher } from '../../../../streams/client/envelope/cipher.js';
import { decodeEnvelope } from '../../../../streams/client/envelope/envelope.js';
import {
  type OutgoingMessage,
  seal,
  type SealedMessage,
  type SealOptions,
} from '../../../../streams/client/send/seal.js';
import { isTokenBatch } from '../../../../streams/wire/entry.js';
import { LimitError } from '../../../../streams/wire/errors.js';
import { encodeLine } from '../../../../streams/wire/encoding.js';
import { fakeCipher, fakeKey, fakeKeyring, tokenTime } from '../../../support/fakeCipher.js';
import { marbles } from '../../../support/marbles.js';
import { ALICE, envelope, senderSessionOf } from '../../../support/envelopes.js';
import { LOBBY } from '../../../support/wire.js';

const options = (more: Partial<SealOptions> = {}): SealOptions => ({
  keyring$: of(fakeKeyring(1)),
  cipher: fakeCipher,
  identity: ALICE,
  nick: 'alice',
  room: LOBBY,
  senderSession: senderSessionOf(5),
  now: () => 0,
  ...more,
});

const envelopeOf = ({ token }: SealedMessage, key = 1) => {
  const opened = fakeCipher.open(fakeKey(key), token);
  return typeof opened === 'string' ? undefined : decodeEnvelope(opened);
};

/** Describes a sealed message: its counter and its lines. */
const summarize = (sealed: SealedMessage): string => {
  const envelope = envelopeOf(sealed);
  return `${envelope?.counter} ${envelope?.lines.join(' ')}`;
};
const sealed = (more?: Partial<SealOptions>) => pipe(seal(options(more)), map(summarize));

const send: Record<string, OutgoingMessage> = {
  a: { lines: ['hello'] },
  b: { lines: ['what', 'now'] },
  c: { lines: ['bye'] },
  l: { lines: ['x'.repeat(50_000)] },
};
const out = { a: '1 hello', b: '2 what now', c: '3 bye' };

describe('seal', () => {
  test('seal makes a token of each message, numbered from 1', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const outgoing$ = cold('                   -a-b-c-|', send);
      expectObservable(outgoing$.pipe(sealed())).toBe('-a-b-c-|', out);
      expectSubscriptions(outgoing$.subscriptions).toBe('^------!');
    });
  });

  test('seal never completes, completes and errors with its source', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-', send).pipe(sealed())).toBe('-');
      expectObservable(cold('--|', send).pipe(sealed())).toBe('--|');
      expectObservable(cold('-a-#', send, 'gone').pipe(sealed())).toBe('-a-#', out, 'gone');
    });
  });

  test('unsubscribing seal releases its source', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const outgoing$ = hot('-abca', send);
      const unsub = '   ---!';
      expectObservable(outgoing$.pipe(sealed()), unsub).toBe('-ab', out);
      expectSubscriptions(outgoing$.subscriptions).toBe('^--!');
    });
  });

  test('one seal operator numbers the messages of two sources from 1', () => {
    marbles(({ cold, expectObservable }) => {
      const operator = sealed();
      expectObservable(cold('a-b-|', send).pipe(operator)).toBe(' a-b-|', out);
      expectObservable(cold('-a-b-|', send).pipe(operator)).toBe('-a-b-|', out);
    });
  });

  test('seal uses the newest key', () => {
    marbles(({ cold, hot, expectObservable }) => {
      const keyring$ = hot('K-L-', { K: fakeKeyring(1), L: fakeKeyring(2, 1) });
      const outgoing$ = cold('-a-b', send).pipe(
        seal(options({ keyring$ })),
        map((one) => [envelopeOf(one, 1)?.counter, envelopeOf(one, 2)?.counter]),
      );
      expectObservable(outgoing$).toBe('-a-b', { a: [1, undefined], b: [undefined, 2] });
    });
  });

  test('seal puts all fields in the envelope, and only the minute outside', () => {
    const time = Date.UTC(2026, 0, 2, 3, 4, 59, 999);
    let sealedOnce: SealedMessage | undefined;
    of(send['b']!)
      .pipe(seal(options({ now: () => time })))
      .subscribe((one) => (sealedOnce = one));
    expect(envelopeOf(sealedOnce!)).toStrictEqual({
      ...envelope({ time, lines: ['what', 'now'] }),
      signature: expect.any(String),
    });
    expect(tokenTime(sealedOnce!.token)).toBe(Date.UTC(2026, 0, 2, 3, 4) / 1000);
    expect(sealedOnce!.lines).toStrictEqual(['what', 'now']);
    expect(isTokenBatch(encodeLine(sealedOnce!.token))).toBe(true);
  });

  test.each([
    [0, 0],
    [59_999, 0],
    [60_000, 60],
    [119_999, 60],
  ])('seal rounds the time of a token down: %i ms to %i s', (ms, s) => {
    const times: number[] = [];
    of(send['a']!)
      .pipe(seal(options({ now: () => ms })))
      .subscribe(({ token }) => times.push(tokenTime(token)));
    expect(times).toStrictEqual([s]);
  });

  test('seal errors with a LimitError for a message that is too long, and releases its source', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const outgoing$ = cold('-a-l-c', send);
      const error = new LimitError('a message of 50316 bytes is over the limit of 49087');
      expectObservable(outgoing$.pipe(sealed())).toBe('-a-#', out, error);
      expectSubscriptions(outgoing$.subscriptions).toBe('^--!');
    });
  });

  test('seal errors when the cipher or the clock throws', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const fault = new Error('out of entropy');
      const broken = () => {
        throw fault;
      };
      const cipher: Cipher = { ...fakeCipher, seal: broken };
      const outgoing$ = cold('-a-b', send);
      expectObservable(outgoing$.pipe(sealed({ cipher }))).toBe('-#', {}, fault);
      expectObservable(outgoing$.pipe(sealed({ now: broken }))).toBe('-#', {}, fault);
      expectSubscriptions(outgoing$.subscriptions).toBe(['^!', '^!']);
    });
  });
});
