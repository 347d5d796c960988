import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { concat, map, NEVER, of, Subject, timer } from 'rxjs';
import type { RunHelpers } from 'rxjs/testing';
import type { Plaintext, Token } from '../../streams/client/cipher.js';
import { decodeEnvelope } from '../../streams/client/envelope.js';
import type { ConversationOptions } from '../../streams/client/conversation.js';
import type { Say } from '../../streams/client/seal.js';
import type { Connection } from '../../streams/wire/connection.js';
import { LinkError, ProtocolError, RefusedError } from '../../streams/wire/errors.js';
import { entryHash } from '../../streams/wire/entryHash.js';
import { welcomeLine } from '../../streams/wire/handshake.js';
import { encodeText } from '../../streams/wire/utf8.js';
import { fakeCipher, keyOf, ringOf } from '../support/fakeCipher.js';
import { type FakeConnection, fakeConnection } from '../support/fakeConnection.js';
import { marbles } from '../support/marbles.js';
import { ALICE, fakeHash, runOf } from '../support/people.js';
import { inTurn, saidOf, talking, tokenOf } from '../support/talking.js';
import { bytes, heard, LOBBY, PROOF, SESSION } from '../support/wire.js';

const EARLIER = { session: runOf(6) };

const token: Record<string, string> = {
  a: tokenOf(['a']),
  b: tokenOf(['b'], { counter: 2 }),
  c: tokenOf(['c'], { counter: 3 }),
  o: tokenOf(['hi'], { nick: 'bob', session: runOf(7) }),
  y: tokenOf(['y'], EARLIER),
  z: tokenOf(['z'], { ...EARLIER, counter: 2 }),
};

const welcomed = (from: number, next: number, log = 'log'): Uint8Array =>
  bytes(welcomeLine({ log, next, first: 1, from, durability: 'memory', count: 1, members: ['alice'] }));

/**
 * What the relay says in drawings: greeting N; welcome W at 5, where the log ends, or by where it begins, with more to
 * read up to an end; alice's tokens a b c as they come back, those y z of an earlier run, bob's o; bob's coming j.
 */
const relay: Record<string, Uint8Array> = {
  ...Object.fromEntries(Object.entries(token).map(([name, each]) => [name, bytes(each)])),
  N: bytes(heard['N']!),
  W: welcomed(5, 5),
  3: welcomed(3, 5),
  4: welcomed(4, 5),
  5: welcomed(5, 8),
  6: welcomed(6, 6),
  7: welcomed(7, 7),
  8: welcomed(8, 9),
  j: bytes('+bob'),
  g: bytes('GAP 5 6'),
  p: bytes('PONG 6'),
  q: bytes('BYE shutdown 9'),
  h: bytes('HTTP/1.1 400 Bad Request'),
  E: bytes('ERR nick-taken no'),
};

const HELLO = `NICK alice room=${LOBBY} session=${SESSION} proof=${PROOF}`;

/** What alice writes: her answer H, which says by its number what she has read, her tokens, and the farewell Q. */
const written: Record<string, string> = {
  ...token,
  H: HELLO,
  ...Object.fromEntries(['3', '4', '5', '6'].map((n) => [n, `${HELLO} after=log/${n}`])),
  p: 'PING 6',
  Q: 'BYE leaving 0',
};

/** The same where this line was the last one that was read: its hash goes along. */
const writtenAfter = (line = ''): Record<string, string> => ({
  ...written,
  ...Object.fromEntries(
    ['3', '4', '5', '6'].map((n) => [n, `${HELLO} after=log/${n}/${entryHash(fakeHash(encodeText(line)))}`]),
  ),
});

const say: Record<string, Say> = {
  a: { lines: ['a'] },
  b: { lines: ['b'] },
  c: { lines: ['c'] },
  l: { lines: ['x'.repeat(50_000)] },
};

/** What is heard: welcome W, offline f, what alice says a b c; the rest where it stands in most drawings. */
const told: Record<string, string> = {
  W: 'welcome',
  f: 'offline 1, 500 ms: reset',
  a: 'said a',
  b: 'said b',
  c: 'said c',
  d: 'said-all',
  o: '5.0 bob: hi',
  g: 'gap 5-6',
  j: '5 joined bob',
  k: '6 joined bob',
  l: '7 joined bob',
};

const reset = new LinkError('reset');

/** Whoever was up waits for half a second. */
const again: Partial<ConversationOptions> = { retry: { random: () => 0, stable: 0 } };

/** Connections by what comes over them; one breaks at `#`. */
const linksOf = <Drawings extends readonly string[]>(
  { hot }: RunHelpers,
  more: Record<string, Uint8Array>,
  ...drawings: Drawings
): { [K in keyof Drawings]: FakeConnection } =>
  drawings.map((drawing) =>
    fakeConnection({ chunk$: hot(drawing, { ...relay, ...more }, reset) }),
  ) as unknown as { [K in keyof Drawings]: FakeConnection };

// In most drawings the first connection breaks at 9 ms, and so the second one is made at 509 ms.
describe('a connection that is lost', () => {
  test('is made again, without a word over the old one, and everything goes on where it was', () => {
    marbles((helpers) => {
      const { expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW---o---#', '510ms N6-j');
      const heard$ = NEVER.pipe(talking(inTurn(one, two), again));
      const unsub = '                          514ms !';
      expectObservable(heard$, unsub).toBe('   -W---o---f 501ms W-k', told);
      expectObservable(one.line$).toBe('       H--------|', written);
      expectObservable(two.line$).toBe('       510ms 5---(Q|)', writtenAfter(token['o']));
    });
  });

  test('is made for another nick too, under which what is said from then on is sealed', () => {
    marbles((helpers) => {
      const { hot, cold, expectObservable, flush } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW--------', '-----NW----');
      const heard$ = cold('                             ----------b', say).pipe(
        talking(inTurn(one, two), { ...again, nick$: hot('----n', { n: 'ally' }) }),
      );
      expectObservable(heard$, '           ------------!').toBe('-W----(rW)-b', { ...told, r: 'renamed' });
      expectObservable(one.line$).toBe('   H---|', written);
      flush();
      const [hello, sealed = '', farewell] = two.writes;
      expect([hello, farewell]).toStrictEqual([
        `${HELLO.replace('alice', 'ally')} after=log/4\n`,
        `${written['Q']}\n`,
      ]);
      const opened = fakeCipher.open(keyOf(1), sealed.trim() as Token) as Plaintext;
      expect(decodeEnvelope(opened)).toMatchObject({ nick: 'ally', key: ALICE.key, lines: ['b'] });
    });
  });

  test('is nothing to what you say: that is subscribed once, and one run', () => {
    marbles((helpers) => {
      const { cold, expectObservable, expectSubscriptions } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW--a----#', '510ms N6----b');
      const say$ = cold('                        -a 510ms b|', say);
      const unsub = '                           521ms !';
      const heard$ = say$.pipe(talking(inTurn(one, two), again));
      expectObservable(heard$, unsub).toBe('    -Wa-(ms)-f 501ms W-bd-(nt)', {
        ...told,
        m: '5.0 alice (own): a',
        s: 'stored 5 a',
        n: '6.0 alice (own): b',
        t: 'stored 6 b',
      });
      expectObservable(one.line$).toBe('        H-a------|', written);
      expectObservable(two.line$).toBe('        510ms 5--b-------(Q|)', writtenAfter(token['a']));
      expectSubscriptions(say$.subscriptions).toBe('-^ 512ms !');
    });
  });

  test('before the first welcome, where that passes: what you say is subscribed at the first one', () => {
    marbles((helpers) => {
      const { cold, expectObservable, expectSubscriptions } = helpers;
      const E = bytes('ERR timeout no answer in time');
      const [one, two] = linksOf(helpers, { E }, 'N--------E', '510ms NW');
      const say$ = cold('                        a', say);
      const heard$ = say$.pipe(talking(inTurn(one, two), { ...again, last: 2 }));
      expectObservable(heard$, '513ms !').toBe('---------t 501ms (Wa)', {
        ...told,
        t: 'offline 1, 500 ms: no answer in time',
      });
      expectSubscriptions(say$.subscriptions).toBe('511ms ^-!');
      const last2 = { ...written, H: `${HELLO} last=2` };
      expectObservable(one.line$).toBe('        H--------|', last2);
      expectObservable(two.line$).toBe('        510ms Ha-(Q|)', last2);
    });
  });

  test('is told by BYE too, which says when to come back, and takes it with it', () => {
    marbles((helpers) => {
      const { expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-q-o', '-------------NW');
      const heard$ = NEVER.pipe(talking(inTurn(one, two), again));
      const unsub = '                          ---------------!';
      expectObservable(heard$, unsub).toBe('   -W-(qf)-------W', {
        ...told,
        q: 'bye',
        f: 'offline 1, 9 ms: the relay is shutting down',
      });
      expectObservable(one.line$).toBe('       H--|', written);
      expectObservable(two.line$).toBe('       -------------4-(Q|)', written);
    });
  });

  test('is asked when the machine woke up, and dropped if nothing answers for 4 s', () => {
    marbles((helpers) => {
      const { hot, expectObservable, expectSubscriptions } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW 9s -', '4106ms NW');
      const woke$ = hot('                        -----w--');
      const heard$ = NEVER.pipe(talking(inTurn(one, two), { retry: { random: () => 0, woke$ } }));
      expectObservable(heard$, '4108ms !').toBe('-W 4103ms f-W', {
        ...told,
        f: 'offline 1, 0 ms: the relay did not answer',
      });
      const asked = { ...written, i: 'PING 4' };
      expectObservable(one.line$).toBe('       H----i 4099ms |', asked);
      expectObservable(two.line$).toBe('       4106ms 4-(Q|)', written);
      expectSubscriptions(woke$.subscriptions).toBe('^ 4107ms !');
    });
  });

  test('is kept when the machine woke up and anything at all comes, be it half a line', () => {
    marbles((helpers) => {
      const { hot, expectObservable } = helpers;
      const half = new TextEncoder().encode('+b');
      const [one] = linksOf(helpers, { x: half }, 'NW----x 9s -');
      const woke$ = hot('                        -----w');
      const heard$ = NEVER.pipe(talking(inTurn(one), { retry: { random: () => 0, woke$ } }));
      expectObservable(heard$, '8s !').toBe('-W', told);
    });
  });

  test('is left alone when the machine woke up before it was welcomed', () => {
    marbles((helpers) => {
      const { hot, expectObservable } = helpers;
      const [one] = linksOf(helpers, {}, 'N 8s W 1s -');
      const woke$ = hot('                        --w--w');
      const heard$ = NEVER.pipe(talking(inTurn(one), { retry: { random: () => 0, woke$ } }));
      expectObservable(heard$, '9s !').toBe('- 8s W', told);
      expectObservable(one.line$).toBe('H 8999ms (Q|)', written);
    });
  });

  test('is one over which nothing comes for two heartbeats', () => {
    marbles((helpers) => {
      const { expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, '-N-----W', '526ms NW');
      const heard$ = NEVER.pipe(talking(inTurn(one, two), { ...again, heartbeat: 10 }));
      expectObservable(heard$, '528ms !').toBe('-------W 17ms f 501ms W', {
        ...told,
        f: 'offline 1, 500 ms: nothing was heard for 20 ms',
      });
      expectObservable(one.line$).toBe('       -H 8ms o----i----o----|', {
        ...written,
        o: 'PONG 4',
        i: 'PING 4',
      });
      expectObservable(two.line$).toBe('       526ms 4-(Q|)', written);
    });
  });

  test('is one whose relay has counted something that did not come', () => {
    marbles((helpers) => {
      const { expectObservable } = helpers;
      const [one, two] = linksOf(helpers, { i: bytes('PING 9') }, 'NWo------i', '510ms N6');
      const heard$ = NEVER.pipe(talking(inTurn(one, two), again));
      expectObservable(heard$, '512ms !').toBe('-Wo------f 501ms W', {
        ...told,
        f: 'offline 1, 500 ms: the relay has counted up to entry 9, and 5 arrived',
      });
      expectObservable(two.line$).toBe('       510ms 5-(Q|)', writtenAfter(token['o']));
    });
  });

  test('may be lost again, and again', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const links = linksOf(helpers, {}, 'NW-------#', '510ms NW-------#', '1020ms NWa');
      const heard$ = cold('-a', say).pipe(talking(inTurn(...links), again));
      const unsub = '                        1023ms !';
      expectObservable(heard$, unsub).toBe(' -Wa------f 501ms W-------f 501ms W(ms)', {
        ...told,
        m: '5.0 alice (own): a',
        s: 'stored 5 a',
      });
      expectObservable(links[0].line$).toBe('H-a------|', written);
      expectObservable(links[1].line$).toBe('510ms 4a-------|', written);
      expectObservable(links[2].line$).toBe('1020ms 4a-(Q|)', written);
    });
  });

  test('two that talk by one operator share nothing but the way to the relay', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW', '----NW');
      const operator = talking(inTurn(one, two), again);
      expectObservable(cold('a', say).pipe(operator), '---!').toBe('-(Wa)', told);
      expectObservable(NEVER.pipe(operator), '---^--!').toBe('-----W', told);
      expectObservable(one.line$).toBe('Ha-(Q|)', written);
      expectObservable(two.line$).toBe('----H-(Q|)', written);
    });
  });
});

describe('what is said', () => {
  test('before, while offline and while catching up goes out in order, once all is read that was there', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-------#', '510ms N5-j-j-j--(abc)');
      const say$ = cold('                        -a 97ms b 413ms c', say);
      const heard$ = say$.pipe(talking(inTurn(one, two), again));
      const unsub = '                          530ms !';
      expectObservable(heard$, unsub).toBe('   -Wa------f 90ms b 410ms W-jck-l--(123456)', {
        ...told,
        1: '8.0 alice (own): a',
        2: 'stored 8 a',
        3: '9.0 alice (own): b',
        4: 'stored 9 b',
        5: '10.0 alice (own): c',
        6: 'stored 10 c',
      });
      expectObservable(one.line$).toBe('       H-a------|', written);
      expectObservable(two.line$).toBe('       510ms 4------(abc)--------(Q|)', written);
    });
  });

  test('goes out at once where there is nothing to catch up on', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-------#', '510ms NW');
      const heard$ = cold('(abc)', say).pipe(talking(inTurn(one, two), again));
      expectObservable(heard$, '516ms !').toBe('-(Wabc)--f 501ms W', told);
      expectObservable(two.line$).toBe('       510ms 4(abc)(Q|)', written);
    });
  });

  test.each([
    ['a', '(bc)'],
    ['b', '(ac)'],
    ['c', '(ab)'],
  ])('and met while catching up, here %s, is stored; the others go out again: %s', (met, left) => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-------#', `510ms N5-j-${met}---j`);
      const heard$ = cold('(abc)', say).pipe(talking(inTurn(one, two), again));
      expectObservable(heard$, '523ms !').toBe('-(Wabc)--f 501ms W-j-(ms)l', {
        ...told,
        m: `6.0 alice (own): ${met}`,
        s: `stored 6 ${met}`,
      });
      expectObservable(two.line$).toBe(`510ms 4--------${left}(Q|)`, written);
    });
  });

  test('and all met while catching up does not go out again', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-------#', '510ms N5-(abc)');
      const heard$ = cold('(abc)', say).pipe(talking(inTurn(one, two), again));
      expectObservable(heard$, '521ms !').toBe('-(Wabc)--f 501ms W-(123456)', {
        ...told,
        1: '5.0 alice (own): a',
        2: 'stored 5 a',
        3: '6.0 alice (own): b',
        4: 'stored 6 b',
        5: '7.0 alice (own): c',
        6: 'stored 7 c',
      });
      expectObservable(two.line$).toBe('       510ms 4----------(Q|)', written);
    });
  });

  test('and was all there is to say is stored all the same', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-------#', '510ms NW---a');
      const heard$ = cold('-a|', say).pipe(talking(inTurn(one, two), again));
      expectObservable(heard$, '520ms !').toBe('-Wad-----f 501ms W---(ms)', {
        ...told,
        m: '5.0 alice (own): a',
        s: 'stored 5 a',
      });
      expectObservable(two.line$).toBe('       510ms 4a--------(Q|)', written);
    });
  });

  test('twice is shown once, over another connection too', () => {
    marbles((helpers) => {
      const { expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NWo-o----#', '510ms N7-o');
      const heard$ = NEVER.pipe(talking(inTurn(one, two), again));
      expectObservable(heard$, '514ms !').toBe('-Wo-r----f 501ms W-s', {
        ...told,
        r: '6 repeated',
        s: '7 repeated',
      });
    });
  });
});

describe('a gap', () => {
  test('while catching up may hide what was stored: that goes out again', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-------#', '510ms N5-g-j--a');
      const heard$ = cold('-a', say).pipe(talking(inTurn(one, two), again));
      expectObservable(heard$, '522ms !').toBe('-Wa------f 501ms W-g-l--(ms)', {
        ...told,
        m: '8.0 alice (own): a',
        s: 'stored 8 a',
      });
      expectObservable(two.line$).toBe('       510ms 4----a------(Q|)', written);
    });
  });

  test('while catching up hides nothing that was said before what is met behind it', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-------#', '510ms N5-g-b');
      const heard$ = cold('-(abc)', say).pipe(talking(inTurn(one, two), again));
      expectObservable(heard$, '520ms !').toBe('-W(abc)--f 501ms W-g-(mst)', {
        ...told,
        m: '7.0 alice (own): b',
        s: 'stored somewhere a',
        t: 'stored 7 b',
      });
      expectObservable(two.line$).toBe('       510ms 4----c----(Q|)', written);
    });
  });

  test('is one too where the relay begins behind the place that was asked for', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-------#', '510ms N8---o');
      const heard$ = cold('-a', say).pipe(talking(inTurn(one, two), again));
      expectObservable(heard$, '517ms !').toBe('-Wa------f 501ms (Wg)o', {
        ...told,
        g: 'gap 5-7',
        o: '8.0 bob: hi',
      });
      expectObservable(two.line$).toBe('       510ms 4----a-(Q|)', written);
    });
  });

  test('over the last connection, and its question, is over: no PONG of this one is the answer', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW--g----#', '510ms N7-p-a');
      const heard$ = cold('-a', say).pipe(talking(inTurn(one, two), again));
      expectObservable(heard$, '519ms !').toBe('-Wa-g----f 501ms W---(ms)', {
        ...told,
        m: '7.0 alice (own): a',
        s: 'stored 7 a',
      });
      expectObservable(one.line$).toBe('       H-a-p----|', written);
      expectObservable(two.line$).toBe('       510ms 6a-------(Q|)', written);
    });
  });

  test('has the relay asked only once the heartbeat has its answer, for answers are not told apart', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one] = linksOf(helpers, {}, '         -N-----W 9ms gp----p');
      const heard$ = cold('9ms a', say).pipe(talking(one, { heartbeat: 10 }));
      expectObservable(heard$, '24ms !').toBe('    -------W 8ms ag-----s', {
        ...told,
        s: 'stored somewhere a',
      });
      expectObservable(one.line$).toBe('           -H 8ms i----ka-p-o---(Q|)', {
        ...written,
        i: 'PONG 4',
        k: 'PING 4',
        o: 'PONG 6',
      });
    });
  });
});

describe('a log that is another', () => {
  test('by its id is read, what is pending goes into it, and the next connection asks for it', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const more = { V: welcomed(1, 3, 'other'), X: welcomed(3, 3, 'other') };
      const drawings = ['NW-------#', '510ms NV---j-j--#', '1021ms NX'] as const;
      const links = linksOf(helpers, more, ...drawings);
      const heard$ = cold('-a', say).pipe(talking(inTurn(...links), again));
      const unsub = '                        1024ms !';
      expectObservable(heard$, unsub).toBe(' -Wa------f 501ms (WL)j-k--f 501ms W', {
        ...told,
        L: 'log-changed other',
        j: '1 joined bob',
        k: '2 joined bob',
      });
      expectObservable(links[1].line$).toBe('510ms 4------a--|', written);
      expectObservable(links[2].line$).toBe('1021ms ha-(Q|)', {
        ...written,
        h: writtenAfter('+bob')['3']?.replace(/log\/3\/(\S+)/, 'other/2/$1/1/$1'),
      });
    });
  });

  test('by its end, which lies before what was read, and what was read before is shown once', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NWo------#', '510ms NW---o');
      const heard$ = cold('--a', say).pipe(talking(inTurn(one, two), again));
      expectObservable(heard$, '516ms !').toBe('-Woa-----f 501ms (WL)r', {
        ...told,
        L: 'log-changed log',
        r: '5 repeated',
      });
      expectObservable(two.line$).toBe('       510ms 5a----(Q|)', writtenAfter(token['o']));
    });
  });

  test('is none for whoever reads any: only the first connection asks for that', () => {
    marbles((helpers) => {
      const { expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-------#', '510ms NW');
      const heard$ = NEVER.pipe(talking(inTurn(one, two), { ...again, after: { log: '*', n: 9 } }));
      expectObservable(heard$, '512ms !').toBe('-W-------f 501ms W', told);
      expectObservable(one.line$).toBe('       h--------|', { h: `${HELLO} after=*/9` });
      expectObservable(two.line$).toBe('       510ms 4-(Q|)', written);
    });
  });
});

test('only the first connection begins with the last few', () => {
  marbles((helpers) => {
    const { expectObservable } = helpers;
    const [one, two] = linksOf(helpers, {}, 'N3-j-----#', '510ms N4');
    const heard$ = NEVER.pipe(talking(inTurn(one, two), { ...again, last: 2 }));
    expectObservable(heard$, '512ms !').toBe('-W-j-----f 501ms W', { ...told, j: '3 joined bob' });
    expectObservable(one.line$).toBe('       h--------|', { h: `${HELLO} last=2` });
    expectObservable(two.line$).toBe('       510ms 3-(Q|)', writtenAfter('+bob'));
  });
});

describe('what an earlier run said', () => {
  const restored = [saidOf(['y'], EARLIER), saidOf(['z'], { ...EARLIER, counter: 2 })];
  const after = { log: 'log', n: 4 };
  const known = {
    ...told,
    y: 'said y',
    z: 'said z',
    m: '5.0 alice (own): y',
    s: 'stored 5 y',
    n: '6.0 alice (own): z',
    t: 'stored 6 z',
  };

  test('is said again at the first welcome; what of it is met is stored, the rest goes out', () => {
    marbles((helpers) => {
      const { expectObservable } = helpers;
      const [one] = linksOf(helpers, { 5: welcomed(5, 6) }, 'N5-----y----z');
      const heard$ = NEVER.pipe(talking(one, { ...again, after, restored }));
      expectObservable(heard$, '16ms !').toBe('-(Wyz)-(ms)-(nt)', known);
      expectObservable(one.line$).toBe('       4------z--------(Q|)', written);
    });
  });

  test('is said again once, however often it goes out, and before what this run says', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-------#', '510ms NW');
      const heard$ = cold('a', say).pipe(talking(inTurn(one, two), { ...again, restored }));
      expectObservable(heard$, '516ms !').toBe('-(Wyza)--f 501ms W', known);
      expectObservable(one.line$).toBe('       H(yza)---|', written);
      expectObservable(two.line$).toBe('       510ms 4(yza)(Q|)', written);
    });
  });
});

describe('what is no way to the relay', () => {
  const unreached = new LinkError('cannot reach the relay');
  const noRelay = new ProtocolError('bad-line', 'this is not an rxchat relay: it did not ask for a nick');
  const closed = new LinkError('the relay closed the connection');
  const late = new LinkError('the relay said nothing for 9 ms');

  test.each<[string, string, string, string, Error]>([
    ['a connection that is closed', 'N-|', '--#', 'H-(Q|)', closed],
    ['one that breaks', 'N-#', '--#', 'H-(Q|)', reset],
    ['something else that speaks', '-h', '-#', '-(Q|)', noRelay],
    ['a relay that says nothing', '---', '9ms #', '9ms (Q|)', late],
    ['a relay that says nothing but its greeting', 'N', '18ms #', 'H 17ms (Q|)', late],
  ])('is the first connection, where it never comes to a welcome: %s', (_name, chunk, out, line, error) => {
    marbles((helpers) => {
      const { hot, expectObservable } = helpers;
      const one = fakeConnection({ chunk$: hot(chunk, relay, reset) });
      const two = fakeConnection();
      const heard$ = NEVER.pipe(talking(inTurn(one, two), { ...again, handshakeTimeout: 9 }));
      expectObservable(heard$).toBe(out, told, error);
      expectObservable(one.line$).toBe(line, written);
    });
  });

  test('is an address that is not reached, nor reached after a refusal that passed', () => {
    marbles((helpers) => {
      const { cold, expectObservable, expectSubscriptions } = helpers;
      const connect$ = cold<Connection>('--#', undefined, unreached);
      expectObservable(NEVER.pipe(talking(connect$, again)), '9s !').toBe('--#', told, unreached);
      expectSubscriptions(connect$.subscriptions).toBe(['         ^-!', '509ms ^-!']);

      const E = bytes('ERR internal the relay failed');
      const [one] = linksOf(helpers, { E }, 'N--------E');
      const heard$ = NEVER.pipe(talking(inTurn(one, connect$), again));
      const internal = { f: 'offline 1, 500 ms: the relay failed' };
      expectObservable(heard$, '9s !').toBe('---------f 501ms #', internal, unreached);
    });
  });

  test('comes back in its turn to a relay that was busy, also where it was never in', () => {
    marbles((helpers) => {
      const { expectObservable } = helpers;
      const B = bytes('BYE busy 7');
      const [one, two] = linksOf(helpers, { B }, 'B', '--------NW');
      const heard$ = NEVER.pipe(talking(inTurn(one, two), again));
      expectObservable(heard$, '----------!').toBe('(qf)-----W', {
        ...told,
        q: 'bye',
        f: 'offline 1, 7 ms: the relay is busy',
      });
      expectObservable(one.line$).toBe('|');
    });
  });

  test('is one that is not reached after a relay that said BYE in place of WELCOME', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one] = linksOf(helpers, {}, 'Nq');
      const none$ = cold<Connection>('--#', undefined, unreached);
      const heard$ = NEVER.pipe(talking(inTurn(one, none$), again));
      expectObservable(heard$, '9s !').toBe(
        '-(qf)-------#',
        {
          q: 'bye',
          f: 'offline 1, 9 ms: the relay is shutting down',
        },
        unreached,
      );
      expectObservable(one.line$).toBe('H|', written);
    });
  });

  test('is one more way that is tried, once there was a welcome, and the waits grow', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two, three] = linksOf(helpers, {}, 'NW-------#', '1512ms h', '3514ms NW');
      const none$ = cold<Connection>('-#', undefined, unreached);
      const heard$ = NEVER.pipe(talking(inTurn(one, none$, two, three), again));
      const unsub = '                          3516ms !';
      expectObservable(heard$, unsub).toBe('   -W-------f 500ms u 1001ms h 2002ms W', {
        ...told,
        u: 'offline 2, 1000 ms: cannot reach the relay',
        h: `offline 3, 2000 ms: ${noRelay.message}`,
      });
      expectObservable(two.line$).toBe('       1512ms |');
      expectObservable(three.line$).toBe('     3514ms 4-(Q|)', written);
    });
  });

  test('is a fault of the program, at whatever time', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const fault = new TypeError('not a function');
      const faulty$ = cold<Connection>('#', undefined, fault);
      expectObservable(NEVER.pipe(talking(faulty$, again)), '9s !').toBe('#', told, fault);
      const [one] = linksOf(helpers, {}, 'NW-------#');
      const heard$ = NEVER.pipe(talking(inTurn(one, faulty$), again));
      expectObservable(heard$, '9s !').toBe('-W-------f 499ms #', told, fault);
    });
  });
});

describe('a refusal', () => {
  test.each(['nick-taken', 'bad-proof', 'bad-line', 'moved-to-mars'])('is the end: %s', (code) => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const error = new RefusedError(code, 'no');
      const E = bytes(`ERR ${code} no`);
      const [first, one, two] = linksOf(helpers, { E }, 'N-E', 'NW-------#', '510ms N-E');
      const never = fakeConnection();
      expectObservable(NEVER.pipe(talking(inTurn(first, never), again))).toBe('--#', told, error);
      expectObservable(first.line$).toBe('H-(Q|)', written);

      const heard$ = cold('-a', say).pipe(talking(inTurn(one, two, never), again));
      expectObservable(heard$).toBe('       -Wa------f 502ms #', told, error);
      expectObservable(two.line$).toBe('     510ms 4-(Q|)', written);
      expectObservable(never.line$).toBe('   -');
    });
  });

  test.each(['storage', 'internal', 'timeout'])('may pass: %s', (code) => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const E = bytes(`ERR ${code} not now`);
      const drawings = ['N--------E', '510ms NW-------E', '1020ms NW'] as const;
      const links = linksOf(helpers, { E }, ...drawings);
      const heard$ = cold('-a', say).pipe(talking(inTurn(...links), again));
      expectObservable(heard$, '1023ms !').toBe('---------f 501ms Wa------f 501ms W', {
        ...told,
        f: 'offline 1, 500 ms: not now',
      });
      expectObservable(links[0].line$).toBe('H--------|', written);
      expectObservable(links[1].line$).toBe('510ms H-a------|', written);
      expectObservable(links[2].line$).toBe('1020ms 4a-(Q|)', written);
    });
  });
});

describe('what ends it', () => {
  const fault = new Error('broken');
  const broken = () => {
    throw fault;
  };
  const losing$ = concat(of(ringOf(1)), timer(99).pipe(map(broken)));

  test.each<[string, string, Partial<ConversationOptions>, Error]>([
    ['what you say, when it fails', '98ms #', {}, fault],
    ['a cipher that cannot seal', '98ms a', { cipher: { ...fakeCipher, seal: broken } }, fault],
    ['keys that are lost', '-', { keyring$: losing$ }, fault],
  ])('ends it while offline too, when there is nobody to say BYE to: %s', (_name, says, more, error) => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-------#', '510ms NW');
      const heard$ = cold(says, say, fault).pipe(talking(inTurn(one, two), { ...again, ...more }));
      expectObservable(heard$).toBe('  -W-------f 89ms #', told, error);
      expectObservable(one.line$).toBe('H--------|', written);
      expectObservable(two.line$).toBe('-');
    });
  });

  test('ends the connection that there is, with BYE', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-------#', '510ms NW');
      const heard$ = cold('512ms #', say, fault).pipe(talking(inTurn(one, two), again));
      expectObservable(heard$).toBe('  -W-------f 501ms W-#', told, fault);
      expectObservable(two.line$).toBe('510ms 4--(Q|)', written);
    });
  });

  test('unsubscribing while it waits: there is no next connection', () => {
    marbles((helpers) => {
      const { cold, expectObservable, expectSubscriptions } = helpers;
      const [one] = linksOf(helpers, {}, 'NW-------#');
      const next$ = cold<Connection>('-');
      const heard$ = NEVER.pipe(talking(inTurn(one, next$), again));
      expectObservable(heard$, '99ms !').toBe('-W-------f', told);
      expectObservable(one.line$).toBe('       H--------|', written);
      expectSubscriptions(next$.subscriptions).toBe([]);
    });
  });

  test('unsubscribing while it connects again gives that up', () => {
    marbles((helpers) => {
      const { cold, expectObservable, expectSubscriptions } = helpers;
      const [one] = linksOf(helpers, {}, 'NW-------#');
      const two = fakeConnection();
      const next$ = cold<Connection>('9ms c', { c: two });
      const heard$ = NEVER.pipe(talking(inTurn(one, next$), again));
      expectObservable(heard$, '514ms !').toBe('-W-------f', told);
      expectSubscriptions(next$.subscriptions).toBe('509ms ^----!');
      expectObservable(two.line$).toBe('-');
    });
  });

  test.each([
    ['before the greeting', '513ms N', '', '512ms (Q|)'],
    ['before WELCOME', '510ms N--W', '', '510ms 4-(Q|)'],
    ['before it has caught up', '510ms N5', 'W', '510ms 4-(Q|)'],
    ['when it has', '510ms NW', 'W', '510ms 4a(Q|)'],
  ])('unsubscribing %s says BYE and closes, once', (_name, chunk, out, line) => {
    marbles((helpers) => {
      const { cold, expectObservable, expectSubscriptions } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-------#', chunk);
      const say$ = cold('-a', say);
      const heard$ = say$.pipe(talking(inTurn(one, two), again));
      expectObservable(heard$, '512ms !').toBe(`-Wa------f 501ms ${out}`, told);
      expectObservable(one.line$).toBe('H-a------|', written);
      expectObservable(two.line$).toBe(line, written);
      expectSubscriptions(say$.subscriptions).toBe('-^ 510ms !');
    });
  });
});

describe('no timer is left', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: 0 });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  /** A conversation that takes 100 ms to connect; `come` is what comes over its newest connection. */
  const begin = (more: Partial<ConversationOptions> = {}) => {
    let chunk$ = new Subject<Uint8Array>();
    const connect$ = timer(100).pipe(map(() => fakeConnection({ chunk$: (chunk$ = new Subject()) })));
    const ends: unknown[] = [];
    const subscription = NEVER.pipe(talking(connect$, { ...again, ...more })).subscribe({
      error: (error: unknown) => ends.push(error),
      complete: () => ends.push('complete'),
    });
    const come = (...glyphs: string[]) => {
      for (const glyph of glyphs) chunk$.next(relay[glyph]!);
    };
    const lose = () => {
      chunk$.error(reset);
    };
    return { subscription, ends, come, lose };
  };
  type Begun = ReturnType<typeof begin>;

  const phases: readonly (readonly [string, (begun: Begun) => void])[] = [
    ['connecting', () => undefined],
    ['before the greeting', () => jest.advanceTimersByTime(100)],
    ['before WELCOME', ({ come }) => come('N')],
    ['live', ({ come }) => come('W', 'o')],
    ['waiting', ({ lose }) => lose()],
    ['connecting again', () => jest.advanceTimersByTime(500)],
    ['before the second greeting', () => jest.advanceTimersByTime(100)],
    ['before the second WELCOME', ({ come }) => come('N')],
    ['catching up', ({ come }) => come('5', 'o')],
    ['waiting after BYE', ({ come }) => come('q')],
  ];

  test.each(phases.map(([name], n) => [name, n] as const))('where it is unsubscribed %s', (_name, last) => {
    const begun = begin();
    for (const [, step] of phases.slice(0, last + 1)) step(begun);
    expect(jest.getTimerCount()).toBeGreaterThan(0);
    begun.subscription.unsubscribe();
    expect(jest.getTimerCount()).toBe(0);
    expect(begun.ends).toStrictEqual([]);
  });

  test('where it errors, or completes', () => {
    const refused = begin();
    jest.advanceTimersByTime(100);
    refused.come('N', 'E');
    expect(refused.ends).toStrictEqual([new RefusedError('nick-taken', 'no')]);
    expect(jest.getTimerCount()).toBe(0);

    const over = begin({ retry: undefined });
    jest.advanceTimersByTime(100);
    over.come('N', 'W', 'q');
    expect(over.ends).toStrictEqual(['complete']);
    expect(jest.getTimerCount()).toBe(0);
  });
});
