import { describe, expect, test } from '@jest/globals';
import { catchError, of, pipe, map, toArray } from 'rxjs';
import { entries, type RelayMessage } from '../../../../streams/client/receive/entries.js';
import { ProtocolError, RefusedError } from '../../../../streams/wire/errors.js';
import { formatGreeting, type Welcome, formatWelcome } from '../../../../streams/wire/handshake.js';
import type { Lines } from '../../../../streams/wire/lines.js';
import { encodeText } from '../../../../streams/wire/encoding.js';
import { marbles } from '../../../support/marbles.js';
import { batch, NONCE, token } from '../../../support/wire.js';

const welcome = (from: number): Welcome => ({
  log: 'log',
  next: 9,
  first: 1,
  from,
  durability: 'memory',
  count: 2,
  members: ['alice', 'bob'],
});

/** Describes a received line in a few words, with its position. */
const summarize = (received: RelayMessage): string => {
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
const receivedBy = () => pipe(entries(), map(summarize));

const line: Record<string, Lines> = {
  N: batch(formatGreeting(NONCE)),
  W: batch(formatWelcome(welcome(7))),
  x: batch(token('x')),
  y: batch(token('y'), token('z')),
  A: batch('+alice'),
  g: batch('GAP 8 12'),
  p: batch('PING 3'),
  o: batch('PONG 3'),
  q: batch('BYE shutdown 1000'),
};

/** Sends the lines of a drawing in one chunk. */
const sent = (glyphs: string): Lines[] => Array.from(glyphs, (glyph) => line[glyph]!);

const out = { N: 'greeting', W: 'welcome from 7', p: 'ping', o: 'pong', q: 'bye' };

describe('entries', () => {
  test('entries emits nothing for a silent source', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const line$ = cold('-', line);
      expectObservable(line$.pipe(receivedBy())).toBe('-');
      expectSubscriptions(line$.subscriptions).toBe('^');
    });
  });

  test('entries completes with its source, empty or not', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('|', line).pipe(receivedBy())).toBe('   |');
      expectObservable(cold('-N-|', line).pipe(receivedBy())).toBe('-N-|', out);
    });
  });

  test('entries counts positions from that of WELCOME, in one batch and over many', () => {
    marbles(({ cold, expectObservable }) => {
      const line$ = cold('                   -N-W-x-y---A-|', line);
      expectObservable(line$.pipe(receivedBy())).toBe('-N-W-x-(yz)A-|', {
        ...out,
        x: '7 x',
        y: '8 y',
        z: '9 z',
        A: '10 joined alice (1)',
      });
    });
  });

  test('entries counts on after a GAP', () => {
    marbles(({ cold, expectObservable }) => {
      const line$ = cold('                   NWxg-y---', line);
      expectObservable(line$.pipe(receivedBy())).toBe('NWxg-(yz)', {
        ...out,
        x: '7 x',
        g: 'gap 8-12',
        y: '13 y',
        z: '14 z',
      });
    });
  });

  test('entries gives control lines no position', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('NWpoqx', line).pipe(receivedBy())).toBe('NWpoqx', { ...out, x: '7 x' });
    });
  });

  test('entries gives each announcement one position', () => {
    marbles(({ cold, expectObservable }) => {
      const line$ = cold('                   NWa-----', { ...line, a: batch('+a,b', '-a', '+*1200', '-*7') });
      expectObservable(line$.pipe(receivedBy())).toBe('NW(abcd)', {
        ...out,
        a: '7 joined a b (2)',
        b: '8 left a (1)',
        c: '9 joined  (1200)',
        d: '10 left  (7)',
      });
    });
  });

  test('entries skips unknown verbs and a second NICK or WELCOME', () => {
    marbles(({ cold, expectObservable }) => {
      const newer = batch('TOPIC tea', 'X', formatGreeting(NONCE), formatWelcome(welcome(99)), token('x'));
      expectObservable(cold('NWn', { ...line, n: newer }).pipe(receivedBy())).toBe('NWx', {
        ...out,
        x: '7 x',
      });
    });
  });

  test('entries passes the fields of WELCOME on', () => {
    const seen: RelayMessage[] = [];
    of(line['N']!, line['W']!)
      .pipe(entries())
      .subscribe((received) => seen.push(received));
    expect(seen).toStrictEqual([
      { type: 'greeting', nonce: NONCE },
      { type: 'welcome', ...welcome(7) },
    ]);
  });

  test('entries errors with its source', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-N-#', line, 'reset').pipe(receivedBy())).toBe('-N-#', out, 'reset');
    });
  });

  test('unsubscribing entries releases its source', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const line$ = hot('NWpppp', line);
      const unsub = '    ---!';
      expectObservable(line$.pipe(receivedBy()), unsub).toBe('NWp', out);
      expectSubscriptions(line$.subscriptions).toBe('    ^--!');
    });
  });

  test('one entries operator serves two relays with a count each', () => {
    marbles(({ cold, expectObservable }) => {
      const operator = receivedBy();
      const other = { ...line, W: batch(formatWelcome(welcome(1))) };
      expectObservable(cold('NW-x-x', line).pipe(operator)).toBe('NW-x-X', { ...out, x: '7 x', X: '8 x' });
      expectObservable(cold('-NW-x-', other).pipe(operator)).toBe('-NW-x', {
        N: 'greeting',
        W: 'welcome from 1',
        x: '1 x',
      });
    });
  });
});

describe('ERR', () => {
  const refusals: [string, string, string][] = [
    ['instead of the greeting', '', 'ERR busy try again later'],
    ['instead of WELCOME', 'N', 'ERR bad-proof the proof does not hold'],
    ['later, with a code that a newer relay made up', 'NW', 'ERR moved-to-mars gone for good'],
  ];

  test.each(refusals)(
    'entries errors with a RefusedError of that code and text at %s',
    (_when, before, sentLines) => {
      const [, code, text] = /^ERR (\S+) (.*)$/.exec(sentLines) ?? [];
      const caught: unknown[] = [];
      of(...sent(before), batch(sentLines))
        .pipe(
          entries(),
          catchError((error: unknown) => of(error)),
        )
        .subscribe((value) => caught.push(value));
      expect(caught).toHaveLength(before.length + 1);
      expect(caught.at(-1)).toBeInstanceOf(RefusedError);
      expect(caught.at(-1)).toMatchObject({ code, message: text });
    },
  );

  test('entries emits the lines before ERR, also of the same batch', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const line$ = cold('NWm-x', { ...line, m: batch(token('x'), 'ERR internal no', token('y')) });
      expectObservable(line$.pipe(receivedBy())).toBe(
        'NW(x#)',
        { ...out, x: '7 x' },
        new RefusedError('internal', 'no'),
      );
      expectSubscriptions(line$.subscriptions).toBe('^-!');
    });
  });
});

describe('a malformed line', () => {
  const neither = 'the relay sent a line that is neither an entry nor a control';
  const hole = 'the relay sent a GAP that does not begin at the next position';
  const wrong: [string, string, Uint8Array | string, string][] = [
    ['first, of a web server', '', 'HTTP/1.1 400 Bad Request', 'this is not an rxchat relay'],
    ['first, of a mail server', '', '220 mail ready', neither],
    ['first, of a newer protocol', '', 'NICK rxchat/9 nonce=x', 'does not support rxchat/1'],
    ['first, without a nonce', '', 'NICK rxchat/1', 'no nonce of 32 bytes'],
    ['first, with a short nonce', '', 'NICK rxchat/1 nonce=AAAA', 'no nonce of 32 bytes'],
    ['an entry before WELCOME', 'N', token('x'), neither],
    ['a GAP before WELCOME', 'N', 'GAP 1 2', hole],
    ['a WELCOME without a log', 'N', 'WELCOME next=1', 'WELCOME has no log id'],
    ['a WELCOME without a position', 'N', 'WELCOME log=a next=1 first=1', 'from is not a whole number'],
    ['text', 'NW', 'hello', neither],
    ['nothing', 'NW', '', neither],
    ['an announcement of nobody', 'NW', '+', neither],
    ['bytes that are not UTF-8', 'NW', new Uint8Array([0x67, 0xff, 10]), 'a line that is not UTF-8'],
    ['half a character', 'NW', new Uint8Array([0xe2, 0x82, 10]), 'a line that is not UTF-8'],
    ['a GAP that would go back', 'NW', 'GAP 1 2', hole],
    ['a GAP that leaves a hole before it', 'NW', 'GAP 9 12', hole],
  ];

  test.each(wrong)(
    'entries errors with a ProtocolError at a malformed line: %s',
    (_name, before, sentLines, message) => {
      const bytes = typeof sentLines === 'string' ? encodeText(`${sentLines}\n`) : sentLines;
      let last: unknown;
      of(...sent(before), { bytes, count: 1 })
        .pipe(
          entries(),
          toArray(),
          catchError((error: unknown) => of(error)),
        )
        .subscribe((value) => (last = value));
      expect(last).toBeInstanceOf(ProtocolError);
      expect((last as ProtocolError).message).toContain(message);
    },
  );

  test('entries emits the lines before a malformed line', () => {
    marbles(({ cold, expectObservable }) => {
      const line$ = cold('NWm', { ...line, m: batch(token('x'), 'hello', token('y')) });
      const error = new ProtocolError('bad-line', neither);
      expectObservable(line$.pipe(receivedBy())).toBe('NW(x#)', { ...out, x: '7 x' }, error);
    });
  });
});
