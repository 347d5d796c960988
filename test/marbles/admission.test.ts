import { describe, expect, test } from '@jest/globals';
import { asyncScheduler, map, mergeMap } from 'rxjs';
import { admission, type AdmissionOptions } from '../../streams/relay/admission.js';
import type { Connection } from '../../streams/wire/connection.js';
import { BusyError, LinkError } from '../../streams/wire/errors.js';
import { fakeConnection } from '../support/fakeConnection.js';
import { marbles } from '../support/marbles.js';
import { bytes, heard, hello, nonce, said, tell, token, verify } from '../support/wire.js';

/** A door that asks nobody whether they are still there. */
const door = (more: Partial<AdmissionOptions> = {}) => {
  const operator = admission({ nonce, verify, heartbeat: Infinity, ...more });
  return (connection: Connection) => operator(connection).pipe(map(tell));
};

const told = {
  A: 'alice join',
  x: 'alice: x',
  y: 'alice: y',
  p: 'alice ping',
  q: 'alice leave: bye',
  a: 'alice leave: the connection ended',
  b: 'alice leave: bad-line',
  r: 'alice leave: reset by peer',
  u: 'alice quiet',
  v: 'alice leave: nothing was heard for 20 ms',
  e: 'turned-away: the connection ended',
};

describe('admission', () => {
  test('asks NICK, and waits for the answer', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('       ----');
      const connection = fakeConnection({ chunk$: chunk$.pipe(map(() => bytes())) });
      const command$ = cold('    -c').pipe(mergeMap(() => door()(connection)));
      const unsub = '            ----!';
      expectObservable(command$, unsub).toBe('----');
      expectObservable(connection.line$).toBe('-N--(Q|)', heard);
      expectSubscriptions(chunk$.subscriptions).toBe('-^--!');
    });
  });

  test('says nothing and reads nothing before it is subscribed', () => {
    marbles(({ expectObservable }) => {
      const connection = fakeConnection();
      door()(connection);
      expectObservable(connection.line$).toBe('-');
    });
  });

  test('passes on what a member does, and leaves its connection open for the room', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('-A-x-p-y-q-x', said) });
      expectObservable(connection.line$).toBe('        N-', heard);
      expectObservable(door()(connection)).toBe('      -A-x-p-y-(q|)', told);
    });
  });

  test('a connection that ends is a member that leaves', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('                       -A-x-|', said);
      expectObservable(door()(fakeConnection({ chunk$ }))).toBe('-A-x-(a|)', told);
      expectSubscriptions(chunk$.subscriptions).toBe('^----!');
    });
  });

  test('a link that breaks is a member that leaves, never an error', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('-A-#', said, new LinkError('reset by peer')) });
      expectObservable(connection.line$).toBe('        N', heard);
      expectObservable(door()(connection)).toBe('      -A-(r|)', told);
    });
  });

  test('unsubscribing lets go of a member, whose connection the room closes', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('             -A-x-x', said);
      const connection = fakeConnection({ chunk$ });
      const unsub = '                  ----!';
      expectObservable(connection.line$).toBe('N', heard);
      expectObservable(door()(connection), unsub).toBe('-A-x', told);
      expectSubscriptions(chunk$.subscriptions).toBe('^---!');
    });
  });

  test('one operator value serves two connections, each with its own member', () => {
    marbles(({ hot, expectObservable }) => {
      const operator = door();
      const one = fakeConnection({ chunk$: hot('-A--|', said) });
      const two = fakeConnection({ chunk$: hot('--B-p', said) });
      expectObservable(operator(one)).toBe('    -A--(a|)', told);
      expectObservable(operator(two)).toBe('    --B-p', { B: 'bob join', p: 'bob ping' });
    });
  });
});

describe('who does not become a member', () => {
  const went = [
    { name: 'who ends the connection', chunk: '-|', reason: 'the connection ended' },
    { name: 'whose link breaks', chunk: '-#', reason: 'reset by peer' },
  ];

  test.each(went)('$name is closed and told nothing', ({ chunk, reason }) => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot(chunk, said, new LinkError('reset by peer')) });
      expectObservable(connection.line$).toBe('N|', heard);
      expectObservable(door()(connection)).toBe('-(e|)', { e: `turned-away: ${reason}` });
    });
  });

  const refused = [
    { name: 'who says something else', chunk: '-x', line: 'N(1|)', reason: 'bad-line' },
    { name: 'whose proof does not hold', chunk: '-P', line: 'N(2|)', reason: 'bad-proof' },
    { name: 'whose nick has a space', chunk: '-S', line: 'N(3|)', reason: 'nick-invalid' },
    { name: 'whose line is too long', chunk: '-L', line: 'N(4|)', reason: 'line-too-long' },
    {
      name: 'whose connection fails for an unknown reason',
      chunk: '-#',
      line: 'N(5|)',
      reason: 'RangeError: out of cheese',
    },
  ];
  const chunks = {
    ...said,
    P: bytes(hello('mallory').replace(/proof=.{8}/, 'proof=AAAAAAAA')),
    S: bytes('NICK al ice room=x'),
    L: bytes('NICK '.padEnd(400, 'a')),
  };
  const answers = {
    ...heard,
    1: 'ERR bad-line the answer to NICK is NICK <nick> room=... session=... proof=...',
    2: 'ERR bad-proof the proof does not hold for this room',
    3: 'ERR nick-invalid the nick has a space',
    4: 'ERR line-too-long a line is longer than 400 bytes',
    5: 'ERR internal the relay failed; try again',
  };

  test('who comes in a crowd is told when to come back', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('-A', said) });
      const entrance = () => {
        throw new BusyError('too many come at once', 1234);
      };
      expectObservable(connection.line$).toBe('N(B|)', { ...heard, B: 'BYE busy 1234' });
      expectObservable(door({ entrance })(connection)).toBe('-(e|)', { e: 'turned-away: busy' });
    });
  });

  test.each(refused)('$name is turned away, told so, and closed', ({ chunk, line, reason }) => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot(chunk, chunks, new RangeError('out of cheese')) });
      expectObservable(connection.line$).toBe(line, answers);
      expectObservable(door({ lineLimit: 400 })(connection)).toBe('-(e|)', { e: `turned-away: ${reason}` });
    });
  });
});

describe('a door that does not wait', () => {
  test('who does not answer NICK is turned away after the time for it', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('-', said);
      const connection = fakeConnection({ chunk$ });
      expectObservable(connection.line$).toBe('N 9999ms (E|)', {
        ...heard,
        E: 'ERR timeout no answer to NICK in 10000 ms',
      });
      expectObservable(door()(connection)).toBe('  10s (e|)', { e: 'turned-away: timeout' });
      expectSubscriptions(chunk$.subscriptions).toBe('^ 9999ms !');
    });
  });

  test('who answers byte by byte has no more time than others', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('a-a-a-a-a-a-', { a: bytes('N').subarray(0, 1) }) });
      const out = '-----(e|)';
      expectObservable(door({ handshakeTimeout: 5 })(connection)).toBe(out, { e: 'turned-away: timeout' });
    });
  });

  test('who has answered in time is not held to it later', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('-A 60m x', said) });
      expectObservable(door()(connection)).toBe('      -A 60m x', told);
    });
  });
});

describe('a member that is silent', () => {
  // Ticks are at 5, 10, 15, …: the second silent one in a row is quiet, the fourth is the end.
  const beating = door({ heartbeat: 10 });

  test('is quiet after one period and leaves after two; its connection is left open for the room', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('                      -A', said);
      const connection = fakeConnection({ chunk$ });
      expectObservable(beating(connection)).toBe('-A 8ms u 9ms (v|)', told);
      expectObservable(connection.line$).toBe('  N', heard);
      expectSubscriptions(chunk$.subscriptions).toBe('^ 19ms !');
    });
  });

  test('of 15 s and 30 s, where nothing else was said', () => {
    marbles(({ hot, expectObservable }) => {
      const operator = admission({ nonce, verify });
      const command$ = operator(fakeConnection({ chunk$: hot('-A', said) })).pipe(map(tell));
      const gone = { ...told, v: 'alice leave: nothing was heard for 30000 ms' };
      expectObservable(command$).toBe('-A 14998ms u 14999ms (v|)', gone);
    });
  });

  test('and answers goes on, and is quiet again later', () => {
    marbles(({ hot, expectObservable }) => {
      const pong = { ...said, o: bytes('PONG 0') };
      const connection = fakeConnection({ chunk$: hot('-A 10ms o 15ms x', pong) });
      expectObservable(beating(connection)).toBe('     -A 8ms u 9ms u 7ms x 6ms u 9ms (v|)', told);
    });
  });

  test('and says anything, half a line too, is not quiet', () => {
    marbles(({ hot, expectObservable }) => {
      const half = { ...said, h: bytes(token('x')).subarray(0, 9), r: bytes(token('x')).subarray(9) };
      const connection = fakeConnection({ chunk$: hot('-A--x--p--x--h--r--q', half) });
      expectObservable(beating(connection)).toBe('     -A--x--p--x-----x--(q|)', told);
    });
  });

  test('is not asked before it is a member, but turned away after two periods if not before', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('-') });
      const operator = door({ heartbeat: 10, handshakeTimeout: 60 });
      expectObservable(connection.line$).toBe('N 19ms |', heard);
      expectObservable(operator(connection)).toBe('20ms (e|)', {
        e: 'turned-away: nothing was heard for 20 ms',
      });
    });
  });

  test.each([
    { name: 'has said BYE', chunk: '-A-q', stop: '', unsub: '' },
    { name: 'is gone', chunk: '    -A-|', stop: '', unsub: '' },
    { name: 'was cut off', chunk: ' -A-#', stop: '', unsub: '' },
    { name: 'said a wrong line', chunk: '-A-?', stop: '', unsub: '' },
    { name: 'is of a relay that stops', chunk: '-A', stop: '---s', unsub: '' },
    { name: 'is listened to by nobody', chunk: '-A', stop: '', unsub: '---!' },
  ])('leaves no timer once it $name', ({ chunk, stop, unsub }) => {
    marbles(({ hot, expectObservable, flush }) => {
      const chunk$ = hot(chunk, said, new LinkError('reset by peer'));
      const operator = door({ heartbeat: 60_000, stop$: hot(stop) });
      expectObservable(operator(fakeConnection({ chunk$ })), unsub === '' ? undefined : unsub);
      flush();
      // That for the handshake is gone too.
      expect(asyncScheduler.now()).toBeLessThan(10_000);
    });
  });
});

describe('an address', () => {
  const TOKEN = bytes(token('x')).length;
  const flow = { p: 'pause', r: 'resume' };

  test('shares its bytes among its connections: none is read until they are made good, others are', () => {
    marbles(({ hot, expectObservable }) => {
      // A token in 10 ms; at first enough for two answers and a token.
      const burst = 2 * said['A']!.length + TOKEN;
      const operator = door({ byteRatePerAddress: { perSecond: 100 * TOKEN, burst } });
      const from = (peer: string, marbles: string) => ({
        ...fakeConnection({ chunk$: hot(marbles, { ...said, B: said['A']!, y: said['x']! }) }),
        peer,
      });
      const [one, two, other] = [
        from('192.0.2.1:1', '(Ax)-x-'),
        from('192.0.2.1:2', 'B------y'),
        from('192.0.2.2:1', 'Ax------'),
      ];
      for (const each of [one, two, other]) expectObservable(operator(each), '40ms !');
      // Half a token is made good when the second comes: it owes 5 ms, and with that of the other connection 15.
      expectObservable(one.flow$).toBe('-----p 15ms r', flow);
      expectObservable(two.flow$).toBe('-------p 13ms r', flow);
      expectObservable(other.flow$).toBe('-', flow);
    });
  });

  test('that has a member which is not read for long has it asked, so that it does not think us gone', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('-(Ax)', said) });
      const rate = { perSecond: (1000 * TOKEN) / 35, burst: said['A']!.length };
      const told$ = door({ heartbeat: 10, byteRatePerAddress: rate })(connection);
      expectObservable(connection.flow$, '45ms !').toBe('-p 34ms r', flow);
      expectObservable(told$, '45ms !').toBe('-(Ax) 5ms u 9ms u 9ms u', told);
    });
  });
});

describe('a relay that stops', () => {
  test('says BYE to who has not answered yet, and closes', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const stop$ = hot('---s');
      const chunk$ = hot('-----A', said);
      const connection = fakeConnection({ chunk$ });
      expectObservable(connection.line$).toBe('N--(Q|)', { ...heard, Q: 'BYE shutdown 250' });
      expectObservable(door({ stop$, retryMs: 250 })(connection)).toBe('---|');
      expectSubscriptions(chunk$.subscriptions).toBe('^--!');
    });
  });

  test('listens to no member any more and leaves the farewell to the room', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const stop$ = hot('---s');
      const chunk$ = hot('-A---x', said);
      const connection = fakeConnection({ chunk$ });
      expectObservable(connection.line$).toBe('N', heard);
      expectObservable(door({ stop$ })(connection)).toBe('-A-|', told);
      expectSubscriptions(chunk$.subscriptions).toBe('^--!');
    });
  });
});

describe('a member that breaks the protocol', () => {
  test('has said what it said before, and leaves; why is for its room to tell', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('-A-m-y', { ...said, m: bytes(token('x'), 'GAP 1 2', token('y')) });
      const connection = fakeConnection({ chunk$ });
      expectObservable(connection.line$).toBe('N', heard);
      expectObservable(door()(connection)).toBe('-A-(xb|)', told);
      expectSubscriptions(chunk$.subscriptions).toBe('^--!');
    });
  });
});

describe('what is injected and throws', () => {
  const refused = { ...heard, E: 'ERR internal the relay failed; try again' };

  test('verify: the connection is refused, and the door goes on', () => {
    marbles(({ hot, expectObservable }) => {
      const operator = door({
        verify: (room, message, signature) => {
          if (String.fromCharCode(...message).includes('bob')) throw new Error('no such curve');
          return verify(room, message, signature);
        },
      });
      const bob = fakeConnection({ chunk$: hot('-B-x', said) });
      const alice = fakeConnection({ chunk$: hot('--Ax', said) });
      expectObservable(bob.line$).toBe('N(E|)', refused);
      expectObservable(operator(bob)).toBe('-(e|)', { e: 'turned-away: Error: no such curve' });
      expectObservable(operator(alice)).toBe('--Ax', told);
    });
  });

  test('nonce: the connection is turned away and closed, never an error', () => {
    marbles(({ expectObservable }) => {
      const connection = fakeConnection();
      const broken = () => {
        throw new Error('no randomness');
      };
      expectObservable(connection.line$).toBe('(E|)', refused);
      expectObservable(door({ nonce: broken })(connection)).toBe('(e|)', {
        e: 'turned-away: Error: no randomness',
      });
    });
  });

  test('stop$: who is there is turned away or leaves, for a fault, and no timer is left', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions, flush }) => {
      const stop$ = hot('---#', undefined, new Error('no signals'));
      const operator = door({ stop$, heartbeat: 60_000 });
      const chunk$ = hot('-A---x', said);
      const [alice, stranger] = [fakeConnection({ chunk$ }), fakeConnection()];
      const last = fakeConnection();
      expectObservable(alice.line$).toBe('   N', heard);
      expectObservable(operator(alice)).toBe('-A-(s|)', { ...told, s: 'alice leave: Error: no signals' });
      expectObservable(stranger.line$).toBe('N--(E|)', refused);
      const turned = { e: 'turned-away: Error: no signals' };
      expectObservable(operator(stranger)).toBe('---(e|)', turned);
      // So is who comes later.
      expectObservable(last.line$).toBe('----(E|)', refused);
      expectObservable(cold('----c').pipe(mergeMap(() => operator(last)))).toBe('----e', turned);
      expectSubscriptions(chunk$.subscriptions).toBe('^--!');
      flush();
      expect(asyncScheduler.now()).toBeLessThan(10_000);
    });
  });

  test('write: the connection is turned away and closed, never an error', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('-A', said);
      const connection = fakeConnection({ chunk$, answers: '!' });
      expectObservable(connection.line$).toBe('|');
      expectObservable(door()(connection)).toBe('(e|)', { e: 'turned-away: Error: the sink broke' });
      expectSubscriptions(chunk$.subscriptions).toBe([]);
    });
  });

  test('write, of what a member is told about its error: it leaves all the same', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('-A-?', said), answers: 'y!' });
      expectObservable(door()(connection)).toBe('-A-(b|)', told);
    });
  });
});
