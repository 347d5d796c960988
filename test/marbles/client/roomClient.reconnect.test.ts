import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { concat, map, NEVER, of, Subject, throwError, timer } from 'rxjs';
import type { RunHelpers } from 'rxjs/testing';
import type { Plaintext, Token } from '../../../streams/client/envelope/cipher.js';
import { decodeEnvelope } from '../../../streams/client/envelope/envelope.js';
import { relayRotation } from '../../../streams/client/reconnect/relayRotation.js';
import type { RoomClientOptions } from '../../../streams/client/roomClient.js';
import type { OutgoingMessage } from '../../../streams/client/send/seal.js';
import type { Connection } from '../../../streams/wire/connection.js';
import { ConnectionError, ProtocolError, RefusedError } from '../../../streams/wire/errors.js';
import { entryHash } from '../../../streams/wire/fields.js';
import { formatWelcome } from '../../../streams/wire/handshake.js';
import { encodeText } from '../../../streams/wire/encoding.js';
import { fakeCipher, fakeKey, fakeKeyring } from '../../support/fakeCipher.js';
import { type FakeConnection, fakeConnection } from '../../support/fakeConnection.js';
import { marbles } from '../../support/marbles.js';
import { ALICE, fakeHash, senderSessionOf } from '../../support/envelopes.js';
import { inSequence, queuedMessage, roomClientFixture, tokenOf } from '../../support/roomClientFixture.js';
import { bytes, relayLines, LOBBY, PROOF, SESSION } from '../../support/wire.js';

const EARLIER = { session: senderSessionOf(6) };

const token: Record<string, string> = {
  a: tokenOf(['a']),
  b: tokenOf(['b'], { counter: 2 }),
  c: tokenOf(['c'], { counter: 3 }),
  o: tokenOf(['hi'], { nick: 'bob', session: senderSessionOf(7) }),
  y: tokenOf(['y'], EARLIER),
  z: tokenOf(['z'], { ...EARLIER, counter: 2 }),
};

const welcomed = (from: number, next: number, log = 'log'): Uint8Array =>
  bytes(formatWelcome({ log, next, first: 1, from, durability: 'memory', count: 1, members: ['alice'] }));

/**
 * Lines of the relay in drawings: greeting N, and welcome W at the end of the log, 5. A welcome elsewhere is the
 * digit of its position, with more to read. The tokens a b c are alice's, y z are those of her earlier run, o is
 * bob's; j is bob's join.
 */
const relay: Record<string, Uint8Array> = {
  ...Object.fromEntries(Object.entries(token).map(([name, each]) => [name, bytes(each)])),
  N: bytes(relayLines['N']!),
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

/** Lines of alice: her answer H, or the digit of the position that she has read, her tokens, and BYE as Q. */
const written: Record<string, string> = {
  ...token,
  H: HELLO,
  ...Object.fromEntries(['3', '4', '5', '6'].map((n) => [n, `${HELLO} after=log/${n}`])),
  p: 'PING 6',
  Q: 'BYE leaving 0',
};

/** The same if this line was the last one that she read: its hash is in the answer. */
const writtenAfter = (line = ''): Record<string, string> => ({
  ...written,
  ...Object.fromEntries(
    ['3', '4', '5', '6'].map((n) => [n, `${HELLO} after=log/${n}/${entryHash(fakeHash(encodeText(line)))}`]),
  ),
});

const send: Record<string, OutgoingMessage> = {
  a: { lines: ['a'] },
  b: { lines: ['b'] },
  c: { lines: ['c'] },
  l: { lines: ['x'.repeat(50_000)] },
};

/** Events in drawings: welcome W, offline f, and alice's queued messages a b c. The others are as in most drawings. */
const reported: Record<string, string> = {
  W: 'welcome',
  f: 'offline 1, 500 ms: reset',
  a: 'said a',
  b: 'said b',
  c: 'said c',
  d: 'input-complete',
  o: '5.0 bob: hi',
  g: 'gap 5-6',
  j: '5 joined bob',
  k: '6 joined bob',
  l: '7 joined bob',
};

const reset = new ConnectionError('reset');

/** A client that was up retries after half a second. */
const again: Partial<RoomClientOptions> = { retry: { random: () => 0, stableAfterMs: 0 } };

/** Creates connections from drawings of their input. One breaks at `#`. */
const linksOf = <Drawings extends readonly string[]>(
  { hot }: RunHelpers,
  more: Record<string, Uint8Array>,
  ...drawings: Drawings
): { [K in keyof Drawings]: FakeConnection } =>
  drawings.map((drawing) =>
    fakeConnection({ chunk$: hot(drawing, { ...relay, ...more }, reset) }),
  ) as unknown as { [K in keyof Drawings]: FakeConnection };

// In most drawings the first connection breaks at 9 ms, and so the second one is made at 509 ms.
describe('a lost connection', () => {
  test('the client reconnects without writing to the old connection, and continues where it was', () => {
    marbles((helpers) => {
      const { expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW---o---#', '510ms N6-j');
      const event$ = NEVER.pipe(roomClientFixture(inSequence(one, two), again));
      const unsub = '                          514ms !';
      expectObservable(event$, unsub).toBe('   -W---o---f 501ms W-k', reported);
      expectObservable(one.line$).toBe('       H--------|', written);
      expectObservable(two.line$).toBe('       510ms 5---(Q|)', writtenAfter(token['o']));
    });
  });

  test('the client reconnects for another nick, and seals later messages under it', () => {
    marbles((helpers) => {
      const { hot, cold, expectObservable, flush } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW--------', '-----NW----');
      const event$ = cold('                             ----------b', send).pipe(
        roomClientFixture(inSequence(one, two), { ...again, nick$: hot('----n', { n: 'ally' }) }),
      );
      expectObservable(event$, '           ------------!').toBe('-W----(rW)-b', {
        ...reported,
        r: 'renamed',
      });
      expectObservable(one.line$).toBe('   H---|', written);
      flush();
      const [hello, sealed = '', closeReason] = two.writes;
      expect([hello, closeReason]).toStrictEqual([
        `${HELLO.replace('alice', 'ally')} after=log/4\n`,
        `${written['Q']}\n`,
      ]);
      const opened = fakeCipher.open(fakeKey(1), sealed.trim() as Token) as Plaintext;
      expect(decodeEnvelope(opened)).toMatchObject({ nick: 'ally', key: ALICE.key, lines: ['b'] });
    });
  });

  test('a client with several relays continues at the next one at once when a relay stops', () => {
    marbles((helpers) => {
      const { expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW---o--q', '-------------N6-j');
      const rotation = relayRotation([of(one), of(two)]);
      const event$ = NEVER.pipe(roomClientFixture(NEVER, { ...again, rotation }));
      expectObservable(event$, '            -----------------!').toBe('-W---o--(zf)--W-k', {
        ...reported,
        z: 'bye',
        f: 'offline 1, 0 ms: the relay is shutting down',
      });
      expectObservable(one.line$).toBe('   H-------|', written);
      expectObservable(two.line$).toBe('   -------------5---(Q|)', writtenAfter(token['o']));
    });
  });

  test('a client with several relays stays at its relay for another nick', () => {
    marbles((helpers) => {
      const { hot, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW--------', '-----NW----');
      const other = fakeConnection({ chunk$: NEVER });
      const rotation = relayRotation([inSequence(one, two), of(other)]);
      const options = { ...again, rotation, nick$: hot('----n', { n: 'ally' }) };
      expectObservable(NEVER.pipe(roomClientFixture(NEVER, options)), '--------!').toBe('-W----(rW)', {
        ...reported,
        r: 'renamed',
      });
      expectObservable(other.line$).toBe('-');
    });
  });

  test('without retry, a client with several relays tries each of them once', () => {
    marbles(({ expectObservable }) => {
      const lost = (name: string) => throwError(() => new ConnectionError(`cannot reach ${name}`));
      const rotation = relayRotation([lost('a'), lost('b')]);
      const event$ = NEVER.pipe(roomClientFixture(NEVER, { rotation }));
      expectObservable(event$).toBe('#', undefined, new ConnectionError('cannot reach a; cannot reach b'));
    });
  });

  test('the messages are subscribed once when the client reconnects, as one run', () => {
    marbles((helpers) => {
      const { cold, expectObservable, expectSubscriptions } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW--a----#', '510ms N6----b');
      const outgoing$ = cold('                        -a 510ms b|', send);
      const unsub = '                           521ms !';
      const event$ = outgoing$.pipe(roomClientFixture(inSequence(one, two), again));
      expectObservable(event$, unsub).toBe('    -Wa-(ms)-f 501ms W-bd-(nt)', {
        ...reported,
        m: '5.0 alice (own): a',
        s: 'stored 5 a',
        n: '6.0 alice (own): b',
        t: 'stored 6 b',
      });
      expectObservable(one.line$).toBe('        H-a------|', written);
      expectObservable(two.line$).toBe('        510ms 5--b-------(Q|)', writtenAfter(token['a']));
      expectSubscriptions(outgoing$.subscriptions).toBe('-^ 512ms !');
    });
  });

  test('the messages are subscribed at the first welcome when earlier attempts fail', () => {
    marbles((helpers) => {
      const { cold, expectObservable, expectSubscriptions } = helpers;
      const E = bytes('ERR timeout no answer in time');
      const [one, two] = linksOf(helpers, { E }, 'N--------E', '510ms NW');
      const outgoing$ = cold('                        a', send);
      const event$ = outgoing$.pipe(roomClientFixture(inSequence(one, two), { ...again, last: 2 }));
      expectObservable(event$, '513ms !').toBe('---------t 501ms (Wa)', {
        ...reported,
        t: 'offline 1, 500 ms: no answer in time',
      });
      expectSubscriptions(outgoing$.subscriptions).toBe('511ms ^-!');
      const last2 = { ...written, H: `${HELLO} last=2` };
      expectObservable(one.line$).toBe('        H--------|', last2);
      expectObservable(two.line$).toBe('        510ms Ha-(Q|)', last2);
    });
  });

  test('the client goes offline at BYE and keeps the delay that BYE requests', () => {
    marbles((helpers) => {
      const { expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-q-o', '-------------NW');
      const event$ = NEVER.pipe(roomClientFixture(inSequence(one, two), again));
      const unsub = '                          ---------------!';
      expectObservable(event$, unsub).toBe('   -W-(qf)-------W', {
        ...reported,
        q: 'bye',
        f: 'offline 1, 9 ms: the relay is shutting down',
      });
      expectObservable(one.line$).toBe('       H--|', written);
      expectObservable(two.line$).toBe('       -------------4-(Q|)', written);
    });
  });

  test('the client pings the relay after a wake-up, and drops the connection without an answer in 4 s', () => {
    marbles((helpers) => {
      const { hot, expectObservable, expectSubscriptions } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW 9s -', '4106ms NW');
      const wake$ = hot('                        -----w--');
      const event$ = NEVER.pipe(
        roomClientFixture(inSequence(one, two), { retry: { random: () => 0, wake$ } }),
      );
      expectObservable(event$, '4108ms !').toBe('-W 4103ms f-W', {
        ...reported,
        f: 'offline 1, 0 ms: the relay did not answer',
      });
      const requested = { ...written, i: 'PING 4' };
      expectObservable(one.line$).toBe('       H----i 4099ms |', requested);
      expectObservable(two.line$).toBe('       4106ms 4-(Q|)', written);
      expectSubscriptions(wake$.subscriptions).toBe('^ 4107ms !');
    });
  });

  test('the client keeps the connection after a wake-up when half a line arrives', () => {
    marbles((helpers) => {
      const { hot, expectObservable } = helpers;
      const half = new TextEncoder().encode('+b');
      const [one] = linksOf(helpers, { x: half }, 'NW----x 9s -');
      const wake$ = hot('                        -----w');
      const event$ = NEVER.pipe(roomClientFixture(inSequence(one), { retry: { random: () => 0, wake$ } }));
      expectObservable(event$, '8s !').toBe('-W', reported);
    });
  });

  test('the client does not ping after a wake-up before WELCOME', () => {
    marbles((helpers) => {
      const { hot, expectObservable } = helpers;
      const [one] = linksOf(helpers, {}, 'N 8s W 1s -');
      const wake$ = hot('                        --w--w');
      const event$ = NEVER.pipe(roomClientFixture(inSequence(one), { retry: { random: () => 0, wake$ } }));
      expectObservable(event$, '9s !').toBe('- 8s W', reported);
      expectObservable(one.line$).toBe('H 8999ms (Q|)', written);
    });
  });

  test('the client reconnects after two silent heartbeats', () => {
    marbles((helpers) => {
      const { expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, '-N-----W', '526ms NW');
      const event$ = NEVER.pipe(roomClientFixture(inSequence(one, two), { ...again, heartbeatMs: 10 }));
      expectObservable(event$, '528ms !').toBe('-------W 17ms f 501ms W', {
        ...reported,
        f: 'offline 1, 500 ms: the connection is silent',
      });
      expectObservable(one.line$).toBe('       -H 8ms o----i----o----|', {
        ...written,
        o: 'PONG 4',
        i: 'PING 4',
      });
      expectObservable(two.line$).toBe('       526ms 4-(Q|)', written);
    });
  });

  test('the client reconnects when the relay counts an entry that did not arrive', () => {
    marbles((helpers) => {
      const { expectObservable } = helpers;
      const [one, two] = linksOf(helpers, { i: bytes('PING 9') }, 'NWo------i', '510ms N6');
      const event$ = NEVER.pipe(roomClientFixture(inSequence(one, two), again));
      expectObservable(event$, '512ms !').toBe('-Wo------f 501ms W', {
        ...reported,
        f: 'offline 1, 500 ms: the relay has counted up to entry 9, and 5 arrived',
      });
      expectObservable(two.line$).toBe('       510ms 5-(Q|)', writtenAfter(token['o']));
    });
  });

  test('the client reconnects again and again', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const links = linksOf(helpers, {}, 'NW-------#', '510ms NW-------#', '1020ms NWa');
      const event$ = cold('-a', send).pipe(roomClientFixture(inSequence(...links), again));
      const unsub = '                        1023ms !';
      expectObservable(event$, unsub).toBe(' -Wa------f 501ms W-------f 501ms W(ms)', {
        ...reported,
        m: '5.0 alice (own): a',
        s: 'stored 5 a',
      });
      expectObservable(links[0].line$).toBe('H-a------|', written);
      expectObservable(links[1].line$).toBe('510ms 4a-------|', written);
      expectObservable(links[2].line$).toBe('1020ms 4a-(Q|)', written);
    });
  });

  test('two subscriptions of one operator share only connect$', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW', '----NW');
      const operator = roomClientFixture(inSequence(one, two), again);
      expectObservable(cold('a', send).pipe(operator), '---!').toBe('-(Wa)', reported);
      expectObservable(NEVER.pipe(operator), '---^--!').toBe('-----W', reported);
      expectObservable(one.line$).toBe('Ha-(Q|)', written);
      expectObservable(two.line$).toBe('----H-(Q|)', written);
    });
  });
});

describe('messages over several connections', () => {
  test('messages from offline and from catching up go out in order when the log is read to its end', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-------#', '510ms N5-j-j-j--(abc)');
      const outgoing$ = cold('                        -a 97ms b 413ms c', send);
      const event$ = outgoing$.pipe(roomClientFixture(inSequence(one, two), again));
      const unsub = '                          530ms !';
      expectObservable(event$, unsub).toBe('   -Wa------f 90ms b 410ms W-jck-l--(123456)', {
        ...reported,
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

  test('messages go out at once when there is nothing to catch up on', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-------#', '510ms NW');
      const event$ = cold('(abc)', send).pipe(roomClientFixture(inSequence(one, two), again));
      expectObservable(event$, '516ms !').toBe('-(Wabc)--f 501ms W', reported);
      expectObservable(two.line$).toBe('       510ms 4(abc)(Q|)', written);
    });
  });

  test.each([
    ['a', '(bc)'],
    ['b', '(ac)'],
    ['c', '(ab)'],
  ])(
    'messages that are found while catching up (%s) are stored, and the others are resent: %s',
    (observed, left) => {
      marbles((helpers) => {
        const { cold, expectObservable } = helpers;
        const [one, two] = linksOf(helpers, {}, 'NW-------#', `510ms N5-j-${observed}---j`);
        const event$ = cold('(abc)', send).pipe(roomClientFixture(inSequence(one, two), again));
        expectObservable(event$, '523ms !').toBe('-(Wabc)--f 501ms W-j-(ms)l', {
          ...reported,
          m: `6.0 alice (own): ${observed}`,
          s: `stored 6 ${observed}`,
        });
        expectObservable(two.line$).toBe(`510ms 4--------${left}(Q|)`, written);
      });
    },
  );

  test('no message is resent when all are found while catching up', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-------#', '510ms N5-(abc)');
      const event$ = cold('(abc)', send).pipe(roomClientFixture(inSequence(one, two), again));
      expectObservable(event$, '521ms !').toBe('-(Wabc)--f 501ms W-(123456)', {
        ...reported,
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

  test('the last message is stored when the input has completed', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-------#', '510ms NW---a');
      const event$ = cold('-a|', send).pipe(roomClientFixture(inSequence(one, two), again));
      expectObservable(event$, '520ms !').toBe('-Wad-----f 501ms W---(ms)', {
        ...reported,
        m: '5.0 alice (own): a',
        s: 'stored 5 a',
      });
      expectObservable(two.line$).toBe('       510ms 4a--------(Q|)', written);
    });
  });

  test('a message that is sent twice is shown once, also over another connection', () => {
    marbles((helpers) => {
      const { expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NWo-o----#', '510ms N7-o');
      const event$ = NEVER.pipe(roomClientFixture(inSequence(one, two), again));
      expectObservable(event$, '514ms !').toBe('-Wo-r----f 501ms W-s', {
        ...reported,
        r: '6 repeated',
        s: '7 repeated',
      });
    });
  });
});

describe('a gap over several connections', () => {
  test('messages that a gap may hide while catching up are resent', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-------#', '510ms N5-g-j--a');
      const event$ = cold('-a', send).pipe(roomClientFixture(inSequence(one, two), again));
      expectObservable(event$, '522ms !').toBe('-Wa------f 501ms W-g-l--(ms)', {
        ...reported,
        m: '8.0 alice (own): a',
        s: 'stored 8 a',
      });
      expectObservable(two.line$).toBe('       510ms 4----a------(Q|)', written);
    });
  });

  test('messages before one that is found after the gap are not resent', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-------#', '510ms N5-g-b');
      const event$ = cold('-(abc)', send).pipe(roomClientFixture(inSequence(one, two), again));
      expectObservable(event$, '520ms !').toBe('-W(abc)--f 501ms W-g-(mst)', {
        ...reported,
        m: '7.0 alice (own): b',
        s: 'stored somewhere a',
        t: 'stored 7 b',
      });
      expectObservable(two.line$).toBe('       510ms 4----c----(Q|)', written);
    });
  });

  test('a relay that begins after the requested position counts as a gap', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-------#', '510ms N8---o');
      const event$ = cold('-a', send).pipe(roomClientFixture(inSequence(one, two), again));
      expectObservable(event$, '517ms !').toBe('-Wa------f 501ms (Wg)o', {
        ...reported,
        g: 'gap 5-7',
        o: '8.0 bob: hi',
      });
      expectObservable(two.line$).toBe('       510ms 4----a-(Q|)', written);
    });
  });

  test('a PONG does not answer a PING of the previous connection', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW--g----#', '510ms N7-p-a');
      const event$ = cold('-a', send).pipe(roomClientFixture(inSequence(one, two), again));
      expectObservable(event$, '519ms !').toBe('-Wa-g----f 501ms W---(ms)', {
        ...reported,
        m: '7.0 alice (own): a',
        s: 'stored 7 a',
      });
      expectObservable(one.line$).toBe('       H-a-p----|', written);
      expectObservable(two.line$).toBe('       510ms 6a-------(Q|)', written);
    });
  });

  test('the client sends PING for a gap only after the answer to the heartbeat', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one] = linksOf(helpers, {}, '         -N-----W 9ms gp----p');
      const event$ = cold('9ms a', send).pipe(roomClientFixture(one, { heartbeatMs: 10 }));
      expectObservable(event$, '24ms !').toBe('    -------W 8ms ag-----s', {
        ...reported,
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

describe('another log', () => {
  test('a log with another id is read, gets the pending messages, and is requested next', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const more = { V: welcomed(1, 3, 'other'), X: welcomed(3, 3, 'other') };
      const drawings = ['NW-------#', '510ms NV---j-j--#', '1021ms NX'] as const;
      const links = linksOf(helpers, more, ...drawings);
      const event$ = cold('-a', send).pipe(roomClientFixture(inSequence(...links), again));
      const unsub = '                        1024ms !';
      expectObservable(event$, unsub).toBe(' -Wa------f 501ms (WL)j-k--f 501ms W', {
        ...reported,
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

  test('a log that lost its end is read from there, and earlier entries are shown once', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NWo------#', '510ms NW---o');
      const event$ = cold('--a', send).pipe(roomClientFixture(inSequence(one, two), again));
      expectObservable(event$, '516ms !').toBe('-Woa-----f 501ms (WL)r', {
        ...reported,
        L: 'log-changed log',
        r: '5 repeated',
      });
      expectObservable(two.line$).toBe('       510ms 5a----(Q|)', writtenAfter(token['o']));
    });
  });

  test('only the first connection asks for any log', () => {
    marbles((helpers) => {
      const { expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-------#', '510ms NW');
      const event$ = NEVER.pipe(
        roomClientFixture(inSequence(one, two), { ...again, after: { log: '*', n: 9 } }),
      );
      expectObservable(event$, '512ms !').toBe('-W-------f 501ms W', reported);
      expectObservable(one.line$).toBe('       h--------|', { h: `${HELLO} after=*/9` });
      expectObservable(two.line$).toBe('       510ms 4-(Q|)', written);
    });
  });
});

test('only the first connection begins with the last entries', () => {
  marbles((helpers) => {
    const { expectObservable } = helpers;
    const [one, two] = linksOf(helpers, {}, 'N3-j-----#', '510ms N4');
    const event$ = NEVER.pipe(roomClientFixture(inSequence(one, two), { ...again, last: 2 }));
    expectObservable(event$, '512ms !').toBe('-W-j-----f 501ms W', { ...reported, j: '3 joined bob' });
    expectObservable(one.line$).toBe('       h--------|', { h: `${HELLO} last=2` });
    expectObservable(two.line$).toBe('       510ms 3-(Q|)', writtenAfter('+bob'));
  });
});

describe('messages of an earlier run', () => {
  const restored = [queuedMessage(['y'], EARLIER), queuedMessage(['z'], { ...EARLIER, counter: 2 })];
  const after = { log: 'log', n: 4 };
  const known = {
    ...reported,
    y: 'said y',
    z: 'said z',
    m: '5.0 alice (own): y',
    s: 'stored 5 y',
    n: '6.0 alice (own): z',
    t: 'stored 6 z',
  };

  test('messages of an earlier run are queued at the first welcome; those that are found are stored, the rest is sent', () => {
    marbles((helpers) => {
      const { expectObservable } = helpers;
      const [one] = linksOf(helpers, { 5: welcomed(5, 6) }, 'N5-----y----z');
      const event$ = NEVER.pipe(roomClientFixture(one, { ...again, after, pendingMessages: restored }));
      expectObservable(event$, '16ms !').toBe('-(Wyz)-(ms)-(nt)', known);
      expectObservable(one.line$).toBe('       4------z--------(Q|)', written);
    });
  });

  test('messages of an earlier run are queued once and precede those of this run', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-------#', '510ms NW');
      const event$ = cold('a', send).pipe(
        roomClientFixture(inSequence(one, two), { ...again, pendingMessages: restored }),
      );
      expectObservable(event$, '516ms !').toBe('-(Wyza)--f 501ms W', known);
      expectObservable(one.line$).toBe('       H(yza)---|', written);
      expectObservable(two.line$).toBe('       510ms 4(yza)(Q|)', written);
    });
  });
});

describe('failed connection attempts', () => {
  const unreached = new ConnectionError('cannot reach the relay');
  const noRelay = new ProtocolError('bad-line', 'this is not an rxchat relay: it did not ask for a nick');
  const closed = new ConnectionError('the relay closed the connection');
  const late = new ConnectionError('the relay does not answer');

  test.each<[string, string, string, string, Error]>([
    ['a connection that is closed', 'N-|', '--#', 'H-(Q|)', closed],
    ['one that breaks', 'N-#', '--#', 'H-(Q|)', reset],
    ['something else that speaks', '-h', '-#', '-(Q|)', noRelay],
    ['a relay that says nothing', '---', '9ms #', '9ms (Q|)', late],
    ['a relay that says nothing but its greeting', 'N', '18ms #', 'H 17ms (Q|)', late],
  ])(
    'the client errors when the first connection fails before WELCOME: %s',
    (_name, chunk, out, line, error) => {
      marbles((helpers) => {
        const { hot, expectObservable } = helpers;
        const one = fakeConnection({ chunk$: hot(chunk, relay, reset) });
        const two = fakeConnection();
        const event$ = NEVER.pipe(
          roomClientFixture(inSequence(one, two), { ...again, handshakeTimeoutMs: 9 }),
        );
        expectObservable(event$).toBe(out, reported, error);
        expectObservable(one.line$).toBe(line, written);
      });
    },
  );

  test('the client errors when the address is not reached, also after a temporary rejection', () => {
    marbles((helpers) => {
      const { cold, expectObservable, expectSubscriptions } = helpers;
      const connect$ = cold<Connection>('--#', undefined, unreached);
      expectObservable(NEVER.pipe(roomClientFixture(connect$, again)), '9s !').toBe(
        '--#',
        reported,
        unreached,
      );
      expectSubscriptions(connect$.subscriptions).toBe(['         ^-!', '509ms ^-!']);

      const E = bytes('ERR internal the relay failed');
      const [one] = linksOf(helpers, { E }, 'N--------E');
      const event$ = NEVER.pipe(roomClientFixture(inSequence(one, connect$), again));
      const internal = { f: 'offline 1, 500 ms: the relay failed' };
      expectObservable(event$, '9s !').toBe('---------f 501ms #', internal, unreached);
    });
  });

  test('the client retries a busy relay, also before the first WELCOME', () => {
    marbles((helpers) => {
      const { expectObservable } = helpers;
      const B = bytes('BYE busy 7');
      const [one, two] = linksOf(helpers, { B }, 'B', '--------NW');
      const event$ = NEVER.pipe(roomClientFixture(inSequence(one, two), again));
      expectObservable(event$, '----------!').toBe('(qf)-----W', {
        ...reported,
        q: 'bye',
        f: 'offline 1, 7 ms: the relay is busy',
      });
      expectObservable(one.line$).toBe('|');
    });
  });

  test('the client errors when the relay is not reached after BYE instead of WELCOME', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one] = linksOf(helpers, {}, 'Nq');
      const none$ = cold<Connection>('--#', undefined, unreached);
      const event$ = NEVER.pipe(roomClientFixture(inSequence(one, none$), again));
      expectObservable(event$, '9s !').toBe(
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

  test('the client retries with growing delays when it was welcomed before', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two, three] = linksOf(helpers, {}, 'NW-------#', '1512ms h', '3514ms NW');
      const none$ = cold<Connection>('-#', undefined, unreached);
      const event$ = NEVER.pipe(roomClientFixture(inSequence(one, none$, two, three), again));
      const unsub = '                          3516ms !';
      expectObservable(event$, unsub).toBe('   -W-------f 500ms u 1001ms h 2002ms W', {
        ...reported,
        u: 'offline 2, 1000 ms: cannot reach the relay',
        h: `offline 3, 2000 ms: ${noRelay.message}`,
      });
      expectObservable(two.line$).toBe('       1512ms |');
      expectObservable(three.line$).toBe('     3514ms 4-(Q|)', written);
    });
  });

  test('the client errors at once when the program throws', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const fault = new TypeError('not a function');
      const faulty$ = cold<Connection>('#', undefined, fault);
      expectObservable(NEVER.pipe(roomClientFixture(faulty$, again)), '9s !').toBe('#', reported, fault);
      const [one] = linksOf(helpers, {}, 'NW-------#');
      const event$ = NEVER.pipe(roomClientFixture(inSequence(one, faulty$), again));
      expectObservable(event$, '9s !').toBe('-W-------f 499ms #', reported, fault);
    });
  });
});

describe('a rejection', () => {
  test.each(['nick-taken', 'bad-proof', 'bad-line', 'moved-to-mars'])(
    'the client errors when the relay rejects it for good: %s',
    (code) => {
      marbles((helpers) => {
        const { cold, expectObservable } = helpers;
        const error = new RefusedError(code, 'no');
        const E = bytes(`ERR ${code} no`);
        const [first, one, two] = linksOf(helpers, { E }, 'N-E', 'NW-------#', '510ms N-E');
        const never = fakeConnection();
        expectObservable(NEVER.pipe(roomClientFixture(inSequence(first, never), again))).toBe(
          '--#',
          reported,
          error,
        );
        expectObservable(first.line$).toBe('H-(Q|)', written);

        const event$ = cold('-a', send).pipe(roomClientFixture(inSequence(one, two, never), again));
        expectObservable(event$).toBe('       -Wa------f 502ms #', reported, error);
        expectObservable(two.line$).toBe('     510ms 4-(Q|)', written);
        expectObservable(never.line$).toBe('   -');
      });
    },
  );

  test.each(['storage', 'internal', 'timeout'])(
    'the client retries when the rejection is temporary: %s',
    (code) => {
      marbles((helpers) => {
        const { cold, expectObservable } = helpers;
        const E = bytes(`ERR ${code} not now`);
        const drawings = ['N--------E', '510ms NW-------E', '1020ms NW'] as const;
        const links = linksOf(helpers, { E }, ...drawings);
        const event$ = cold('-a', send).pipe(roomClientFixture(inSequence(...links), again));
        expectObservable(event$, '1023ms !').toBe('---------f 501ms Wa------f 501ms W', {
          ...reported,
          f: 'offline 1, 500 ms: not now',
        });
        expectObservable(links[0].line$).toBe('H--------|', written);
        expectObservable(links[1].line$).toBe('510ms H-a------|', written);
        expectObservable(links[2].line$).toBe('1020ms 4a-(Q|)', written);
      });
    },
  );
});

describe('the end of a client with retries', () => {
  const fault = new Error('broken');
  const broken = () => {
    throw fault;
  };
  const losing$ = concat(of(fakeKeyring(1)), timer(99).pipe(map(broken)));

  test.each<[string, string, Partial<RoomClientOptions>, Error]>([
    ['what you say, when it fails', '98ms #', {}, fault],
    ['a cipher that cannot seal', '98ms a', { cipher: { ...fakeCipher, seal: broken } }, fault],
    ['keys that are lost', '-', { keyring$: losing$ }, fault],
  ])('the client errors while offline without writing BYE: %s', (_name, sends, more, error) => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-------#', '510ms NW');
      const event$ = cold(sends, send, fault).pipe(
        roomClientFixture(inSequence(one, two), { ...again, ...more }),
      );
      expectObservable(event$).toBe('  -W-------f 89ms #', reported, error);
      expectObservable(one.line$).toBe('H--------|', written);
      expectObservable(two.line$).toBe('-');
    });
  });

  test('an error closes the present connection with BYE', () => {
    marbles((helpers) => {
      const { cold, expectObservable } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-------#', '510ms NW');
      const event$ = cold('512ms #', send, fault).pipe(roomClientFixture(inSequence(one, two), again));
      expectObservable(event$).toBe('  -W-------f 501ms W-#', reported, fault);
      expectObservable(two.line$).toBe('510ms 4--(Q|)', written);
    });
  });

  test('unsubscribing during a delay makes no further connection', () => {
    marbles((helpers) => {
      const { cold, expectObservable, expectSubscriptions } = helpers;
      const [one] = linksOf(helpers, {}, 'NW-------#');
      const next$ = cold<Connection>('-');
      const event$ = NEVER.pipe(roomClientFixture(inSequence(one, next$), again));
      expectObservable(event$, '99ms !').toBe('-W-------f', reported);
      expectObservable(one.line$).toBe('       H--------|', written);
      expectSubscriptions(next$.subscriptions).toBe([]);
    });
  });

  test('unsubscribing during a reconnect cancels it', () => {
    marbles((helpers) => {
      const { cold, expectObservable, expectSubscriptions } = helpers;
      const [one] = linksOf(helpers, {}, 'NW-------#');
      const two = fakeConnection();
      const next$ = cold<Connection>('9ms c', { c: two });
      const event$ = NEVER.pipe(roomClientFixture(inSequence(one, next$), again));
      expectObservable(event$, '514ms !').toBe('-W-------f', reported);
      expectSubscriptions(next$.subscriptions).toBe('509ms ^----!');
      expectObservable(two.line$).toBe('-');
    });
  });

  test.each([
    ['before the greeting', '513ms N', '', '512ms (Q|)'],
    ['before WELCOME', '510ms N--W', '', '510ms 4-(Q|)'],
    ['before it has caught up', '510ms N5', 'W', '510ms 4-(Q|)'],
    ['when it has', '510ms NW', 'W', '510ms 4a(Q|)'],
  ])('unsubscribing %s writes BYE and closes the connection once', (_name, chunk, out, line) => {
    marbles((helpers) => {
      const { cold, expectObservable, expectSubscriptions } = helpers;
      const [one, two] = linksOf(helpers, {}, 'NW-------#', chunk);
      const outgoing$ = cold('-a', send);
      const event$ = outgoing$.pipe(roomClientFixture(inSequence(one, two), again));
      expectObservable(event$, '512ms !').toBe(`-Wa------f 501ms ${out}`, reported);
      expectObservable(one.line$).toBe('H-a------|', written);
      expectObservable(two.line$).toBe(line, written);
      expectSubscriptions(outgoing$.subscriptions).toBe('-^ 510ms !');
    });
  });
});

describe('the timers of a client with retries', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: 0 });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  /** Starts a client that takes 100 ms to connect; `come` is the input of its newest connection. */
  const begin = (more: Partial<RoomClientOptions> = {}) => {
    let chunk$ = new Subject<Uint8Array>();
    const connect$ = timer(100).pipe(map(() => fakeConnection({ chunk$: (chunk$ = new Subject()) })));
    const ends: unknown[] = [];
    const subscription = NEVER.pipe(roomClientFixture(connect$, { ...again, ...more })).subscribe({
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
  type Started = ReturnType<typeof begin>;

  const phases: readonly (readonly [string, (started: Started) => void])[] = [
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

  test.each(phases.map(([name], n) => [name, n] as const))(
    'no timer remains when it is unsubscribed %s',
    (_name, last) => {
      const started = begin();
      for (const [, step] of phases.slice(0, last + 1)) step(started);
      expect(jest.getTimerCount()).toBeGreaterThan(0);
      started.subscription.unsubscribe();
      expect(jest.getTimerCount()).toBe(0);
      expect(started.ends).toStrictEqual([]);
    },
  );

  test('no timer remains when it errors or completes', () => {
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
