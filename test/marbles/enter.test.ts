import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { asyncScheduler, map, type Observable, Subject } from 'rxjs';
import { enter, type EnterOptions } from '../../streams/client/enter.js';
import { toBase64url } from '../../streams/wire/base64url.js';
import { LinkError, ProtocolError, RefusedError } from '../../streams/wire/errors.js';
import { welcomeLine } from '../../streams/wire/handshake.js';
import { decodeTextLossy, encodeText } from '../../streams/wire/utf8.js';
import { type FakeConnection, fakeConnection } from '../support/fakeConnection.js';
import { marbles } from '../support/marbles.js';
import { bytes, heard, LOBBY, NONCE, PROOF, SESSION, token } from '../support/wire.js';

const HELLO = `NICK alice room=${LOBBY} session=${SESSION} proof=${PROOF}`;

const welcomed = (from: number, next: number): Uint8Array =>
  bytes(welcomeLine({ log: 'log', next, first: 1, from, durability: 'os', count: 1, members: undefined }));

/** What a relay says in drawings: the greeting N, welcome W from position 7, an entry x, a gap g, BYE q; PING 0 and PONG 0 as p and o. */
const relay: Record<string, Uint8Array> = {
  N: bytes(heard['N']!),
  W: welcomed(7, 7),
  x: bytes(token('x')),
  A: bytes('+alice'),
  g: bytes('GAP 7 20'),
  p: bytes('PING 0'),
  o: bytes('PONG 0'),
  q: bytes('BYE shutdown 1000'),
};

/** PINGs of a relay in small letters and PONGs in capitals: a after entry 6, b after 7, c after 20. */
const counted = {
  a: bytes('PING 6'),
  b: bytes('PING 7'),
  c: bytes('PING 20'),
  A: bytes('PONG 6'),
  B: bytes('PONG 7'),
  C: bytes('PONG 20'),
};

/** What the client writes: its answer H, a PONG by the last digits of its number. */
const written = { H: HELLO, 6: 'PONG 6', 7: 'PONG 7', 0: 'PONG 20', z: 'PONG 0' };

const going = (connection: FakeConnection, more: Partial<EnterOptions> = {}): Observable<string> =>
  enter({ connection, nick: 'alice', room: LOBBY, session: SESSION, sign: () => PROOF, ...more }).pipe(
    map((received) => ('position' in received ? `${received.type} ${received.position}` : received.type)),
  );

const told = { W: 'welcome', x: 'token 7', A: 'joined 8', g: 'gap', y: 'token 21', o: 'pong', q: 'bye' };

describe('enter', () => {
  test('says nothing before it is asked, and lets go when nobody listens any more', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('    ----', relay);
      const connection = fakeConnection({ chunk$ });
      const unsub = '         ---!';
      expectObservable(going(connection), unsub).toBe('----');
      expectObservable(connection.line$).toBe('        ----');
      expectSubscriptions(chunk$.subscriptions).toBe(' ^--!');
    });
  });

  test('answers NICK with the proof, and is in at WELCOME', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('-N-W-x-A-', relay) });
      expectObservable(going(connection), '---------!').toBe('---W-x-A-', told);
      expectObservable(connection.line$).toBe('         -H-------', written);
    });
  });

  test('signs a label, the nonce, the room, the session, the channel binding and the nick, a line each', () => {
    const asked: string[] = [];
    marbles(({ hot, expectObservable }) => {
      const connection = {
        ...fakeConnection({ chunk$: hot('N', relay) }),
        channelBinding: new Uint8Array([1, 2, 3]),
      };
      const sign = (message: Uint8Array) => (asked.push(decodeTextLossy(message)), PROOF);
      expectObservable(going(connection, { sign }), '-!').toBe('');
    });
    const binding = toBase64url(new Uint8Array([1, 2, 3]));
    expect(asked).toStrictEqual([`rxchat/1 join\n${NONCE}\n${LOBBY}\n${SESSION}\n${binding}\nalice`]);
  });

  test('says from where it wants to read', () => {
    marbles(({ hot, expectObservable }) => {
      const one = fakeConnection({ chunk$: hot('N', relay) });
      const two = fakeConnection({ chunk$: hot('N', relay) });
      expectObservable(going(one, { after: { log: 'log', n: 12 } }), '-!').toBe('');
      expectObservable(going(two, { last: 0 }), '-!').toBe('');
      expectObservable(one.line$).toBe('(H)', { H: `${HELLO} after=log/12` });
      expectObservable(two.line$).toBe('(H)', { H: `${HELLO} last=0` });
    });
  });

  test('answers PING with the last position that it has, after a GAP too; a PONG passes', () => {
    marbles(({ hot, expectObservable }) => {
      const before = fakeConnection({ chunk$: hot('Np-WaxbB', { ...relay, ...counted }) });
      expectObservable(going(before), '--------!').toBe('---W-x-o', told);
      expectObservable(before.line$).toBe('              Hz--6-7-', written);

      const after = fakeConnection({ chunk$: hot('NWgcCx', { ...relay, ...counted }) });
      expectObservable(going(after), '------!').toBe('-Wg-oy', told);
      expectObservable(after.line$).toBe('             H--0--', written);
    });
  });

  test('owes one PONG at most to a relay that asks and does not read', () => {
    marbles(({ hot, expectObservable }) => {
      const chunk$ = hot('              NWaaxbbb-a', { ...relay, ...counted });
      const writable$ = hot('           --------w-', { w: 'drained' });
      const connection = fakeConnection({ chunk$, writable$, answers: 'yn' });
      expectObservable(going(connection), '---------!').toBe('-W--x----', told);
      expectObservable(connection.line$).toBe('         H-6-----7', written);
    });
  });

  test('counts from where it begins, however far the log goes', () => {
    marbles(({ hot, expectObservable }) => {
      const V = welcomed(7, 99);
      const connection = fakeConnection({ chunk$: hot('NVaAx', { ...relay, ...counted, V }) });
      expectObservable(going(connection), '-----!').toBe('-W-ox', told);
      expectObservable(connection.line$).toBe('         H-6--', written);
    });
  });

  test('a PONG before WELCOME answers nothing: it does not pass, and its number says nothing', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('oNBWA', { ...relay, ...counted }) });
      expectObservable(going(connection), '-----!').toBe('---Wo', told);
      expectObservable(connection.line$).toBe('         -H---', written);
    });
  });

  test('two that enter are independent', () => {
    marbles(({ hot, expectObservable }) => {
      const one = fakeConnection({ chunk$: hot('NWx-b', { ...relay, ...counted }) });
      const two = fakeConnection({ chunk$: hot('-NWa', { ...relay, ...counted }) });
      expectObservable(going(one), '-----!').toBe('-Wx--', told);
      expectObservable(going(two), '-----!').toBe('--W--', told);
      expectObservable(one.line$).toBe('          H---7', written);
      expectObservable(two.line$).toBe('          -H-6-', written);
    });
  });
});

describe('what ends it', () => {
  test('BYE, whatever is said after it; the connection is left open for whoever gave it', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('                        NW-q-x', { ...relay, q: bytes('BYE shutdown 9', '+bob') });
      const connection = fakeConnection({ chunk$ });
      expectObservable(going(connection)).toBe('  -W-(q|)', told);
      expectObservable(connection.line$).toBe('   H', written);
      expectSubscriptions(chunk$.subscriptions).toBe('^--!');
    });
  });

  const closed = new LinkError('the relay closed the connection');
  const broken = new LinkError('the connection was reset');
  const late = new LinkError('the relay said nothing for 10000 ms');
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

  test.each(endings)('$name is a LinkError', ({ chunk, out, error, cause }) => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot(chunk, relay, cause) });
      expectObservable(going(connection)).toBe(out, told, error);
    });
  });

  const miscounted: [string, string, string, string, number, number][] = [
    ['a PING that counts an entry that did not come', 'NWb', '-W#', 'H', 7, 6],
    ['a PING that lacks an entry that came', 'NWxa', '-Wx#', 'H', 6, 7],
    ['a PONG that counts one', 'NW-B', '-W-#', 'H', 7, 6],
    ['a PONG that lacks one', 'NWxA', '-Wx#', 'H', 6, 7],
    ['a PING that does not count a gap', 'NWgb', '-Wg#', 'H', 7, 20],
    ['a PONG after PINGs that were right', 'NWaxbA', '-W-x-#', 'H-6-7', 6, 7],
  ];

  test.each(miscounted)('%s is a LinkError', (_name, chunk, out, line, n, arrived) => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot(chunk, { ...relay, ...counted }) });
      const error = new LinkError(`the relay has counted up to entry ${n}, and ${arrived} arrived`);
      expectObservable(going(connection)).toBe(out, told, error);
      expectObservable(connection.line$).toBe(line, written);
    });
  });

  test('the time for a handshake can be chosen', () => {
    marbles(({ hot, expectObservable }) => {
      const error = new LinkError('the relay said nothing for 5 ms');
      const asks = fakeConnection({ chunk$: hot('---N', relay) });
      const sleeps = fakeConnection();
      expectObservable(going(asks, { handshakeTimeout: 5 })).toBe('  ----------#', {}, error);
      expectObservable(going(sleeps, { handshakeTimeout: 5 })).toBe('-----#', {}, error);
    });
  });

  test('ERR, with what the relay says', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('-N-E-W', { ...relay, E: bytes('ERR nick-taken the nick is taken') });
      expectObservable(going(fakeConnection({ chunk$ }))).toBe(
        '---#',
        told,
        new RefusedError('nick-taken', 'the nick is taken'),
      );
      expectSubscriptions(chunk$.subscriptions).toBe('^--!');
    });
  });

  test('a line that cannot be read, or that is too long', () => {
    marbles(({ hot, expectObservable }) => {
      const web = fakeConnection({ chunk$: hot('-h', { h: bytes('HTTP/1.1 400 Bad Request') }) });
      expectObservable(going(web)).toBe(
        '-#',
        told,
        new ProtocolError('bad-line', 'this is not an rxchat relay: it did not ask for a nick'),
      );
      const flood = fakeConnection({ chunk$: hot('-f', { f: new Uint8Array(131_072).fill(97) }) });
      expectObservable(going(flood)).toBe(
        '-#',
        told,
        new ProtocolError('line-too-long', 'a line is longer than 131072 bytes'),
      );
    });
  });

  test('a signature that cannot be made, a connection that cannot be written', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const fault = new Error('no such curve');
      const broken = () => {
        throw fault;
      };
      const chunk$ = hot('-N-W', relay);
      expectObservable(going(fakeConnection({ chunk$ }), { sign: broken })).toBe('-#', told, fault);
      expectSubscriptions(chunk$.subscriptions).toBe('^!');

      const sink = fakeConnection({ chunk$: hot('-N-W', relay), answers: '!' });
      expectObservable(going(sink)).toBe('-#', told, new Error('the sink broke'));
    });
  });
});

// Two timers are never due at once where one of them ends the other: there the scheduler of drawings loses count (RxJS 7).
describe('the heartbeat', () => {
  const gone = new LinkError('nothing was heard for 20 ms');
  const timed = { ...relay, ...counted, g: bytes('GAP 8 20'), h: encodeText('+b'), i: bytes('ob') };
  const pongs = { H: HELLO, 6: 'PONG 6', 7: 'PONG 7', 0: 'PONG 20' };

  /** With a heartbeat of 10 ms; and when it called `quiet`. */
  const beating = (connection: FakeConnection, more: Partial<EnterOptions> = {}) => {
    const quiet: number[] = [];
    const heard$ = going(connection, {
      heartbeat: 10,
      quiet: () => quiet.push(asyncScheduler.now()),
      ...more,
    });
    return { heard$, quiet };
  };

  test('shows the relay the last position, each period, once it is in', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('          -N 11ms W 11ms x 7ms g', timed) });
      const { heard$ } = beating(connection);
      expectObservable(heard$, '                     42ms !').toBe('13ms    W 11ms x 7ms g', told);
      expectObservable(connection.line$).toBe('                    -H 18ms 6 9ms 7 9ms 0', pongs);
    });
  });

  test('calls for an answer after a silent period, and gives up after two', () => {
    let asked: number[] = [];
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('                -N-----W 9ms A', timed);
      const connection = fakeConnection({ chunk$ });
      const { heard$, quiet } = beating(connection);
      asked = quiet;
      expectObservable(heard$).toBe('      -------W 9ms o 17ms #', told, gone);
      expectSubscriptions(chunk$.subscriptions).toBe('^ 34ms !');
      expectObservable(connection.line$).toBe('-H 8ms 6 9ms 6 9ms 6', pongs);
    });
    expect(asked).toStrictEqual([15, 25]);
  });

  test('does not call before WELCOME, and gives up all the same', () => {
    let asked: number[] = [];
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('-----p-N', timed) });
      const { heard$, quiet } = beating(connection);
      asked = quiet;
      expectObservable(heard$).toBe('                  25ms #', told, gone);
      expectObservable(connection.line$).toBe('        -----z-H', written);
    });
    expect(asked).toStrictEqual([]);
  });

  test('does not count the silence of a relay that it does not read, and shows it meanwhile that it is alive', () => {
    let asked: number[] = [];
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('-N-----W', timed) });
      const isHeld = () => asyncScheduler.now() < 48;
      const { heard$, quiet } = beating(connection, { isHeld });
      asked = quiet;
      // Read again, it has its whole time: it is asked after one period, and given up after two.
      expectObservable(heard$).toBe('                  -------W 57ms #', told, gone);
      expectObservable(connection.line$).toBe('-H 8ms 6 9ms 6 9ms 6 9ms 6 9ms 6 9ms 6', pongs);
    });
    expect(asked).toStrictEqual([55]);
  });

  test('goes on as before where it is read at each tick, and asks isHeld anew for each subscription', () => {
    let held = true;
    marbles(({ hot, expectObservable }) => {
      const chunk$ = hot('     -N-----W', timed);
      const { heard$ } = beating(fakeConnection({ chunk$ }), { isHeld: () => held });
      expectObservable(heard$, '99ms !').toBe('-------W', told);
    });
    held = false;
    marbles(({ hot, expectObservable }) => {
      const chunk$ = hot('     -N-----W', timed);
      const { heard$ } = beating(fakeConnection({ chunk$ }), { isHeld: () => held });
      expectObservable(heard$, '99ms !').toBe('-------W 17ms #', told, gone);
    });
  });

  test('is content with whatever comes, be it half a line', () => {
    let asked: number[] = [];
    marbles(({ hot, expectObservable }) => {
      const chunk$ = hot('              -N-----W----a----h----i----x', timed);
      const { heard$, quiet } = beating(fakeConnection({ chunk$ }));
      asked = quiet;
      expectObservable(heard$, '29ms !').toBe('-------W--------------j----y', {
        ...told,
        j: 'joined 7',
        y: 'token 8',
      });
    });
    expect(asked).toStrictEqual([]);
  });

  test('is of 15 s where nothing else was said', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('N 7999ms W', relay) });
      const error = new LinkError('nothing was heard for 30000 ms');
      const asked: number[] = [];
      const quiet = () => asked.push(asyncScheduler.now());
      expectObservable(going(connection, { quiet })).toBe('8s   W 29499ms #', told, error);
      expectObservable(connection.line$).toBe('         H 14999ms 6 14999ms 6', pongs);
    });
  });

  test('that cannot be written is an error, and so is a call that throws', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('                -N 11ms W', timed);
      const { heard$ } = beating(fakeConnection({ chunk$, answers: 'y!' }));
      expectObservable(heard$).toBe('      13ms    W 6ms #', told, new Error('the sink broke'));
      expectSubscriptions(chunk$.subscriptions).toBe('^ 19ms !');
    });
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const fault = new Error('no question');
      const quiet = () => {
        throw fault;
      };
      const chunk$ = hot('                -N-----W', timed);
      const { heard$ } = beating(fakeConnection({ chunk$ }), { quiet });
      expectObservable(heard$).toBe('      -------W 7ms #', told, fault);
      expectSubscriptions(chunk$.subscriptions).toBe('^ 14ms !');
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

  /** Enters, with what comes from the relay at hand. */
  const entering = () => {
    const chunk$ = new Subject<Uint8Array>();
    const ended: string[] = [];
    const subscription = going(fakeConnection({ chunk$ })).subscribe({
      complete: () => ended.push('complete'),
      error: ({ message }: Error) => ended.push(message),
    });
    return { chunk$, ended, subscription };
  };

  test('when nobody listens any more, be it before the greeting, before WELCOME, or later', () => {
    for (const heard of ['', 'N', 'NW', 'NWx']) {
      const { chunk$, subscription } = entering();
      for (const each of heard) chunk$.next(relay[each]!);
      expect(jest.getTimerCount()).toBeGreaterThan(0);
      subscription.unsubscribe();
      expect(jest.getTimerCount()).toBe(0);
    }
  });

  test.each([
    ['BYE', 'NWq', 'complete'],
    ['BYE in place of WELCOME', 'Nq', 'complete'],
    ['a wrong count', 'NWp', 'the relay has counted up to entry 0, and 6 arrived'],
  ])('after %s', (_name, heard, end) => {
    const { chunk$, ended } = entering();
    for (const each of heard) chunk$.next(relay[each]!);
    expect(ended).toStrictEqual([end]);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('after the end of the connection, a broken one, and a long silence', () => {
    const closed = entering();
    closed.chunk$.complete();
    expect(closed.ended).toStrictEqual(['the relay closed the connection']);
    const broken = entering();
    broken.chunk$.error(new LinkError('reset'));
    expect(broken.ended).toStrictEqual(['reset']);
    const silent = entering();
    jest.advanceTimersByTime(10_000);
    expect(silent.ended).toStrictEqual(['the relay said nothing for 10000 ms']);
    expect(jest.getTimerCount()).toBe(0);
  });
});
