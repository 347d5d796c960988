import { describe, expect, test } from '@jest/globals';
import { map, NEVER, type Observable, timer } from 'rxjs';
import { nodeCipher } from '../../../src/crypto/nodeCipher.js';
import { talk, type TalkHeard, type TalkOptions } from '../../../streams/classic/talk.js';
import { encodeText } from '../../../streams/wire/utf8.js';
import { KEY, OTHER_KEY, token, tokenOfBlocks } from '../../support/classic/wire.js';
import { fakeConnection, type Script } from '../../support/fakeConnection.js';
import { marbles } from '../../support/marbles.js';

const cipher = nodeCipher({ iv: () => new Uint8Array(16) });
/** What alice's client makes of a text, since its IV is always the same. */
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
const chunksOf = (drawn: Observable<string>) => drawn.pipe(map((name) => encodeText(PARTS[name]!)));

/** What is heard, by a word. */
const word = (heard: TalkHeard): string => {
  switch (heard.type) {
    case 'joined':
    case 'left':
      return `${heard.type} ${heard.nick}`;
    case 'message':
      return `${heard.own ? 'own' : 'message'} ${heard.nick}|${heard.text}`;
    case 'undecryptable':
      return `undecryptable: ${heard.reason}`;
    case 'other':
      return `other ${heard.text}`;
    default:
      return heard.type;
  }
};

const talking = (drawn: Observable<string>, script: Script = {}, options: Partial<TalkOptions> = {}) => {
  const connection = fakeConnection({ ...script, chunk$: chunksOf(drawn) });
  const operator = talk({
    connection,
    cipher,
    key: KEY,
    nick: 'alice',
    now: () => 60,
    silence$: timer(2),
    gap$: timer(3),
    ...options,
  });
  return { connection, hear: (say$: Observable<string>) => say$.pipe(operator, map(word)) };
};

describe('talk', () => {
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
  ])('%s', (_, drawn, expected, values) => {
    marbles(({ cold, expectObservable }) => {
      const { hear, connection } = talking(cold(drawn));
      expectObservable(hear(NEVER)).toBe(expected, values);
      expectObservable(connection.line$).toBe(drawn.includes('k') ? '---a' : '-a', { a: 'alice' });
    });
  });

  test('says what is said once it is in, each in a write of its own with a gap behind it', () => {
    marbles(({ cold, expectObservable, expectSubscriptions, flush }) => {
      const { hear, connection } = talking(cold('-N-C--------------'));
      const say$ = cold('-(hy|)', { h: 'hi', y: 'you' });
      expectObservable(hear(say$)).toBe('-----ch--y--s', {
        c: 'connected',
        h: 'own alice|hi',
        y: 'own alice|you',
        s: 'said-all',
      });
      expectSubscriptions(say$.subscriptions).toBe('-----^!');
      flush();
      expect(connection.writes).toStrictEqual(['alice', sealed('hi'), sealed('you')]);
    });
  });

  test('its own token that comes back is known, once; the same again is a message', () => {
    marbles(({ cold, expectObservable }) => {
      const { hear } = talking(cold('-N-C-----e---e---'));
      expectObservable(hear(cold('--h---', { h: 'hi' }))).toBe('-----c-h-----e---', {
        c: 'connected',
        h: 'own alice|hi',
        e: 'message alice|hi',
      });
    });
  });

  test('a connection that pushes back is waited for before the next message', () => {
    marbles(({ cold, hot, expectObservable }) => {
      const { hear } = talking(cold('-N-C-----------------'), {
        answers: 'yn',
        writable$: hot('------------w'),
      });
      expectObservable(hear(cold('-(ab)|', { a: 'a', b: 'b' }))).toBe('-----ca--------b--s', {
        c: 'connected',
        a: 'own alice|a',
        b: 'own alice|b',
        s: 'said-all',
      });
    });
  });

  test.each([
    [
      'something else speaks first',
      '-x',
      '-#',
      'bad-version',
      'what is there does not speak the classic wire',
    ],
    [
      'the other wire is spoken',
      '-r',
      '-#',
      'bad-version',
      'the relay speaks rxchat/1 and not the classic wire',
    ],
  ])('%s: an error', (_, drawn, expected, code, message) => {
    marbles(({ cold, expectObservable, flush }) => {
      const { hear, connection } = talking(cold(drawn));
      expectObservable(hear(NEVER)).toBe(expected, undefined, expect.objectContaining({ code, message }));
      flush();
      expect(connection.writes).toStrictEqual([]);
    });
  });

  test('a server that lets nobody in is an error', () => {
    marbles(({ cold, expectObservable }) => {
      const { hear } = talking(cold('-N'), {}, { handshakeTimeout: 20 });
      expectObservable(hear(NEVER)).toBe(
        '20ms #',
        undefined,
        expect.objectContaining({ name: 'LinkError', message: 'the server let nobody in for 20 ms' }),
      );
    });
  });

  test('a connection that takes nothing any more is an error', () => {
    marbles(({ cold, expectObservable }) => {
      const { hear } = talking(cold('-N-C'), { answers: 'yn' }, { writeTimeout: 20 });
      expectObservable(hear(cold('-h', { h: 'hi' }))).toBe(
        '-----ch 19ms #',
        { c: 'connected', h: 'own alice|hi' },
        expect.objectContaining({ name: 'LinkError', message: 'the server took nothing for 20 ms' }),
      );
    });
  });

  test('a text that is too long is an error, and nothing of it is written', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const { hear, connection } = talking(cold('-N-C------'));
      expectObservable(hear(cold('-t', { t: 'x'.repeat(1_048_577) }))).toBe(
        '-----c#',
        { c: 'connected' },
        expect.objectContaining({ name: 'LimitError' }),
      );
      flush();
      expect(connection.writes).toStrictEqual(['alice']);
    });
  });

  test('ends with the server, and leaves nothing behind', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const { hear, connection } = talking(cold('-N-C---j|'));
      const say$ = cold('---');
      expectObservable(hear(say$)).toBe('-----c--(j|)', { c: 'connected', j: 'other José joi' });
      expectSubscriptions(say$.subscriptions).toBe('-----^--!');
      expectObservable(connection.line$).toBe('-a------|', { a: 'alice' });
    });
  });

  test('whoever unsubscribes closes the connection', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const say$ = cold('---');
      const { hear, connection } = talking(cold('-N-C------'));
      expectObservable(hear(say$), '^------!').toBe('-----c', { c: 'connected' });
      expectSubscriptions(say$.subscriptions).toBe('-----^-!');
      expectObservable(connection.line$).toBe('-a-----|', { a: 'alice' });
    });
  });
});
