import { describe, expect, test } from '@jest/globals';
import { map, type Observable, timer } from 'rxjs';
import { hub, type HubEvent, type HubOptions } from '../../../streams/classic/hub.js';
import { LinkError } from '../../../streams/wire/errors.js';
import { encodeText } from '../../../streams/wire/utf8.js';
import { token, tokenOfBlocks } from '../../support/classic/wire.js';
import { type FakeConnection, fakeConnection, type Script } from '../../support/fakeConnection.js';
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

/** Events by one word each. */
const told = map((event: HubEvent) => {
  switch (event.type) {
    case 'turned-away':
      return `turned away: ${event.reason}`;
    case 'joined':
      return `joined ${event.guest.nick} ${event.count}`;
    case 'left':
    case 'failed':
      return `${event.type} ${event.guest.nick}: ${event.reason}`;
    default:
      return `${event.type} ${event.guest.nick}`;
  }
});

const serving = (options: Partial<HubOptions> = {}) =>
  hub({ silence$: timer(2), gap$: timer(GAP), handshakeTimeout: 50, ...options });

const guest = (said$: Observable<string>, script: Script = {}, broken?: string): FakeConnection =>
  fakeConnection({
    ...script,
    chunk$: said$.pipe(
      map((name) => {
        if (name === broken) throw new LinkError('the link broke');
        return name;
      }),
      chunks,
    ),
  });

describe('hub', () => {
  test('what one says comes to the others as it came, one message a write, and not to itself', () => {
    marbles(({ cold, hot, expectObservable, flush }) => {
      const alice = guest(cold('-a---------------------'));
      const bob = guest(cold('  -b-----3-----|'));
      const connection$ = hot('a---b', { a: alice, b: bob });
      expectObservable(connection$.pipe(serving(), told)).toBe('---A---B---x-y---L', {
        A: 'joined alice 1',
        B: 'joined bob 2',
        x: 'said bob',
        y: 'said bob',
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

  test('messages that come at once have a gap between them', () => {
    marbles(({ cold, hot, expectObservable }) => {
      const alice = guest(cold('-a-------------------'));
      const bob = guest(cold('  -b'));
      const carol = guest(cold('-b'));
      const connection$ = hot('  a----(bc)', { a: alice, b: bob, c: carol });
      expectObservable(connection$.pipe(serving(), told), '^-----------!').toBe('---A----(BC)', {
        A: 'joined alice 1',
        B: 'joined bob 2',
        C: 'joined bob 3',
      });
      expectObservable(alice.line$.pipe(map((text) => text[0]))).toBe('N--C----b-b-|');
    });
  });

  test.each([
    ['an empty nick, without a word', '-e', '---(E|)', 'turned away: the nick is empty', ['NICK']],
    [
      'a nick that would move the cursor',
      '-m',
      '---(E|)',
      'turned away: the nick has a control, an invisible character or ": "',
      ['NICK', 'Refused: the nick has a control, an invisible character or ": ".'],
    ],
    [
      'nobody who does not say anything',
      '--',
      '50ms (E|)',
      'turned away: no nick in 50 ms',
      ['NICK', 'Refused: no nick in 50 ms.'],
    ],
  ])('%s is closed', (_, drawn, expected, event, writes) => {
    marbles(({ cold, expectObservable, flush }) => {
      const one = guest(cold(drawn));
      expectObservable(cold('(a|)', { a: one }).pipe(serving(), told)).toBe(expected, { E: event });
      flush();
      expect(one.writes).toStrictEqual(writes);
    });
  });

  test('one too many is told so and closed; who has left makes room', () => {
    marbles(({ cold, hot, expectObservable, flush }) => {
      const alice = guest(cold('-a------|'));
      const bob = guest(cold('-b'));
      const carol = guest(cold('-b'));
      const connection$ = hot('a--b----------c', { a: alice, b: bob, c: carol });
      expectObservable(connection$.pipe(serving({ connections: 1 }), told), '^------------------!').toBe(
        '---(TA)-L--------B',
        {
          A: 'joined alice 1',
          T: 'turned away: the relay has too many connections',
          L: 'left alice: the connection ended',
          B: 'joined bob 1',
        },
      );
      flush();
      expect(bob.writes).toStrictEqual(['Refused: the relay has too many connections.']);
      expect(carol.writes).toStrictEqual(['NICK', 'Connected to the server.']);
    });
  });

  test('a token that is too long ends its connection alone, and it is told', () => {
    marbles(({ cold, hot, expectObservable, flush }) => {
      const alice = guest(cold('-a-------'));
      const bob = guest(cold('  -b--l---'));
      expectObservable(hot('a---b', { a: alice, b: bob }).pipe(serving({ tokenLimit: 2000 }), told)).toBe(
        '---A---BL',
        {
          A: 'joined alice 1',
          B: 'joined bob 2',
          L: 'left bob: a token is longer than 2000 characters',
        },
      );
      expectObservable(bob.line$).toBe('----N--CR|'.replace('CR|', 'C(R|)'), {
        N: 'NICK',
        C: 'Connected to the server.',
        R: 'Refused: a token is longer than 2000 characters.',
      });
      flush();
      expect(alice.writes.at(-1)).toBe('bob left the chat.');
    });
  });

  test('what is no token is dropped, and counted', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const alice = guest(cold('-a---------'));
      const bob = guest(cold('  -b----n---'));
      expectObservable(cold('(ab)', { a: alice, b: bob }).pipe(serving(), told)).toBe('---(AB)-S', {
        A: 'joined alice 1',
        B: 'joined bob 2',
        S: 'skipped bob',
      });
      flush();
      expect(alice.writes).toHaveLength(3);
    });
  });

  test('a connection that fails takes nobody along, also where it is the first to be written', () => {
    marbles(({ cold, hot, expectObservable, flush }) => {
      // The fifth write to it fails: what bob says.
      const slow = guest(cold('-a'), { answers: 'yyyy!' });
      const alice = guest(cold('-a-------------'));
      const bob = guest(cold('  -b---1---2---'));
      expectObservable(hot('(ab)c', { a: slow, b: alice, c: bob }).pipe(serving(), told)).toBe(
        '---(AB)C-(SFL)-T',
        {
          A: 'joined alice 1',
          B: 'joined alice 2',
          C: 'joined bob 3',
          F: 'failed alice: Error: the sink broke',
          S: 'said bob',
          L: 'left alice: the connection ended',
          T: 'said bob',
        },
      );
      flush();
      expect(alice.writes.slice(3)).toStrictEqual([PARTS[1], 'alice left the chat.', PARTS[2]]);
    });
  });

  test('who reads too slowly is told that messages are lost, and goes on', () => {
    marbles(({ cold, hot, flush, expectObservable }) => {
      const slow = guest(cold('-a'), { answers: 'yn', writable$: hot('60ms w') });
      const bob = guest(cold('-b-----1-1-1-1-1-1-1-1-1-1-1-1'));
      expectObservable(hot('ab', { a: slow, b: bob }).pipe(serving({ window: 400 })), '100ms !');
      flush();
      expect(slow.writes).toContain('Some messages are lost: they were read too slowly.');
      expect(slow.writes.at(-1)).toBe(PARTS[1]);
      expect(slow.writes.length).toBeLessThan(12);
    });
  });

  test('at stop$ everyone gets what was said, and is closed; nobody is said to leave', () => {
    marbles(({ cold, hot, expectObservable, flush }) => {
      const alice = guest(cold('-a---------'));
      const bob = guest(cold('  -b-----2---'));
      const stop$ = hot('--------s');
      const connection$ = hot('(ab)', { a: alice, b: bob });
      expectObservable(connection$.pipe(serving({ stop$ }), told)).toBe('---(AB)-S-|', {
        A: 'joined alice 1',
        B: 'joined bob 2',
        S: 'said bob',
      });
      expectObservable(alice.line$.pipe(map((text) => text[0]))).toBe('N--C-b--g-|');
      flush();
      expect(alice.writes.at(-1)).toBe(PARTS[2]);
    });
  });

  test('a broken link is a departure', () => {
    marbles(({ cold, expectObservable }) => {
      const alice = guest(cold('-a---x'), {}, 'x');
      expectObservable(cold('(a|)', { a: alice }).pipe(serving(), told)).toBe('---A-(L|)', {
        A: 'joined alice 1',
        L: 'left alice: the link broke',
      });
      expectObservable(alice.line$).toBe('N--C-|', { N: 'NICK', C: 'Connected to the server.' });
    });
  });

  test('whoever unsubscribes closes every connection', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const said$ = cold('-a');
      const alice = guest(said$);
      const late = guest(cold('--'));
      expectObservable(hot('a---b', { a: alice, b: late }).pipe(serving(), told), '^-----!').toBe('---A', {
        A: 'joined alice 1',
      });
      expectObservable(alice.line$).toBe('N--C--|', { N: 'NICK', C: 'Connected to the server.' });
      expectObservable(late.line$).toBe('----N-|', { N: 'NICK' });
      expectSubscriptions(said$.subscriptions).toBe('^-----!');
    });
  });

  test.each([
    ['never', '-', '-'],
    ['empty', '|', '|'],
    ['an error', '-#', '-#'],
  ])('%s', (_, drawn, expected) => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold<FakeConnection>(drawn).pipe(serving())).toBe(expected);
    });
  });
});
