import { describe, expect, test } from '@jest/globals';
import { map, NEVER, type Observable, timer } from 'rxjs';
import { nodeCipher } from '../../../src/crypto/nodeCipher.js';
import {
  classicClient,
  type ClassicEvent,
  type ClassicClientOptions,
} from '../../../streams/classic/classicClient.js';
import { encodeText } from '../../../streams/wire/encoding.js';
import { KEY, OTHER_KEY, token, tokenOfBlocks } from '../../support/classic/wire.js';
import { fakeConnection, type FakeConnectionOptions } from '../../support/fakeConnection.js';
import { marbles } from '../../support/marbles.js';

const cipher = nodeCipher({ iv: () => new Uint8Array(16) });
/** Seals a text as alice's client does, with a constant IV. */
const sealed = (text: string) => cipher.seal(KEY, encodeText(`alice: ${text}`) as never, 60);

const PARTS: Readonly<Record<string, string>> = {
  N: 'NICK',
  C: 'Connected to the server.',
  A: 'alice joined the chat.Connected to the server.',
  J: 'José joined the chat.',
  L: 'a joined the chat. left the chat.',
  m: token('bob: hello: you'),
  M: tokenOfBlocks(3),
  o: tokenOfBlocks(2, OTHER_KEY),
  O: tokenOfBlocks(3, OTHER_KEY),
  w: 'Refused: no.',
  e: sealed('hi'),
  i: 'NI',
  k: 'CK',
  x: 'HTTP',
  r: 'NICK rxchat/1 nonce=',
  j: 'José joi',
};
const chunksOf = (rendered: Observable<string>) => rendered.pipe(map((name) => encodeText(PARTS[name]!)));

/** Describes an event in a word. */
const word = (received: ClassicEvent): string => {
  switch (received.type) {
    case 'joined':
    case 'left':
      return `${received.type} ${received.nick}`;
    case 'message':
      return `${received.own ? 'own' : 'message'} ${received.nick}|${received.text}`;
    case 'undecryptable':
      return `undecryptable: ${received.reason}`;
    case 'other':
      return `other ${received.text}`;
    default:
      return received.type;
  }
};

const client = (
  rendered: Observable<string>,
  script: FakeConnectionOptions = {},
  options: Partial<ClassicClientOptions> = {},
) => {
  const connection = fakeConnection({ ...script, chunk$: chunksOf(rendered) });
  const operator = classicClient({
    connection,
    cipher,
    key: KEY,
    nick: 'alice',
    now: () => 60,
    idle$: timer(2),
    pacing$: timer(3),
    ...options,
  });
  return { connection, receive: (outgoing$: Observable<string>) => outgoing$.pipe(operator, map(word)) };
};

describe('classicClient', () => {
  test.each<[string, string, string, Record<string, string>]>([
    ['the greeting', '-N-C-----', '-----c---', { c: 'connected' }],
    ['a greeting in pieces', '-i-k-C-----', '-------c---', { c: 'connected' }],
    [
      'a greeting with what is said of oneself',
      '-N-A-----',
      '-----(ac)',
      { a: 'joined alice', c: 'connected' },
    ],
    ['a message', '-N-C---m--', '-----c-m--', { c: 'connected', m: 'message bob|hello: you' }],
    [
      'a message without padding, after a silence',
      '-N-C---M----',
      '-----c---m--',
      { c: 'connected', m: `message |${'x'.repeat(47)}` },
    ],
    [
      'a message without padding, with a notice right behind it',
      '-N-C---(MJ)----',
      '-----c-m-j-----',
      { c: 'connected', m: `message |${'x'.repeat(47)}`, j: 'joined José' },
    ],
    [
      'a token under another key',
      '-N-C---o---m--',
      '-----c-o---m--',
      { c: 'connected', o: 'undecryptable: wrong key or tampered', m: 'message bob|hello: you' },
    ],
    [
      'one without padding, as soon as it cannot be the beginning of another',
      '-N-C---O---m--',
      '-----c-----(om)',
      { c: 'connected', o: 'undecryptable: wrong key or tampered', m: 'message bob|hello: you' },
    ],
    ['other words', '-N-w----', '-----w--', { w: 'other Refused: no.' }],
    ['an odd nick', '-N-L----', '-----(jl)', { j: 'joined a', l: 'left ' }],
  ])('%s', (_, rendered, expected, values) => {
    marbles(({ cold, expectObservable }) => {
      const { receive: receiveEvent, connection } = client(cold(rendered));
      expectObservable(receiveEvent(NEVER)).toBe(expected, values);
      expectObservable(connection.line$).toBe(rendered.includes('k') ? '---a' : '-a', { a: 'alice' });
    });
  });

  test('classicClient writes each text after the join, with a pause after each', () => {
    marbles(({ cold, expectObservable, expectSubscriptions, flush }) => {
      const { receive: receiveEvent, connection } = client(cold('-N-C--------------'));
      const outgoing$ = cold('-(hy|)', { h: 'hi', y: 'you' });
      expectObservable(receiveEvent(outgoing$)).toBe('-----ch--y--s', {
        c: 'connected',
        h: 'own alice|hi',
        y: 'own alice|you',
        s: 'input-complete',
      });
      expectSubscriptions(outgoing$.subscriptions).toBe('-----^!');
      flush();
      expect(connection.writes).toStrictEqual(['alice', sealed('hi'), sealed('you')]);
    });
  });

  test('classicClient drops the echo of its own token once', () => {
    marbles(({ cold, expectObservable }) => {
      const { receive: receiveEvent } = client(cold('-N-C-----e---e---'));
      expectObservable(receiveEvent(cold('--h---', { h: 'hi' }))).toBe('-----c-h-----e---', {
        c: 'connected',
        h: 'own alice|hi',
        e: 'message alice|hi',
      });
    });
  });

  test('classicClient waits for a full connection before the next message', () => {
    marbles(({ cold, hot, expectObservable }) => {
      const { receive: receiveEvent } = client(cold('-N-C-----------------'), {
        writeResults: 'yn',
        writable$: hot('------------w'),
      });
      expectObservable(receiveEvent(cold('-(ab)|', { a: 'a', b: 'b' }))).toBe('-----ca--------b--s', {
        c: 'connected',
        a: 'own alice|a',
        b: 'own alice|b',
        s: 'input-complete',
      });
    });
  });

  test.each([
    ['something else speaks first', '-x', '-#', 'bad-version', 'the server does not speak the classic wire'],
    [
      'the other wire is spoken',
      '-r',
      '-#',
      'bad-version',
      'the relay speaks rxchat/1 and not the classic wire',
    ],
  ])(
    'classicClient errors when the server sends something else: %s',
    (_, rendered, expected, code, message) => {
      marbles(({ cold, expectObservable, flush }) => {
        const { receive: receiveEvent, connection } = client(cold(rendered));
        expectObservable(receiveEvent(NEVER)).toBe(
          expected,
          undefined,
          expect.objectContaining({ code, message }),
        );
        flush();
        expect(connection.writes).toStrictEqual([]);
      });
    },
  );

  test('classicClient errors when the join is not answered in time', () => {
    marbles(({ cold, expectObservable }) => {
      const { receive: receiveEvent } = client(cold('-N'), {}, { handshakeTimeoutMs: 20 });
      expectObservable(receiveEvent(NEVER)).toBe(
        '20ms #',
        undefined,
        expect.objectContaining({ name: 'ConnectionError', message: 'no answer to the join in 20 ms' }),
      );
    });
  });

  test('classicClient errors when a write is not accepted in time', () => {
    marbles(({ cold, expectObservable }) => {
      const { receive: receiveEvent } = client(cold('-N-C'), { writeResults: 'yn' }, { writeTimeoutMs: 20 });
      expectObservable(receiveEvent(cold('-h', { h: 'hi' }))).toBe(
        '-----ch 19ms #',
        { c: 'connected', h: 'own alice|hi' },
        expect.objectContaining({
          name: 'ConnectionError',
          message: 'the server accepted no data for 20 ms',
        }),
      );
    });
  });

  test('classicClient errors for a text that is too long, and writes nothing of it', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const { receive: receiveEvent, connection } = client(cold('-N-C------'));
      expectObservable(receiveEvent(cold('-t', { t: 'x'.repeat(1_048_577) }))).toBe(
        '-----c#',
        { c: 'connected' },
        expect.objectContaining({ name: 'LimitError' }),
      );
      flush();
      expect(connection.writes).toStrictEqual(['alice']);
    });
  });

  test('classicClient completes with the server and leaves no timer', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const { receive: receiveEvent, connection } = client(cold('-N-C---j|'));
      const outgoing$ = cold('---');
      expectObservable(receiveEvent(outgoing$)).toBe('-----c--(j|)', { c: 'connected', j: 'other José joi' });
      expectSubscriptions(outgoing$.subscriptions).toBe('-----^--!');
      expectObservable(connection.line$).toBe('-a------|', { a: 'alice' });
    });
  });

  test('unsubscribing classicClient closes the connection', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const outgoing$ = cold('---');
      const { receive: receiveEvent, connection } = client(cold('-N-C------'));
      expectObservable(receiveEvent(outgoing$), '^------!').toBe('-----c', { c: 'connected' });
      expectSubscriptions(outgoing$.subscriptions).toBe('-----^-!');
      expectObservable(connection.line$).toBe('-a-----|', { a: 'alice' });
    });
  });
});
