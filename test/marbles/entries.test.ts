import { describe, expect, test } from '@jest/globals';
import { catchError, of, pipe, map, toArray } from 'rxjs';
import { entries, type Received } from '../../streams/client/entries.js';
import { ProtocolError, RefusedError } from '../../streams/wire/errors.js';
import { greetingLine, type Welcome, welcomeLine } from '../../streams/wire/handshake.js';
import type { Lines } from '../../streams/wire/lines.js';
import { encodeText } from '../../streams/wire/utf8.js';
import { marbles } from '../support/marbles.js';
import { batch, NONCE, token } from '../support/wire.js';

const welcome = (from: number): Welcome => ({
  log: 'log',
  next: 9,
  first: 1,
  from,
  durability: 'memory',
  count: 2,
  members: ['alice', 'bob'],
});

/** What came, in a few words: positions are what counts. */
const tell = (received: Received): string => {
  switch (received.type) {
    case 'greeting':
      return 'greeting';
    case 'welcome':
      return `welcome from ${received.from}`;
    case 'token':
      return `${received.position} ${received.token.replace(/^gAAAA(\w*?)_*$/, '$1')}`;
    case 'joined':
    case 'left':
      return `${received.position} ${received.type} ${received.nicks.join(' ')} (${received.count})`;
    case 'gap':
      return `gap ${received.from}-${received.to}`;
    default:
      return received.type;
  }
};
const heard = () => pipe(entries(), map(tell));

const line: Record<string, Lines> = {
  N: batch(greetingLine(NONCE)),
  W: batch(welcomeLine(welcome(7))),
  x: batch(token('x')),
  y: batch(token('y'), token('z')),
  A: batch('+alice'),
  g: batch('GAP 8 12'),
  p: batch('PING 3'),
  o: batch('PONG 3'),
  q: batch('BYE shutdown 1000'),
};

/** The lines of a drawing, at once. */
const spoken = (glyphs: string): Lines[] => Array.from(glyphs, (glyph) => line[glyph]!);

const out = { N: 'greeting', W: 'welcome from 7', p: 'ping', o: 'pong', q: 'bye' };

describe('entries', () => {
  test('nothing comes of a source that says nothing', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const line$ = cold('-', line);
      expectObservable(line$.pipe(heard())).toBe('-');
      expectSubscriptions(line$.subscriptions).toBe('^');
    });
  });

  test('completes with an empty source, and with one that has spoken', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('|', line).pipe(heard())).toBe('   |');
      expectObservable(cold('-N-|', line).pipe(heard())).toBe('-N-|', out);
    });
  });

  test('counts positions from the one that WELCOME names, in one batch and over many', () => {
    marbles(({ cold, expectObservable }) => {
      const line$ = cold('                   -N-W-x-y---A-|', line);
      expectObservable(line$.pipe(heard())).toBe('-N-W-x-(yz)A-|', {
        ...out,
        x: '7 x',
        y: '8 y',
        z: '9 z',
        A: '10 joined alice (1)',
      });
    });
  });

  test('a GAP moves the position past what is missing', () => {
    marbles(({ cold, expectObservable }) => {
      const line$ = cold('                   NWxg-y---', line);
      expectObservable(line$.pipe(heard())).toBe('NWxg-(yz)', {
        ...out,
        x: '7 x',
        g: 'gap 8-12',
        y: '13 y',
        z: '14 z',
      });
    });
  });

  test('controls have no position', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('NWpoqx', line).pipe(heard())).toBe('NWpoqx', { ...out, x: '7 x' });
    });
  });

  test('announcements have one, however many they name or count', () => {
    marbles(({ cold, expectObservable }) => {
      const line$ = cold('                   NWa-----', { ...line, a: batch('+a,b', '-a', '+*1200', '-*7') });
      expectObservable(line$.pipe(heard())).toBe('NW(abcd)', {
        ...out,
        a: '7 joined a b (2)',
        b: '8 left a (1)',
        c: '9 joined  (1200)',
        d: '10 left  (7)',
      });
    });
  });

  test('verbs of a newer relay pass by, a second NICK and WELCOME too, and take no position', () => {
    marbles(({ cold, expectObservable }) => {
      const newer = batch('TOPIC tea', 'X', greetingLine(NONCE), welcomeLine(welcome(99)), token('x'));
      expectObservable(cold('NWn', { ...line, n: newer }).pipe(heard())).toBe('NWx', { ...out, x: '7 x' });
    });
  });

  test('WELCOME is given as it was said', () => {
    const seen: Received[] = [];
    of(line['N']!, line['W']!)
      .pipe(entries())
      .subscribe((received) => seen.push(received));
    expect(seen).toStrictEqual([
      { type: 'greeting', nonce: NONCE },
      { type: 'welcome', ...welcome(7) },
    ]);
  });

  test('an error of the source passes', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-N-#', line, 'reset').pipe(heard())).toBe('-N-#', out, 'reset');
    });
  });

  test('an endless source is let go when nobody listens any more', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const line$ = hot('NWpppp', line);
      const unsub = '    ---!';
      expectObservable(line$.pipe(heard()), unsub).toBe('NWp', out);
      expectSubscriptions(line$.subscriptions).toBe('    ^--!');
    });
  });

  test('one operator value serves two relays, each with its own count', () => {
    marbles(({ cold, expectObservable }) => {
      const operator = heard();
      const other = { ...line, W: batch(welcomeLine(welcome(1))) };
      expectObservable(cold('NW-x-x', line).pipe(operator)).toBe('NW-x-X', { ...out, x: '7 x', X: '8 x' });
      expectObservable(cold('-NW-x-', other).pipe(operator)).toBe('-NW-x', {
        N: 'greeting',
        W: 'welcome from 1',
        x: '1 x',
      });
    });
  });
});

describe('a relay that refuses', () => {
  const refusals: [string, string, string][] = [
    ['instead of the greeting', '', 'ERR busy try again later'],
    ['instead of WELCOME', 'N', 'ERR bad-proof the proof does not hold'],
    ['later, with a code that a newer relay made up', 'NW', 'ERR moved-to-mars gone for good'],
  ];

  test.each(refusals)('%s is a RefusedError with its code and text', (_when, before, said) => {
    const [, code, text] = /^ERR (\S+) (.*)$/.exec(said) ?? [];
    const caught: unknown[] = [];
    of(...spoken(before), batch(said))
      .pipe(
        entries(),
        catchError((error: unknown) => of(error)),
      )
      .subscribe((value) => caught.push(value));
    expect(caught).toHaveLength(before.length + 1);
    expect(caught.at(-1)).toBeInstanceOf(RefusedError);
    expect(caught.at(-1)).toMatchObject({ code, message: text });
  });

  test('has said what it said before, in the same batch too', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const line$ = cold('NWm-x', { ...line, m: batch(token('x'), 'ERR internal no', token('y')) });
      expectObservable(line$.pipe(heard())).toBe(
        'NW(x#)',
        { ...out, x: '7 x' },
        new RefusedError('internal', 'no'),
      );
      expectSubscriptions(line$.subscriptions).toBe('^-!');
    });
  });
});

describe('a line that cannot be read', () => {
  const neither = 'the relay sent a line that is neither an entry nor a control';
  const hole = 'the relay sent a GAP that does not begin at the next position';
  const wrong: [string, string, Uint8Array | string, string][] = [
    ['first, of a web server', '', 'HTTP/1.1 400 Bad Request', 'this is not an rxchat relay'],
    ['first, of a mail server', '', '220 mail ready', neither],
    ['first, of a newer protocol', '', 'NICK rxchat/9 nonce=x', 'another protocol than rxchat/1'],
    ['first, without a nonce', '', 'NICK rxchat/1', 'no nonce of 32 bytes'],
    ['first, with a short nonce', '', 'NICK rxchat/1 nonce=AAAA', 'no nonce of 32 bytes'],
    ['an entry before WELCOME', 'N', token('x'), neither],
    ['a GAP before WELCOME', 'N', 'GAP 1 2', hole],
    ['a WELCOME without a log', 'N', 'WELCOME next=1', 'WELCOME names no log'],
    ['a WELCOME without a position', 'N', 'WELCOME log=a next=1 first=1', 'from is not a whole number'],
    ['text', 'NW', 'hello', neither],
    ['nothing', 'NW', '', neither],
    ['an announcement of nobody', 'NW', '+', neither],
    ['bytes that are not UTF-8', 'NW', new Uint8Array([0x67, 0xff, 10]), 'a line that is not UTF-8'],
    ['half a character', 'NW', new Uint8Array([0xe2, 0x82, 10]), 'a line that is not UTF-8'],
    ['a GAP that would go back', 'NW', 'GAP 1 2', hole],
    ['a GAP that leaves a hole before it', 'NW', 'GAP 9 12', hole],
  ];

  test.each(wrong)('is a ProtocolError: %s', (_name, before, said, message) => {
    const bytes = typeof said === 'string' ? encodeText(`${said}\n`) : said;
    let last: unknown;
    of(...spoken(before), { bytes, count: 1 })
      .pipe(
        entries(),
        toArray(),
        catchError((error: unknown) => of(error)),
      )
      .subscribe((value) => (last = value));
    expect(last).toBeInstanceOf(ProtocolError);
    expect((last as ProtocolError).message).toContain(message);
  });

  test('comes after what stood before it in its batch', () => {
    marbles(({ cold, expectObservable }) => {
      const line$ = cold('NWm', { ...line, m: batch(token('x'), 'hello', token('y')) });
      const error = new ProtocolError('bad-line', neither);
      expectObservable(line$.pipe(heard())).toBe('NW(x#)', { ...out, x: '7 x' }, error);
    });
  });
});
