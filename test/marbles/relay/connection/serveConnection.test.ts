import { describe, expect, test } from '@jest/globals';
import { asyncScheduler, map, mergeMap } from 'rxjs';
import {
  serveConnection,
  type ServeConnectionOptions,
} from '../../../../streams/relay/connection/serveConnection.js';
import type { Connection } from '../../../../streams/wire/connection.js';
import { BusyError, ConnectionError } from '../../../../streams/wire/errors.js';
import { fakeConnection } from '../../../support/fakeConnection.js';
import { marbles } from '../../../support/marbles.js';
import {
  bytes,
  relayLines,
  hello,
  nonce,
  clientBytes,
  describeEvent,
  token,
  verify,
} from '../../../support/wire.js';

/** `serveConnection` without heartbeats. */
const serve = (more: Partial<ServeConnectionOptions> = {}) => {
  const operator = serveConnection({ nonce, verify, heartbeatMs: Infinity, ...more });
  return (connection: Connection) => operator(connection).pipe(map(describeEvent));
};

const reported = {
  A: 'alice join',
  x: 'alice: x',
  y: 'alice: y',
  p: 'alice ping',
  q: 'alice leave: bye',
  a: 'alice leave: the connection ended',
  b: 'alice leave: bad-line',
  r: 'alice leave: reset by peer',
  u: 'alice idle',
  v: 'alice leave: the connection is silent',
  e: 'rejected: the connection ended',
};

describe('serveConnection', () => {
  test('sends NICK and waits for the answer', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('       ----');
      const connection = fakeConnection({ chunk$: chunk$.pipe(map(() => bytes())) });
      const command$ = cold('    -c').pipe(mergeMap(() => serve()(connection)));
      const unsub = '            ----!';
      expectObservable(command$, unsub).toBe('----');
      expectObservable(connection.line$).toBe('-N--(Q|)', relayLines);
      expectSubscriptions(chunk$.subscriptions).toBe('-^--!');
    });
  });

  test('writes and reads nothing before it is subscribed', () => {
    marbles(({ expectObservable }) => {
      const connection = fakeConnection();
      serve()(connection);
      expectObservable(connection.line$).toBe('-');
    });
  });

  test('passes on the commands of a member, and leaves its connection open for the room', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('-A-x-p-y-q-x', clientBytes) });
      expectObservable(connection.line$).toBe('        N-', relayLines);
      expectObservable(serve()(connection)).toBe('      -A-x-p-y-(q|)', reported);
    });
  });

  test('emits a leave when the connection ends', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('                       -A-x-|', clientBytes);
      expectObservable(serve()(fakeConnection({ chunk$ }))).toBe('-A-x-(a|)', reported);
      expectSubscriptions(chunk$.subscriptions).toBe('^----!');
    });
  });

  test('emits a leave, not an error, when the connection breaks', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({
        chunk$: hot('-A-#', clientBytes, new ConnectionError('reset by peer')),
      });
      expectObservable(connection.line$).toBe('        N', relayLines);
      expectObservable(serve()(connection)).toBe('      -A-(r|)', reported);
    });
  });

  test('releases a member when unsubscribed, and leaves closing its connection to the room', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('             -A-x-x', clientBytes);
      const connection = fakeConnection({ chunk$ });
      const unsub = '                  ----!';
      expectObservable(connection.line$).toBe('N', relayLines);
      expectObservable(serve()(connection), unsub).toBe('-A-x', reported);
      expectSubscriptions(chunk$.subscriptions).toBe('^---!');
    });
  });

  test('keeps a separate member for each of two connections of one operator value', () => {
    marbles(({ hot, expectObservable }) => {
      const operator = serve();
      const one = fakeConnection({ chunk$: hot('-A--|', clientBytes) });
      const two = fakeConnection({ chunk$: hot('--B-p', clientBytes) });
      expectObservable(operator(one)).toBe('    -A--(a|)', reported);
      expectObservable(operator(two)).toBe('    --B-p', { B: 'bob join', p: 'bob ping' });
    });
  });
});

describe('serveConnection with a client that does not become a member', () => {
  const went = [
    { name: 'a client that ends the connection', chunk: '-|', reason: 'the connection ended' },
    { name: 'a client whose connection breaks', chunk: '-#', reason: 'reset by peer' },
  ];

  test.each(went)('$name is closed without a message', ({ chunk, reason }) => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({
        chunk$: hot(chunk, clientBytes, new ConnectionError('reset by peer')),
      });
      expectObservable(connection.line$).toBe('N|', relayLines);
      expectObservable(serve()(connection)).toBe('-(e|)', { e: `rejected: ${reason}` });
    });
  });

  const refused = [
    { name: 'a client that sends anything but NICK', chunk: '-x', line: 'N(1|)', reason: 'bad-line' },
    { name: 'a client with an invalid proof', chunk: '-P', line: 'N(2|)', reason: 'bad-proof' },
    { name: 'a client whose nick has a space', chunk: '-S', line: 'N(3|)', reason: 'nick-invalid' },
    { name: 'a client whose line is too long', chunk: '-L', line: 'N(4|)', reason: 'line-too-long' },
    {
      name: 'a client whose connection fails for an unknown reason',
      chunk: '-#',
      line: 'N(5|)',
      reason: 'RangeError: out of cheese',
    },
  ];
  const chunks = {
    ...clientBytes,
    P: bytes(hello('mallory').replace(/proof=.{8}/, 'proof=AAAAAAAA')),
    S: bytes('NICK al ice room=x'),
    L: bytes('NICK '.padEnd(400, 'a')),
  };
  const answers = {
    ...relayLines,
    1: 'ERR bad-line expected NICK <nick> room=... session=... proof=...',
    2: 'ERR bad-proof the proof is invalid for this room',
    3: 'ERR nick-invalid the nick has a space',
    4: 'ERR line-too-long a line is longer than 400 bytes',
    5: 'ERR internal the relay failed; try again',
  };

  test('tells a client in a crowd when to come back', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('-A', clientBytes) });
      const policy = () => {
        throw new BusyError('too many joins at once', 1234);
      };
      expectObservable(connection.line$).toBe('N(B|)', { ...relayLines, B: 'BYE busy 1234' });
      expectObservable(serve({ joinPolicy: policy })(connection)).toBe('-(e|)', { e: 'rejected: busy' });
    });
  });

  test.each(refused)('$name is rejected with a message and closed', ({ chunk, line, reason }) => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot(chunk, chunks, new RangeError('out of cheese')) });
      expectObservable(connection.line$).toBe(line, answers);
      expectObservable(serve({ maxLineBytes: 400 })(connection)).toBe('-(e|)', { e: `rejected: ${reason}` });
    });
  });
});

describe('serveConnection with a handshake timeout', () => {
  test('rejects a client that does not answer NICK in time', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('-', clientBytes);
      const connection = fakeConnection({ chunk$ });
      expectObservable(connection.line$).toBe('N 9999ms (E|)', {
        ...relayLines,
        E: 'ERR timeout no answer to NICK in 10000 ms',
      });
      expectObservable(serve()(connection)).toBe('  10s (e|)', { e: 'rejected: timeout' });
      expectSubscriptions(chunk$.subscriptions).toBe('^ 9999ms !');
    });
  });

  test('gives a client that answers byte by byte no more time than others', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('a-a-a-a-a-a-', { a: bytes('N').subarray(0, 1) }) });
      const out = '-----(e|)';
      expectObservable(serve({ handshakeTimeoutMs: 5 })(connection)).toBe(out, { e: 'rejected: timeout' });
    });
  });

  test('does not apply the handshake timeout to a client that answered in time', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('-A 60m x', clientBytes) });
      expectObservable(serve()(connection)).toBe('      -A 60m x', reported);
    });
  });
});

describe('serveConnection with a silent member', () => {
  // Ticks are at 5, 10, 15, …: the second silent one in a row emits quiet, the fourth is the end.
  const beating = serve({ heartbeatMs: 10 });

  test('emits quiet after one period and a leave after two, and leaves the connection open for the room', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('                      -A', clientBytes);
      const connection = fakeConnection({ chunk$ });
      expectObservable(beating(connection)).toBe('-A 8ms u 9ms (v|)', reported);
      expectObservable(connection.line$).toBe('  N', relayLines);
      expectSubscriptions(chunk$.subscriptions).toBe('^ 19ms !');
    });
  });

  test('uses periods of 15 s and 30 s by default', () => {
    marbles(({ hot, expectObservable }) => {
      const operator = serveConnection({ nonce, verify });
      const command$ = operator(fakeConnection({ chunk$: hot('-A', clientBytes) })).pipe(map(describeEvent));
      const gone = { ...reported, v: 'alice leave: the connection is silent' };
      expectObservable(command$).toBe('-A 14998ms u 14999ms (v|)', gone);
    });
  });

  test('keeps a member that answers, and emits quiet again later', () => {
    marbles(({ hot, expectObservable }) => {
      const pong = { ...clientBytes, o: bytes('PONG 0') };
      const connection = fakeConnection({ chunk$: hot('-A 10ms o 15ms x', pong) });
      expectObservable(beating(connection)).toBe('     -A 8ms u 9ms u 7ms x 6ms u 9ms (v|)', reported);
    });
  });

  test('does not emit quiet for a member that sends anything, even half a line', () => {
    marbles(({ hot, expectObservable }) => {
      const half = { ...clientBytes, h: bytes(token('x')).subarray(0, 9), r: bytes(token('x')).subarray(9) };
      const connection = fakeConnection({ chunk$: hot('-A--x--p--x--h--r--q', half) });
      expectObservable(beating(connection)).toBe('     -A--x--p--x-----x--(q|)', reported);
    });
  });

  test('sends no PING to a client before it joins, and rejects it when it has not joined after two periods', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('-') });
      const operator = serve({ heartbeatMs: 10, handshakeTimeoutMs: 60 });
      expectObservable(connection.line$).toBe('N 19ms |', relayLines);
      expectObservable(operator(connection)).toBe('20ms (e|)', {
        e: 'rejected: the connection is silent',
      });
    });
  });

  test.each([
    { name: 'has said BYE', chunk: '-A-q', stop: '', unsub: '' },
    { name: 'has ended its connection', chunk: '    -A-|', stop: '', unsub: '' },
    { name: 'was cut off', chunk: ' -A-#', stop: '', unsub: '' },
    { name: 'has sent an invalid line', chunk: '-A-?', stop: '', unsub: '' },
    { name: 'has a relay that stops', chunk: '-A', stop: '---s', unsub: '' },
    { name: 'has no subscriber any more', chunk: '-A', stop: '', unsub: '---!' },
  ])('leaves no timer once it $name', ({ chunk, stop, unsub }) => {
    marbles(({ hot, expectObservable, flush }) => {
      const chunk$ = hot(chunk, clientBytes, new ConnectionError('reset by peer'));
      const operator = serve({ heartbeatMs: 60_000, stop$: hot(stop) });
      expectObservable(operator(fakeConnection({ chunk$ })), unsub === '' ? undefined : unsub);
      flush();
      // The handshake timer is gone too.
      expect(asyncScheduler.now()).toBeLessThan(10_000);
    });
  });
});

describe('serveConnection with several connections of one address', () => {
  const TOKEN = bytes(token('x')).length;
  const flow = { p: 'pause', r: 'resume' };

  test('pauses all connections of an address until its excess bytes are repaid, and no others', () => {
    marbles(({ hot, expectObservable }) => {
      // One token per 10 ms; at first enough for two answers and a token.
      const burst = 2 * clientBytes['A']!.length + TOKEN;
      const operator = serve({ byteRatePerAddress: { perSecond: 100 * TOKEN, burst } });
      const from = (peer: string, marbles: string) => ({
        ...fakeConnection({
          chunk$: hot(marbles, { ...clientBytes, B: clientBytes['A']!, y: clientBytes['x']! }),
        }),
        peer,
      });
      const [one, two, other] = [
        from('192.0.2.1:1', '(Ax)-x-'),
        from('192.0.2.1:2', 'B------y'),
        from('192.0.2.2:1', 'Ax------'),
      ];
      for (const each of [one, two, other]) expectObservable(operator(each), '40ms !');
      // Half a token is repaid when the second arrives: it owes 5 ms, and 15 ms with that of the other connection.
      expectObservable(one.flow$).toBe('-----p 15ms r', flow);
      expectObservable(two.flow$).toBe('-------p 13ms r', flow);
      expectObservable(other.flow$).toBe('-', flow);
    });
  });

  test('emits quiet for a member that is paused for long, so that the client does not time out', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('-(Ax)', clientBytes) });
      const rate = { perSecond: (1000 * TOKEN) / 35, burst: clientBytes['A']!.length };
      const reported$ = serve({ heartbeatMs: 10, byteRatePerAddress: rate })(connection);
      expectObservable(connection.flow$, '45ms !').toBe('-p 34ms r', flow);
      expectObservable(reported$, '45ms !').toBe('-(Ax) 5ms u 9ms u 9ms u', reported);
    });
  });
});

describe('serveConnection when the relay stops', () => {
  test('sends BYE to a client that has not answered yet, and closes it', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const stop$ = hot('---s');
      const chunk$ = hot('-----A', clientBytes);
      const connection = fakeConnection({ chunk$ });
      expectObservable(connection.line$).toBe('N--(Q|)', { ...relayLines, Q: 'BYE shutdown 250' });
      expectObservable(serve({ stop$, retryMs: 250 })(connection)).toBe('---|');
      expectSubscriptions(chunk$.subscriptions).toBe('^--!');
    });
  });

  test('stops reading members, and leaves their BYE to the room', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const stop$ = hot('---s');
      const chunk$ = hot('-A---x', clientBytes);
      const connection = fakeConnection({ chunk$ });
      expectObservable(connection.line$).toBe('N', relayLines);
      expectObservable(serve({ stop$ })(connection)).toBe('-A-|', reported);
      expectSubscriptions(chunk$.subscriptions).toBe('^--!');
    });
  });
});

describe('serveConnection with a member that breaks the protocol', () => {
  test('emits the commands before the invalid line, then a leave whose reason the room reports', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('-A-m-y', { ...clientBytes, m: bytes(token('x'), 'GAP 1 2', token('y')) });
      const connection = fakeConnection({ chunk$ });
      expectObservable(connection.line$).toBe('N', relayLines);
      expectObservable(serve()(connection)).toBe('-A-(xb|)', reported);
      expectSubscriptions(chunk$.subscriptions).toBe('^--!');
    });
  });
});

describe('serveConnection with injected functions that throw', () => {
  const refused = { ...relayLines, E: 'ERR internal the relay failed; try again' };

  test('refuses the connection when verify throws, and serves others', () => {
    marbles(({ hot, expectObservable }) => {
      const operator = serve({
        verify: (room, message, signature) => {
          if (String.fromCharCode(...message).includes('bob')) throw new Error('no such curve');
          return verify(room, message, signature);
        },
      });
      const bob = fakeConnection({ chunk$: hot('-B-x', clientBytes) });
      const alice = fakeConnection({ chunk$: hot('--Ax', clientBytes) });
      expectObservable(bob.line$).toBe('N(E|)', refused);
      expectObservable(operator(bob)).toBe('-(e|)', { e: 'rejected: Error: no such curve' });
      expectObservable(operator(alice)).toBe('--Ax', reported);
    });
  });

  test('rejects and closes the connection without an error when nonce throws', () => {
    marbles(({ expectObservable }) => {
      const connection = fakeConnection();
      const broken = () => {
        throw new Error('no randomness');
      };
      expectObservable(connection.line$).toBe('(E|)', refused);
      expectObservable(serve({ nonce: broken })(connection)).toBe('(e|)', {
        e: 'rejected: Error: no randomness',
      });
    });
  });

  test('rejects clients and emits a leave for members when stop$ errors, and leaves no timer', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions, flush }) => {
      const stop$ = hot('---#', undefined, new Error('no signals'));
      const operator = serve({ stop$, heartbeatMs: 60_000 });
      const chunk$ = hot('-A---x', clientBytes);
      const [alice, stranger] = [fakeConnection({ chunk$ }), fakeConnection()];
      const last = fakeConnection();
      expectObservable(alice.line$).toBe('   N', relayLines);
      expectObservable(operator(alice)).toBe('-A-(s|)', { ...reported, s: 'alice leave: Error: no signals' });
      expectObservable(stranger.line$).toBe('N--(E|)', refused);
      const turned = { e: 'rejected: Error: no signals' };
      expectObservable(operator(stranger)).toBe('---(e|)', turned);
      // Later clients are rejected too.
      expectObservable(last.line$).toBe('----(E|)', refused);
      expectObservable(cold('----c').pipe(mergeMap(() => operator(last)))).toBe('----e', turned);
      expectSubscriptions(chunk$.subscriptions).toBe('^--!');
      flush();
      expect(asyncScheduler.now()).toBeLessThan(10_000);
    });
  });

  test('rejects and closes the connection without an error when write throws', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('-A', clientBytes);
      const connection = fakeConnection({ chunk$, writeResults: '!' });
      expectObservable(connection.line$).toBe('|');
      expectObservable(serve()(connection)).toBe('(e|)', { e: 'rejected: Error: the sink broke' });
      expectSubscriptions(chunk$.subscriptions).toBe([]);
    });
  });

  test('emits a leave when writing the error message to a member throws', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('-A-?', clientBytes), writeResults: 'y!' });
      expectObservable(serve()(connection)).toBe('-A-(b|)', reported);
    });
  });
});
