import { describe, test } from '@jest/globals';
import { concat, map, NEVER, of, throwError, timer } from 'rxjs';
import type { Keyring } from '../../streams/client/keyring.js';
import type { Say } from '../../streams/client/seal.js';
import type { Connection } from '../../streams/wire/connection.js';
import { LinkError, ProtocolError, RefusedError } from '../../streams/wire/errors.js';
import { welcomeLine } from '../../streams/wire/handshake.js';
import { fakeCipher, ringOf } from '../support/fakeCipher.js';
import { fakeConnection } from '../support/fakeConnection.js';
import { marbles } from '../support/marbles.js';
import { runOf } from '../support/people.js';
import { inTurn, talking, tokenOf } from '../support/talking.js';
import { bytes, heard, LOBBY, PROOF, SESSION } from '../support/wire.js';

const A = tokenOf(['hello']);
const B = tokenOf(['one', 'two', 'three'], { counter: 2 });
const OTHERS = tokenOf(['hi', 'all'], { nick: 'bob', session: runOf(7) });

const welcomed = (from: number, next: number): Uint8Array =>
  bytes(
    welcomeLine({ log: 'log', next, first: 1, from, durability: 'memory', count: 1, members: ['alice'] }),
  );

/**
 * What the relay says in drawings: greeting N; welcome W from 5, where the log ends, or V from 3; alice's tokens a b as
 * they come back, bob's o.
 */
const relay: Record<string, Uint8Array> = {
  N: bytes(heard['N']!),
  W: welcomed(5, 5),
  V: welcomed(3, 5),
  a: bytes(A),
  b: bytes(B),
  o: bytes(OTHERS),
  f: bytes(tokenOf(['secret'], { key: 9 })),
  j: bytes('+bob'),
  g: bytes('GAP 5 9'),
  q: bytes('BYE shutdown 1000'),
  E: bytes('ERR nick-taken the nick is taken in this room'),
  S: bytes('ERR storage the relay cannot store anything now'),
  h: bytes('hello'),
};

/** What alice writes: her answer H, her tokens, and the farewell Q. */
const written = {
  H: `NICK alice room=${LOBBY} session=${SESSION} proof=${PROOF}`,
  a: A,
  b: B,
  Q: 'BYE leaving 0',
};

const say: Record<string, Say> = {
  a: { lines: ['hello'] },
  b: { lines: ['one', 'two', 'three'] },
  l: { lines: ['x'.repeat(50_000)] },
  n: { lines: [] },
};

const told: Record<string, string> = {
  W: 'welcome',
  a: 'said hello',
  m: '5.0 alice (own): hello',
  s: 'stored 5 hello',
  d: 'said-all',
  q: 'bye',
};

describe('conversation', () => {
  test('without a WELCOME nothing is said, whatever else comes, and unsubscribing says BYE and closes', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('                                  -No--', { ...relay, o: bytes('PONG 0') });
      const say$ = cold('                                   a', say);
      const connection = fakeConnection({ chunk$ });
      const unsub = '                                       ----!';
      expectObservable(say$.pipe(talking(connection)), unsub).toBe('----');
      expectObservable(connection.line$).toBe('             -H--(Q|)', written);
      expectSubscriptions(say$.subscriptions).toBe([]);
      expectSubscriptions(chunk$.subscriptions).toBe('      ^---!');
    });
  });

  test('what you say is subscribed at WELCOME, goes out as a token, and its echo is its receipt', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const connection = fakeConnection({ chunk$: hot('     -N-W---a-', relay) });
      const say$ = cold('                                      --a', say);
      const unsub = '                                       ----------!';
      expectObservable(say$.pipe(talking(connection)), unsub).toBe('---W-a-(ms)', told);
      expectObservable(connection.line$).toBe('             -H---a----(Q|)', written);
      expectSubscriptions(say$.subscriptions).toBe('        ---^------!');
    });
  });

  test('what there is to say at once is said after WELCOME was heard', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('-N-W', relay) });
      const heard$ = of(say['a']!).pipe(talking(connection));
      expectObservable(heard$, '-------!').toBe('        ---(Wad)', told);
      expectObservable(connection.line$).toBe('        -H-a---(Q|)', written);
    });
  });

  test('what you say while there is something to catch up on waits for that', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const connection = fakeConnection({ chunk$: hot('     NV--j--f-a', relay) });
      const say$ = cold('                                    -a---b', say);
      const unsub = '                                       -----------!';
      expectObservable(say$.pipe(talking(connection, { last: 2 })), unsub).toBe('-Va-j-bf-(ms)', {
        ...told,
        V: 'welcome',
        j: '3 joined bob',
        f: '4 wrong key or tampered',
        b: 'said one|two|three',
      });
      expectObservable(connection.line$).toBe('             H------(ab)(Q|)', {
        ...written,
        H: `${written.H} last=2`,
      });
      expectSubscriptions(say$.subscriptions).toBe('        -^---------!');
    });
  });

  test('what cannot be said is a value and takes no number; what follows is said', () => {
    marbles(({ hot, cold, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('NW', relay) });
      const say$ = cold('                               -lna', say);
      const heard$ = say$.pipe(talking(connection));
      expectObservable(heard$, '------!').toBe('        -Wlna', {
        ...told,
        l: 'not said: a message of 50003 bytes is over the limit of 32768 bytes',
        n: 'not said: a message has at least one line',
      });
      expectObservable(connection.line$).toBe('         H---a-(Q|)', written);
    });
  });

  test('when all is said there is a said-all, and one goes on hearing', () => {
    marbles(({ hot, cold, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('          NW----a---j', relay) });
      const say$ = cold('                                         --a|', say);
      expectObservable(say$.pipe(talking(connection)), '-----------!').toBe('-W-ad-(ms)j', {
        ...told,
        j: '6 joined bob',
      });
    });
  });

  test('nothing to say is a said-all at once', () => {
    marbles(({ hot, cold, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('NW', relay) });
      expectObservable(cold('|', say).pipe(talking(connection)), '---!').toBe('-(Wd)', told);
    });
  });

  test('the lines of a batch are messages of one position, counted from 0, and have one receipt', () => {
    marbles(({ hot, cold, expectObservable }) => {
      const say$ = cold('(ab)', say);
      const later = fakeConnection({ chunk$: hot('      NW---------b', { ...relay, b: bytes(A, B) }) });
      expectObservable(say$.pipe(talking(later)), '------------!').toBe('-(Wab)-----(ms0123)', {
        ...told,
        b: 'said one|two|three',
        0: '6.0 alice (own): one',
        1: '6.1 alice (own): two',
        2: '6.2 alice (own): three',
        3: 'stored 6 one|two|three',
      });
    });
  });

  test('what others say has no receipt, nor what this run said before, and neither comes twice', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot(' NW-o---a-', relay) });
      expectObservable(NEVER.pipe(talking(connection)), '---------!').toBe('-W-(op)a', {
        ...told,
        o: '5.0 bob: hi',
        p: '5.1 bob: all',
        a: '6.0 alice (own): hello',
      });
    });
  });

  test('gaps, comings, and what does not open are values', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot(' NWgjfo', relay) });
      expectObservable(NEVER.pipe(talking(connection)), '------!').toBe('-Wgjf(op)', {
        ...told,
        g: 'gap 5-9',
        j: '10 joined bob',
        f: '11 wrong key or tampered',
        o: '12.0 bob: hi',
        p: '12.1 bob: all',
      });
    });
  });

  test('where a gap may have swallowed an echo it asks, and the answer is the receipt', () => {
    marbles(({ hot, cold, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('NW--g-o--b', { ...relay, o: bytes('PONG 9') }) });
      const say$ = cold('                               -a-----b', say);
      const heard$ = say$.pipe(talking(connection));
      expectObservable(heard$, '         ----------!').toBe('-Wa-g-s-b(012r)', {
        ...told,
        g: 'gap 5-9',
        s: 'stored somewhere hello',
        b: 'said one|two|three',
        0: '10.0 alice (own): one',
        1: '10.1 alice (own): two',
        2: '10.2 alice (own): three',
        r: 'stored 10 one|two|three',
      });
      expectObservable(connection.line$).toBe('       H-a-p---b-(Q|)', { ...written, p: 'PING 9' });
    });
  });

  test('does not enter before there is a key', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const chunk$ = cold('              NW', relay);
      const connection = fakeConnection({ chunk$ });
      const keyring$ = hot('          --K---', { K: ringOf(1) });
      const heard$ = NEVER.pipe(talking(connection, { keyring$ }));
      expectObservable(heard$, '      -----!').toBe('---W', told);
      expectObservable(connection.line$).toBe('--H--(Q|)', written);
      expectSubscriptions(chunk$.subscriptions).toBe('--^--!');

      const connect$ = cold<Connection>('-');
      const keyless$ = NEVER.pipe(talking(connect$, { keyring$: cold<Keyring>('--K', { K: ringOf(1) }) }));
      expectObservable(keyless$, '-----!').toBe('-');
      expectSubscriptions(connect$.subscriptions).toBe('--^--!');
    });
  });
});

describe('whatever ends it says BYE and closes', () => {
  test('the BYE of the relay: it completes, and what you say is let go', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const connection = fakeConnection({ chunk$: hot('         NW--q--a', relay) });
      const say$ = cold('                                        --a-a', say);
      expectObservable(say$.pipe(talking(connection))).toBe('   -W-a(q|)', told);
      expectObservable(connection.line$).toBe('                 H--a(Q|)', written);
      expectSubscriptions(say$.subscriptions).toBe('            -^--!');
    });
  });

  const fault = new Error('broken');
  const broken = () => {
    throw fault;
  };
  const opening = { cipher: { ...fakeCipher, open: broken } };
  const sealing = { cipher: { ...fakeCipher, seal: broken } };
  const keyless = { keyring$: throwError(() => fault) };
  const losing = { keyring$: concat(of(ringOf(1)), timer(2).pipe(map(broken))) };
  const refused = new RefusedError('nick-taken', 'the nick is taken in this room');
  const full = new RefusedError('storage', 'the relay cannot store anything now');
  const noRelay = new ProtocolError(
    'bad-line',
    'the relay sent a line that is neither an entry nor a control',
  );
  const closed = new LinkError('the relay closed the connection');
  const endings = [
    { name: 'a refusal', chunk: 'N-E', out: '--#', line: 'H-(Q|)', error: refused },
    { name: 'a refusal that may pass', chunk: 'N-S', out: '--#', line: 'H-(Q|)', error: full },
    { name: 'a connection without BYE', chunk: 'NW|', out: '-W#', line: 'H-(Q|)', error: closed },
    { name: 'a relay that is none', chunk: 'NWh', out: '-W#', line: 'H-(Q|)', error: noRelay },
    { name: 'what you say, when it fails', says: '-#', out: '-W#', line: 'H-(Q|)', error: fault },
    {
      name: 'a cipher that cannot seal',
      says: '-a',
      out: '-W#',
      line: 'H-(Q|)',
      error: fault,
      more: sealing,
    },
    {
      name: 'a cipher that cannot open',
      chunk: 'NWo',
      out: '-W#',
      line: 'H-(Q|)',
      error: fault,
      more: opening,
    },
    { name: 'keys that are lost, before it connects', out: '#', line: '-', error: fault, more: keyless },
    { name: 'keys that are lost later', out: '-W#', line: 'H-(Q|)', error: fault, more: losing },
  ];

  test.each(endings)('$name', ({ chunk = 'NW', says = '-', out, line, error, more }) => {
    marbles(({ hot, cold, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot(chunk, relay) });
      expectObservable(cold(says, say, fault).pipe(talking(connection, more))).toBe(out, told, error);
      expectObservable(connection.line$).toBe(line, written);
    });
  });

  test('a connection that cannot be made: there is none to say anything to', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const error = new LinkError('cannot reach the relay');
      const connect$ = cold<Connection>('--#', undefined, error);
      const say$ = cold('a', say);
      expectObservable(say$.pipe(talking(connect$))).toBe('--#', told, error);
      expectSubscriptions(connect$.subscriptions).toBe('  ^-!');
      expectSubscriptions(say$.subscriptions).toBe([]);
    });
  });

  test('unsubscribing while it connects gives that up', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const connection = fakeConnection();
      const connect$ = cold<Connection>('----c', { c: connection });
      expectObservable(NEVER.pipe(talking(connect$)), '--!').toBe('--');
      expectSubscriptions(connect$.subscriptions).toBe('        ^-!');
      expectObservable(connection.line$).toBe('                -');
    });
  });

  test('unsubscribing while it catches up, with something unsaid', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('            NV---j--o', relay);
      const connection = fakeConnection({ chunk$ });
      const heard$ = cold('a', say).pipe(talking(connection));
      expectObservable(heard$, '      -------!').toBe('-(Va)j', { ...told, V: 'welcome', j: '3 joined bob' });
      expectObservable(connection.line$).toBe('     H------(Q|)', written);
      expectSubscriptions(chunk$.subscriptions).toBe('     ^------!');
    });
  });

  test('the end of one connection makes no other', () => {
    marbles(({ hot, expectObservable }) => {
      const one = fakeConnection({ chunk$: hot('NW|', relay) });
      const two = fakeConnection();
      const heard$ = NEVER.pipe(talking(inTurn(one, two)));
      expectObservable(heard$).toBe('-W#', told, closed);
      expectObservable(two.line$).toBe('-');
    });
  });

  test('a connection that cannot be written, which is closed all the same', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('NW', relay);
      const connection = fakeConnection({ chunk$, answers: 'y!' });
      const say$ = cold('-a', say);
      const error = new Error('the sink broke');
      expectObservable(say$.pipe(talking(connection))).toBe('-W#', told, error);
      expectObservable(connection.line$).toBe('              H-|', written);
      expectSubscriptions(chunk$.subscriptions).toBe('       ^-!');
    });
  });
});
