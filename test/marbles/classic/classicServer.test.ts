import { describe, expect, test } from '@jest/globals';
import { map, type Observable, timer } from 'rxjs';
import {
  classicServer,
  type ClassicServerEvent,
  type ClassicServerOptions,
} from '../../../streams/classic/classicServer.js';
import { ConnectionError } from '../../../streams/wire/errors.js';
import { encodeText } from '../../../streams/wire/encoding.js';
import { token, tokenOfBlocks } from '../../support/classic/wire.js';
import {
  type FakeConnection,
  fakeConnection,
  type FakeConnectionOptions,
} from '../../support/fakeConnection.js';
import { marbles } from '../../support/marbles.js';

const PARTS: Readonly<Record<string, string>> = {
  a: 'alice',
  b: 'bob',
  e: ' \n',
  m: 'a\u001b[2J',
  1: token('bob: one'),
  2: tokenOfBlocks(3),
  3: `${token('bob: x')}${tokenOfBlocks(3)}`,
  n: 'no token',
  l: `gAAAAA${'x'.repeat(3000)}`,
};
const GAP = 2;
const chunks = map((name: string) => encodeText(PARTS[name]!));

/** Describes an event in a word. */
const reportedBy = map((event: ClassicServerEvent) => {
  switch (event.type) {
    case 'rejected':
      return `rejected: ${event.reason}`;
    case 'joined':
      return `joined ${event.client.nick} ${event.count}`;
    case 'left':
    case 'failed':
      return `${event.type} ${event.client.nick}: ${event.reason}`;
    default:
      return `${event.type} ${event.client.nick}`;
  }
});

const serving = (options: Partial<ClassicServerOptions> = {}) =>
  classicServer({ idle$: timer(2), pacing$: timer(GAP), handshakeTimeoutMs: 50, ...options });

const member = (
  sent$: Observable<string>,
  script: FakeConnectionOptions = {},
  broken?: string,
): FakeConnection =>
  fakeConnection({
    ...script,
    chunk$: sent$.pipe(
      map((name) => {
        if (name === broken) throw new ConnectionError('the link broke');
        return name;
      }),
      chunks,
    ),
  });

describe('classicServer', () => {
  test('classicServer writes a message unchanged to all others, one per write', () => {
    marbles(({ cold, hot, expectObservable, flush }) => {
      const alice = member(cold('-a---------------------'));
      const bob = member(cold('  -b-----3-----|'));
      const connection$ = hot('a---b', { a: alice, b: bob });
      expectObservable(connection$.pipe(serving(), reportedBy)).toBe('---A---B---x-y---L', {
        A: 'joined alice 1',
        B: 'joined bob 2',
        x: 'sent bob',
        y: 'sent bob',
        L: 'left bob: the connection ended',
      });
      expectObservable(alice.line$).toBe('N--C---B---x-y---L', {
        N: 'NICK',
        C: 'Connected to the server.',
        B: 'bob joined the chat.',
        x: token('bob: x').slice(0, 0) || expect.any(String),
        y: expect.any(String),
        L: 'bob left the chat.',
      });
      flush();
      expect(alice.writes.slice(3, 5).join('')).toBe(PARTS[3]);
      expect(bob.writes).toStrictEqual(['NICK', 'Connected to the server.']);
    });
  });

  test('classicServer pauses between messages that arrive at once', () => {
    marbles(({ cold, hot, expectObservable }) => {
      const alice = member(cold('-a-------------------'));
      const bob = member(cold('  -b'));
      const carol = member(cold('-b'));
      const connection$ = hot('  a----(bc)', { a: alice, b: bob, c: carol });
      expectObservable(connection$.pipe(serving(), reportedBy), '^-----------!').toBe('---A----(BC)', {
        A: 'joined alice 1',
        B: 'joined bob 2',
        C: 'joined bob 3',
      });
      expectObservable(alice.line$.pipe(map((text) => text[0]))).toBe('N--C----b-b-|');
    });
  });

  test.each([
    ['an empty nick, without a word', '-e', '---(E|)', 'rejected: the nick is empty', ['NICK']],
    [
      'a nick that would move the cursor',
      '-m',
      '---(E|)',
      'rejected: the nick has a control, an invisible character or ": "',
      ['NICK', 'Refused: the nick has a control, an invisible character or ": ".'],
    ],
    [
      'nobody who does not say anything',
      '--',
      '50ms (E|)',
      'rejected: no nick in 50 ms',
      ['NICK', 'Refused: no nick in 50 ms.'],
    ],
  ])('classicServer closes a connection with %s', (_, rendered, expected, event, writes) => {
    marbles(({ cold, expectObservable, flush }) => {
      const one = member(cold(rendered));
      expectObservable(cold('(a|)', { a: one }).pipe(serving(), reportedBy)).toBe(expected, { E: event });
      flush();
      expect(one.writes).toStrictEqual(writes);
    });
  });

  test('classicServer rejects a connection over the limit, and accepts one after a client has left', () => {
    marbles(({ cold, hot, expectObservable, flush }) => {
      const alice = member(cold('-a------|'));
      const bob = member(cold('-b'));
      const carol = member(cold('-b'));
      const connection$ = hot('a--b----------c', { a: alice, b: bob, c: carol });
      expectObservable(
        connection$.pipe(serving({ maxConnections: 1 }), reportedBy),
        '^------------------!',
      ).toBe('---(TA)-L--------B', {
        A: 'joined alice 1',
        T: 'rejected: the relay has too many connections',
        L: 'left alice: the connection ended',
        B: 'joined bob 1',
      });
      flush();
      expect(bob.writes).toStrictEqual(['Refused: the relay has too many connections.']);
      expect(carol.writes).toStrictEqual(['NICK', 'Connected to the server.']);
    });
  });

  test('classicServer ends only the connection of a token that is too long, with a reason', () => {
    marbles(({ cold, hot, expectObservable, flush }) => {
      const alice = member(cold('-a-------'));
      const bob = member(cold('  -b--l---'));
      expectObservable(
        hot('a---b', { a: alice, b: bob }).pipe(serving({ maxTokenLength: 2000 }), reportedBy),
      ).toBe('---A---BL', {
        A: 'joined alice 1',
        B: 'joined bob 2',
        L: 'left bob: a token is longer than 2000 characters',
      });
      expectObservable(bob.line$).toBe('----N--CR|'.replace('CR|', 'C(R|)'), {
        N: 'NICK',
        C: 'Connected to the server.',
        R: 'Refused: a token is longer than 2000 characters.',
      });
      flush();
      expect(alice.writes.at(-1)).toBe('bob left the chat.');
    });
  });

  test('classicServer drops and counts bytes that are not a token', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const alice = member(cold('-a---------'));
      const bob = member(cold('  -b----n---'));
      expectObservable(cold('(ab)', { a: alice, b: bob }).pipe(serving(), reportedBy)).toBe('---(AB)-S', {
        A: 'joined alice 1',
        B: 'joined bob 2',
        S: 'skipped bob',
      });
      flush();
      expect(alice.writes).toHaveLength(3);
    });
  });

  test('classicServer goes on when a connection fails, also the first to be written', () => {
    marbles(({ cold, hot, expectObservable, flush }) => {
      // The fifth write to it fails, which delivers bob's message.
      const slow = member(cold('-a'), { writeResults: 'yyyy!' });
      const alice = member(cold('-a-------------'));
      const bob = member(cold('  -b---1---2---'));
      expectObservable(hot('(ab)c', { a: slow, b: alice, c: bob }).pipe(serving(), reportedBy)).toBe(
        '---(AB)C-(SFL)-T',
        {
          A: 'joined alice 1',
          B: 'joined alice 2',
          C: 'joined bob 3',
          F: 'failed alice: Error: the sink broke',
          S: 'sent bob',
          L: 'left alice: the connection ended',
          T: 'sent bob',
        },
      );
      flush();
      expect(alice.writes.slice(3)).toStrictEqual([PARTS[1], 'alice left the chat.', PARTS[2]]);
    });
  });

  test('classicServer notifies a slow reader of lost messages and goes on', () => {
    marbles(({ cold, hot, flush, expectObservable }) => {
      const slow = member(cold('-a'), { writeResults: 'yn', writable$: hot('60ms w') });
      const bob = member(cold('-b-----1-1-1-1-1-1-1-1-1-1-1-1'));
      expectObservable(hot('ab', { a: slow, b: bob }).pipe(serving({ windowBytes: 400 })), '100ms !');
      flush();
      expect(slow.writes).toContain('Some messages are lost: they were read too slowly.');
      expect(slow.writes.at(-1)).toBe(PARTS[1]);
      expect(slow.writes.length).toBeLessThan(12);
    });
  });

  test('classicServer writes the rest to all clients at stop$, without leave notices, and closes them', () => {
    marbles(({ cold, hot, expectObservable, flush }) => {
      const alice = member(cold('-a---------'));
      const bob = member(cold('  -b-----2---'));
      const stop$ = hot('--------s');
      const connection$ = hot('(ab)', { a: alice, b: bob });
      expectObservable(connection$.pipe(serving({ stop$ }), reportedBy)).toBe('---(AB)-S-|', {
        A: 'joined alice 1',
        B: 'joined bob 2',
        S: 'sent bob',
      });
      expectObservable(alice.line$.pipe(map((text) => text[0]))).toBe('N--C-b--g-|');
      flush();
      expect(alice.writes.at(-1)).toBe(PARTS[2]);
    });
  });

  test('classicServer reports a broken connection as left', () => {
    marbles(({ cold, expectObservable }) => {
      const alice = member(cold('-a---x'), {}, 'x');
      expectObservable(cold('(a|)', { a: alice }).pipe(serving(), reportedBy)).toBe('---A-(L|)', {
        A: 'joined alice 1',
        L: 'left alice: the link broke',
      });
      expectObservable(alice.line$).toBe('N--C-|', { N: 'NICK', C: 'Connected to the server.' });
    });
  });

  test('unsubscribing classicServer closes every connection', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const sent$ = cold('-a');
      const alice = member(sent$);
      const late = member(cold('--'));
      expectObservable(hot('a---b', { a: alice, b: late }).pipe(serving(), reportedBy), '^-----!').toBe(
        '---A',
        {
          A: 'joined alice 1',
        },
      );
      expectObservable(alice.line$).toBe('N--C--|', { N: 'NICK', C: 'Connected to the server.' });
      expectObservable(late.line$).toBe('----N-|', { N: 'NICK' });
      expectSubscriptions(sent$.subscriptions).toBe('^-----!');
    });
  });

  test.each([
    ['never', '-', '-'],
    ['empty', '|', '|'],
    ['an error', '-#', '-#'],
  ])('%s', (_, rendered, expected) => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold<FakeConnection>(rendered).pipe(serving())).toBe(expected);
    });
  });
});
