import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { asyncScheduler, map, type Observable, Subject } from 'rxjs';
import { join, type JoinOptions } from '../../../streams/client/join.js';
import { decodeTextLossy, encodeText, toBase64url } from '../../../streams/wire/encoding.js';
import { ConnectionError, ProtocolError, RefusedError } from '../../../streams/wire/errors.js';
import { formatWelcome } from '../../../streams/wire/handshake.js';
import { type FakeConnection, fakeConnection } from '../../support/fakeConnection.js';
import { marbles } from '../../support/marbles.js';
import { bytes, relayLines, LOBBY, NONCE, PROOF, SESSION, token } from '../../support/wire.js';

const HELLO = `NICK alice room=${LOBBY} session=${SESSION} proof=${PROOF}`;

const welcomed = (from: number, next: number): Uint8Array =>
  bytes(formatWelcome({ log: 'log', next, first: 1, from, durability: 'os', count: 1, members: undefined }));

/**
 * Lines of the relay in drawings: greeting N, welcome W from position 7, an entry x, a gap g, BYE q. PING 0 and PONG
 * 0 are p and o.
 */
const relay: Record<string, Uint8Array> = {
  N: bytes(relayLines['N']!),
  W: welcomed(7, 7),
  x: bytes(token('x')),
  A: bytes('+alice'),
  g: bytes('GAP 7 20'),
  p: bytes('PING 0'),
  o: bytes('PONG 0'),
  q: bytes('BYE shutdown 1000'),
};

/** PINGs of a relay in small letters and PONGs in capitals: a after entry 6, b after 7, c after 20. */
const counts = {
  a: bytes('PING 6'),
  b: bytes('PING 7'),
  c: bytes('PING 20'),
  A: bytes('PONG 6'),
  B: bytes('PONG 7'),
  C: bytes('PONG 20'),
};

/** Lines of the client: its answer H, and each PONG as the last digits of its number. */
const written = { H: HELLO, 6: 'PONG 6', 7: 'PONG 7', 0: 'PONG 20', z: 'PONG 0' };

const going = (connection: FakeConnection, more: Partial<JoinOptions> = {}): Observable<string> =>
  join({ connection, nick: 'alice', room: LOBBY, session: SESSION, sign: () => PROOF, ...more }).pipe(
    map((received) => ('position' in received ? `${received.type} ${received.position}` : received.type)),
  );

const reported = { W: 'welcome', x: 'token 7', A: 'joined 8', g: 'gap', y: 'token 21', o: 'pong', q: 'bye' };

describe('join', () => {
  test('join writes nothing before the greeting, and releases the connection when it is unsubscribed', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('    ----', relay);
      const connection = fakeConnection({ chunk$ });
      const unsub = '         ---!';
      expectObservable(going(connection), unsub).toBe('----');
      expectObservable(connection.line$).toBe('        ----');
      expectSubscriptions(chunk$.subscriptions).toBe(' ^--!');
    });
  });

  test('join answers NICK with the proof, and has joined at WELCOME', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('-N-W-x-A-', relay) });
      expectObservable(going(connection), '---------!').toBe('---W-x-A-', reported);
      expectObservable(connection.line$).toBe('         -H-------', written);
    });
  });

  test('join signs a label, the nonce, the room, the session, the channel binding and the nick, one per line', () => {
    const requested: string[] = [];
    marbles(({ hot, expectObservable }) => {
      const connection = {
        ...fakeConnection({ chunk$: hot('N', relay) }),
        channelBinding: new Uint8Array([1, 2, 3]),
      };
      const sign = (message: Uint8Array) => (requested.push(decodeTextLossy(message)), PROOF);
      expectObservable(going(connection, { sign }), '-!').toBe('');
    });
    const binding = toBase64url(new Uint8Array([1, 2, 3]));
    expect(requested).toStrictEqual([`rxchat/1 join\n${NONCE}\n${LOBBY}\n${SESSION}\n${binding}\nalice`]);
  });

  test('join sends the position to read from', () => {
    marbles(({ hot, expectObservable }) => {
      const one = fakeConnection({ chunk$: hot('N', relay) });
      const two = fakeConnection({ chunk$: hot('N', relay) });
      expectObservable(going(one, { after: { log: 'log', n: 12 } }), '-!').toBe('');
      expectObservable(going(two, { last: 0 }), '-!').toBe('');
      expectObservable(one.line$).toBe('(H)', { H: `${HELLO} after=log/12` });
      expectObservable(two.line$).toBe('(H)', { H: `${HELLO} last=0` });
    });
  });

  test('join answers PING with its last position, also after a GAP, and passes PONG on', () => {
    marbles(({ hot, expectObservable }) => {
      const before = fakeConnection({ chunk$: hot('Np-WaxbB', { ...relay, ...counts }) });
      expectObservable(going(before), '--------!').toBe('---W-x-o', reported);
      expectObservable(before.line$).toBe('              Hz--6-7-', written);

      const after = fakeConnection({ chunk$: hot('NWgcCx', { ...relay, ...counts }) });
      expectObservable(going(after), '------!').toBe('-Wg-oy', reported);
      expectObservable(after.line$).toBe('             H--0--', written);
    });
  });

  test('join keeps at most one pending PONG when the relay asks and does not read', () => {
    marbles(({ hot, expectObservable }) => {
      const chunk$ = hot('              NWaaxbbb-a', { ...relay, ...counts });
      const writable$ = hot('           --------w-', { w: 'drained' });
      const connection = fakeConnection({ chunk$, writable$, writeResults: 'yn' });
      expectObservable(going(connection), '---------!').toBe('-W--x----', reported);
      expectObservable(connection.line$).toBe('         H-6-----7', written);
    });
  });

  test('join counts positions from its start, however long the log is', () => {
    marbles(({ hot, expectObservable }) => {
      const V = welcomed(7, 99);
      const connection = fakeConnection({ chunk$: hot('NVaAx', { ...relay, ...counts, V }) });
      expectObservable(going(connection), '-----!').toBe('-W-ox', reported);
      expectObservable(connection.line$).toBe('         H-6--', written);
    });
  });

  test('join ignores a PONG before WELCOME and its number', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('oNBWA', { ...relay, ...counts }) });
      expectObservable(going(connection), '-----!').toBe('---Wo', reported);
      expectObservable(connection.line$).toBe('         -H---', written);
    });
  });

  test('two joins are independent', () => {
    marbles(({ hot, expectObservable }) => {
      const one = fakeConnection({ chunk$: hot('NWx-b', { ...relay, ...counts }) });
      const two = fakeConnection({ chunk$: hot('-NWa', { ...relay, ...counts }) });
      expectObservable(going(one), '-----!').toBe('-Wx--', reported);
      expectObservable(going(two), '-----!').toBe('--W--', reported);
      expectObservable(one.line$).toBe('          H---7', written);
      expectObservable(two.line$).toBe('          -H-6-', written);
    });
  });
});

describe('the end of a join', () => {
  test('join completes after BYE, ignores what follows, and leaves the connection open', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('                        NW-q-x', { ...relay, q: bytes('BYE shutdown 9', '+bob') });
      const connection = fakeConnection({ chunk$ });
      expectObservable(going(connection)).toBe('  -W-(q|)', reported);
      expectObservable(connection.line$).toBe('   H', written);
      expectSubscriptions(chunk$.subscriptions).toBe('^--!');
    });
  });

  const closed = new ConnectionError('the relay closed the connection');
  const broken = new ConnectionError('the connection was reset');
  const late = new ConnectionError('the relay does not answer');
  const endings: { name: string; chunk: string; out: string; error: Error; cause?: Error }[] = [
    { name: 'a connection that was closed at once', chunk: '|', out: '#', error: closed },
    { name: 'one that was closed in place of WELCOME', chunk: 'N-|', out: '--#', error: closed },
    { name: 'one that was closed without BYE', chunk: 'NW-|', out: '-W-#', error: closed },
    { name: 'one that broke', chunk: 'NW-#', out: '-W-#', error: broken, cause: broken },
    { name: 'a relay that never asks', chunk: '-', out: '10s #', error: late },
    { name: 'a relay that does not answer the proof', chunk: '-N', out: '20s #', error: late },
    { name: 'a relay that says PONG in place of WELCOME', chunk: '-N-o-o', out: '20s #', error: late },
    { name: 'a relay that only pings', chunk: '-p-p-p', out: '20s #', error: late },
  ];

  test.each(endings)(
    'join errors with a ConnectionError when there is: $name',
    ({ chunk, out, error, cause }) => {
      marbles(({ hot, expectObservable }) => {
        const connection = fakeConnection({ chunk$: hot(chunk, relay, cause) });
        expectObservable(going(connection)).toBe(out, reported, error);
      });
    },
  );

  const miscounted: [string, string, string, string, number, number][] = [
    ['a PING that counts an entry that did not come', 'NWb', '-W#', 'H', 7, 6],
    ['a PING that lacks an entry that came', 'NWxa', '-Wx#', 'H', 6, 7],
    ['a PONG that counts one', 'NW-B', '-W-#', 'H', 7, 6],
    ['a PONG that lacks one', 'NWxA', '-Wx#', 'H', 6, 7],
    ['a PING that does not count a gap', 'NWgb', '-Wg#', 'H', 7, 20],
    ['a PONG after PINGs that were right', 'NWaxbA', '-W-x-#', 'H-6-7', 6, 7],
  ];

  test.each(miscounted)(
    'join errors with a ConnectionError when there is: %s',
    (_name, chunk, out, line, n, arrived) => {
      marbles(({ hot, expectObservable }) => {
        const connection = fakeConnection({ chunk$: hot(chunk, { ...relay, ...counts }) });
        const error = new ConnectionError(`the relay has counted up to entry ${n}, and ${arrived} arrived`);
        expectObservable(going(connection)).toBe(out, reported, error);
        expectObservable(connection.line$).toBe(line, written);
      });
    },
  );

  test('join uses the handshake timeout of its options', () => {
    marbles(({ hot, expectObservable }) => {
      const error = new ConnectionError('the relay does not answer');
      const asks = fakeConnection({ chunk$: hot('---N', relay) });
      const sleeps = fakeConnection();
      expectObservable(going(asks, { handshakeTimeoutMs: 5 })).toBe('  ----------#', {}, error);
      expectObservable(going(sleeps, { handshakeTimeoutMs: 5 })).toBe('-----#', {}, error);
    });
  });

  test('join errors with the text of the relay when it sends ERR', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('-N-E-W', { ...relay, E: bytes('ERR nick-taken the nick is taken') });
      expectObservable(going(fakeConnection({ chunk$ }))).toBe(
        '---#',
        reported,
        new RefusedError('nick-taken', 'the nick is taken'),
      );
      expectSubscriptions(chunk$.subscriptions).toBe('^--!');
    });
  });

  test('join errors when a line is malformed or too long', () => {
    marbles(({ hot, expectObservable }) => {
      const web = fakeConnection({ chunk$: hot('-h', { h: bytes('HTTP/1.1 400 Bad Request') }) });
      expectObservable(going(web)).toBe(
        '-#',
        reported,
        new ProtocolError('bad-line', 'this is not an rxchat relay: it did not ask for a nick'),
      );
      const flood = fakeConnection({ chunk$: hot('-f', { f: new Uint8Array(131_072).fill(97) }) });
      expectObservable(going(flood)).toBe(
        '-#',
        reported,
        new ProtocolError('line-too-long', 'a line is longer than 131072 bytes'),
      );
    });
  });

  test('join errors when signing or writing throws', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const fault = new Error('no such curve');
      const broken = () => {
        throw fault;
      };
      const chunk$ = hot('-N-W', relay);
      expectObservable(going(fakeConnection({ chunk$ }), { sign: broken })).toBe('-#', reported, fault);
      expectSubscriptions(chunk$.subscriptions).toBe('^!');

      const sink = fakeConnection({ chunk$: hot('-N-W', relay), writeResults: '!' });
      expectObservable(going(sink)).toBe('-#', reported, new Error('the sink broke'));
    });
  });
});

// In these drawings, a timer that cancels another is never due in the same frame: the scheduler of drawings loses
// count then (RxJS 7).
describe('the heartbeat of a join', () => {
  const gone = new ConnectionError('the connection is silent');
  const timed = { ...relay, ...counts, g: bytes('GAP 8 20'), h: encodeText('+b'), i: bytes('ob') };
  const pongs = { H: HELLO, 6: 'PONG 6', 7: 'PONG 7', 0: 'PONG 20' };

  /** Joins with a heartbeat of 10 ms, and records the times of `onSilence`. */
  const beating = (connection: FakeConnection, more: Partial<JoinOptions> = {}) => {
    const quiet: number[] = [];
    const event$ = going(connection, {
      heartbeatMs: 10,
      onSilence: () => quiet.push(asyncScheduler.now()),
      ...more,
    });
    return { received$: event$, quiet };
  };

  test('join sends its last position each period after WELCOME', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('          -N 11ms W 11ms x 7ms g', timed) });
      const { received$: event$ } = beating(connection);
      expectObservable(event$, '                     42ms !').toBe('13ms    W 11ms x 7ms g', reported);
      expectObservable(connection.line$).toBe('                    -H 18ms 6 9ms 7 9ms 0', pongs);
    });
  });

  test('join asks for an answer after one silent period, and errors after two', () => {
    let requested: number[] = [];
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('                -N-----W 9ms A', timed);
      const connection = fakeConnection({ chunk$ });
      const { received$: event$, quiet } = beating(connection);
      requested = quiet;
      expectObservable(event$).toBe('      -------W 9ms o 17ms #', reported, gone);
      expectSubscriptions(chunk$.subscriptions).toBe('^ 34ms !');
      expectObservable(connection.line$).toBe('-H 8ms 6 9ms 6 9ms 6', pongs);
    });
    expect(requested).toStrictEqual([15, 25]);
  });

  test('join does not ask before WELCOME, and errors after two silent periods', () => {
    let requested: number[] = [];
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('-----p-N', timed) });
      const { received$: event$, quiet } = beating(connection);
      requested = quiet;
      expectObservable(event$).toBe('                  25ms #', reported, gone);
      expectObservable(connection.line$).toBe('        -----z-H', written);
    });
    expect(requested).toStrictEqual([]);
  });

  test('join ignores silence while reading is paused, and still sends signs of life', () => {
    let requested: number[] = [];
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('-N-----W', timed) });
      const isPending = () => asyncScheduler.now() < 48;
      const { received$: event$, quiet } = beating(connection, { isPaused: isPending });
      requested = quiet;
      // After the pause it has the full time again: `onSilence` after one period, the error after two.
      expectObservable(event$).toBe('                  -------W 57ms #', reported, gone);
      expectObservable(connection.line$).toBe('-H 8ms 6 9ms 6 9ms 6 9ms 6 9ms 6 9ms 6', pongs);
    });
    expect(requested).toStrictEqual([55]);
  });

  test('join goes on when reading is not paused at each tick, and calls isPaused for each subscription', () => {
    let pending = true;
    marbles(({ hot, expectObservable }) => {
      const chunk$ = hot('     -N-----W', timed);
      const { received$: event$ } = beating(fakeConnection({ chunk$ }), { isPaused: () => pending });
      expectObservable(event$, '99ms !').toBe('-------W', reported);
    });
    pending = false;
    marbles(({ hot, expectObservable }) => {
      const chunk$ = hot('     -N-----W', timed);
      const { received$: event$ } = beating(fakeConnection({ chunk$ }), { isPaused: () => pending });
      expectObservable(event$, '99ms !').toBe('-------W 17ms #', reported, gone);
    });
  });

  test('join counts half a line as a sign of life', () => {
    let requested: number[] = [];
    marbles(({ hot, expectObservable }) => {
      const chunk$ = hot('              -N-----W----a----h----i----x', timed);
      const { received$: event$, quiet } = beating(fakeConnection({ chunk$ }));
      requested = quiet;
      expectObservable(event$, '29ms !').toBe('-------W--------------j----y', {
        ...reported,
        j: 'joined 7',
        y: 'token 8',
      });
    });
    expect(requested).toStrictEqual([]);
  });

  test('join uses a heartbeat of 15 s by default', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('N 7999ms W', relay) });
      const error = new ConnectionError('the connection is silent');
      const requested: number[] = [];
      const quiet = () => requested.push(asyncScheduler.now());
      expectObservable(going(connection, { onSilence: quiet })).toBe('8s   W 29499ms #', reported, error);
      expectObservable(connection.line$).toBe('         H 14999ms 6 14999ms 6', pongs);
    });
  });

  test('join errors when the heartbeat cannot be written or a callback throws', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('                -N 11ms W', timed);
      const { received$: event$ } = beating(fakeConnection({ chunk$, writeResults: 'y!' }));
      expectObservable(event$).toBe('      13ms    W 6ms #', reported, new Error('the sink broke'));
      expectSubscriptions(chunk$.subscriptions).toBe('^ 19ms !');
    });
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const fault = new Error('no question');
      const quiet = () => {
        throw fault;
      };
      const chunk$ = hot('                -N-----W', timed);
      const { received$: event$ } = beating(fakeConnection({ chunk$ }), { onSilence: quiet });
      expectObservable(event$).toBe('      -------W 7ms #', reported, fault);
      expectSubscriptions(chunk$.subscriptions).toBe('^ 14ms !');
    });
  });
});

describe('the timers of a join', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: 0 });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  /** Joins with a connection whose input the test controls. */
  const entering = () => {
    const chunk$ = new Subject<Uint8Array>();
    const ended: string[] = [];
    const subscription = going(fakeConnection({ chunk$ })).subscribe({
      complete: () => ended.push('complete'),
      error: ({ message }: Error) => ended.push(message),
    });
    return { chunk$, ended, subscription };
  };

  test('no timer remains when join is unsubscribed before the greeting, before WELCOME, or later', () => {
    for (const received of ['', 'N', 'NW', 'NWx']) {
      const { chunk$, subscription } = entering();
      for (const each of received) chunk$.next(relay[each]!);
      expect(jest.getTimerCount()).toBeGreaterThan(0);
      subscription.unsubscribe();
      expect(jest.getTimerCount()).toBe(0);
    }
  });

  test.each([
    ['BYE', 'NWq', 'complete'],
    ['BYE in place of WELCOME', 'Nq', 'complete'],
    ['a wrong count', 'NWp', 'the relay has counted up to entry 0, and 6 arrived'],
  ])('no timer remains after %s', (_name, received, end) => {
    const { chunk$, ended } = entering();
    for (const each of received) chunk$.next(relay[each]!);
    expect(ended).toStrictEqual([end]);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('no timer remains after the end of a connection, a broken connection, and a long silence', () => {
    const closed = entering();
    closed.chunk$.complete();
    expect(closed.ended).toStrictEqual(['the relay closed the connection']);
    const broken = entering();
    broken.chunk$.error(new ConnectionError('reset'));
    expect(broken.ended).toStrictEqual(['reset']);
    const silent = entering();
    jest.advanceTimersByTime(10_000);
    expect(silent.ended).toStrictEqual(['the relay does not answer']);
    expect(jest.getTimerCount()).toBe(0);
  });
});
