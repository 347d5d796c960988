import { describe, expect, test } from '@jest/globals';
import { map, type Observable, of, pipe } from 'rxjs';
import type { Cipher, Keyring, Plaintext, Token } from '../../../../streams/client/envelope/cipher.js';
import { encodeEnvelope, type Envelope } from '../../../../streams/client/envelope/envelope.js';
import type { TokenEntry } from '../../../../streams/client/receive/entries.js';
import { open, type OpenOptions } from '../../../../streams/client/receive/open.js';
import type { Verify } from '../../../../streams/wire/handshake.js';
import { encodeText } from '../../../../streams/wire/encoding.js';
import { fakeCipher, fakeKey, fakeKeyring } from '../../../support/fakeCipher.js';
import { marbles } from '../../../support/marbles.js';
import { ALICE, BOB, envelope, fakeVerify } from '../../../support/envelopes.js';
import { CELLAR, LOBBY } from '../../../support/wire.js';

/** Another value that passes unchanged. */
interface Arrival {
  readonly type: 'joined';
}
type Entry = TokenEntry | Arrival;

const token = (text: string, key = 1, more: Partial<Envelope> = {}, signer = ALICE): Token =>
  fakeCipher.seal(fakeKey(key), encodeEnvelope(envelope({ lines: [text], ...more }), signer), 0);
const at = (position: number, each: Token): TokenEntry => ({ type: 'token', position, token: each });

const change = (each: Token, index: number): Token =>
  (each.slice(0, index) + (each[index] === 'A' ? 'B' : 'A') + each.slice(index + 1)) as Token;

const entry: Record<string, Entry> = {
  x: at(1, token('x')),
  y: at(2, token('y')),
  Y: at(2, token('y', 2)),
  Z: at(3, token('z', 3)),
  t: at(4, change(token('t'), 40)),
  c: at(5, token('c').slice(0, 60) as Token),
  b: at(6, '%%%' as Token),
  e: at(7, fakeCipher.seal(fakeKey(1), encodeText('hello') as Plaintext, 0)),
  f: at(8, token('f', 1, {}, BOB)),
  r: at(9, token('r', 1, { room: CELLAR })),
  R: at(9, token('r', 1, { room: CELLAR }, BOB)),
  A: { type: 'joined' },
};

const GIVEN = { keyring$: of(fakeKeyring(1)), cipher: fakeCipher, verify: fakeVerify, room: LOBBY };

const opened = (more: Partial<OpenOptions> = {}) =>
  pipe(
    open<Arrival>({ ...GIVEN, ...more }),
    map((event) => {
      switch (event.type) {
        case 'opened':
          return `${event.position} ${event.envelope.lines.join()}`;
        case 'undecryptable':
        case 'alarm':
          return `${event.position} ${event.reason}`;
        default:
          return event.type;
      }
    }),
  );

const out: Record<string, string> = {
  x: '1 x',
  y: '2 y',
  Y: '2 wrong key or tampered',
  Z: '3 wrong key or tampered',
  t: '4 wrong key or tampered',
  c: '5 malformed',
  b: '6 malformed',
  e: '7 not an envelope',
  f: '8 bad-signature',
  r: '9 other-room',
  R: '9 bad-signature',
  A: 'joined',
};

describe('open', () => {
  test('open emits envelopes at their positions and passes other values on', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const entry$ = cold('                   -x-A-y-|', entry);
      expectObservable(entry$.pipe(opened())).toBe('-x-A-y-|', out);
      expectSubscriptions(entry$.subscriptions).toBe('^------!');
    });
  });

  test('open emits the token with its envelope', () => {
    const events: unknown[] = [];
    of(entry['x']!)
      .pipe(open<Arrival>(GIVEN))
      .subscribe((event) => events.push(event));
    const read = { ...envelope({ lines: ['x'] }), signature: expect.any(String) };
    expect(events).toStrictEqual([{ type: 'opened', position: 1, token: token('x'), envelope: read }]);
  });

  test('open emits an alarm for an invalid signature or another room, and goes on', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-f-r-R-x-|', entry).pipe(opened())).toBe('-f-r-R-x-|', out);
    });
    const alarms: unknown[] = [];
    of(entry['f']!)
      .pipe(open<Arrival>(GIVEN))
      .subscribe((alarm) => alarms.push(alarm));
    const { key, nick } = envelope();
    expect(alarms).toStrictEqual([{ type: 'alarm', position: 8, reason: 'bad-signature', nick, key }]);
  });

  test('open verifies one signature per token, for any number of lines', () => {
    let times = 0;
    const verify: Verify = (...each) => {
      times += 1;
      return fakeVerify(...each);
    };
    of(at(1, token('', 1, { lines: ['a', 'b', 'c'] })))
      .pipe(opened({ verify }))
      .subscribe();
    expect(times).toBe(1);
  });

  test('open never completes, completes and errors with its source', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-', entry).pipe(opened())).toBe('-');
      expectObservable(cold('--|', entry).pipe(opened())).toBe('--|');
      expectObservable(cold('-x-#', entry, 'gone').pipe(opened())).toBe('-x-#', out, 'gone');
    });
  });

  test('open emits undecryptable for foreign, tampered, cut and other bytes, and goes on', () => {
    marbles(({ cold, expectObservable }) => {
      const entry$ = cold('                   -Z-t-c-b-e-x-|', entry);
      expectObservable(entry$.pipe(opened())).toBe('-Z-t-c-b-e-x-|', out);
    });
  });

  test('unsubscribing open releases its source', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const entry$ = hot('-xyxy', entry);
      const unsub = '     ---!';
      expectObservable(entry$.pipe(opened()), unsub).toBe('-xy', out);
      expectSubscriptions(entry$.subscriptions).toBe('^--!');
    });
  });

  test('one open operator serves two streams', () => {
    marbles(({ cold, expectObservable }) => {
      const operator = opened();
      expectObservable(cold('x-Z-|', entry).pipe(operator)).toBe(' x-Z-|', out);
      expectObservable(cold('-t-y-|', entry).pipe(operator)).toBe('-t-y-|', out);
    });
  });
});

describe('a room whose key changes', () => {
  const rings: Record<string, Keyring> = { K: fakeKeyring(1), L: fakeKeyring(2, 1), M: fakeKeyring(2) };
  const rekeyed = (keyring$: Observable<Keyring>) => opened({ keyring$ });

  test('open decrypts a late message with the old key and a new one with the new key', () => {
    marbles(({ cold, hot, expectObservable }) => {
      const keyring$ = hot('K--L----', rings);
      const entry$ = cold(' -x--y-Y-', entry);
      expectObservable(entry$.pipe(rekeyed(keyring$))).toBe('-x--y-Y-', { ...out, Y: '2 y' });
    });
  });

  test('open emits undecryptable for a key that is not in the keyring, and goes on', () => {
    marbles(({ cold, hot, expectObservable }) => {
      const keyring$ = hot('K---L---M--', rings);
      const entry$ = cold(' -xY---YZ-xY', entry);
      expectObservable(entry$.pipe(rekeyed(keyring$))).toBe('-xY---yZ-Xy', {
        ...out,
        X: '1 wrong key or tampered',
      });
    });
  });

  test('open subscribes after the first key, and errors with the keys', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const entry$ = cold('  -x-x-x', entry);
      const keyring$ = hot('--K--#', rings, 'lost');
      expectObservable(entry$.pipe(rekeyed(keyring$))).toBe('---x-#', out, 'lost');
      expectSubscriptions(entry$.subscriptions).toBe('--^--!');
    });
  });

  test('open tries the newest key first, and reports the failure of the last', () => {
    const tried: number[] = [];
    const cipher: Cipher = {
      ...fakeCipher,
      open: (key) => (tried.push(key[0]!), key[0] === 3 ? 'malformed' : 'wrong key or tampered'),
    };
    marbles(({ cold, expectObservable }) => {
      const entry$ = cold('-x', entry);
      const keyring$ = of(fakeKeyring(1, 2, 3));
      expectObservable(entry$.pipe(opened({ keyring$, cipher }))).toBe('-x', { x: '1 malformed' });
    });
    expect(tried).toStrictEqual([1, 2, 3]);
  });

  test('open decrypts nothing with an empty keyring', () => {
    marbles(({ cold, expectObservable }) => {
      const keyring$ = of<Keyring>({ seal: fakeKey(1), open: [] });
      expectObservable(cold('-x', entry).pipe(opened({ keyring$ }))).toBe('-x', {
        x: '1 wrong key or tampered',
      });
    });
  });
});

test('open errors when the cipher throws', () => {
  marbles(({ cold, expectObservable, expectSubscriptions }) => {
    const fault = new Error('no such mode');
    const cipher: Cipher = {
      ...fakeCipher,
      open: () => {
        throw fault;
      },
    };
    const entry$ = cold('-A-x', entry);
    expectObservable(entry$.pipe(opened({ cipher }))).toBe('-A-#', out, fault);
    expectSubscriptions(entry$.subscriptions).toBe('^--!');
  });
});
