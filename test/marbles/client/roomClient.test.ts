import { describe, test } from '@jest/globals';
import { concat, map, NEVER, of, throwError, timer } from 'rxjs';
import type { Keyring } from '../../../streams/client/envelope/cipher.js';
import type { OutgoingMessage } from '../../../streams/client/send/seal.js';
import type { Connection } from '../../../streams/wire/connection.js';
import { ConnectionError, ProtocolError, RefusedError } from '../../../streams/wire/errors.js';
import { formatWelcome } from '../../../streams/wire/handshake.js';
import { fakeCipher, fakeKeyring } from '../../support/fakeCipher.js';
import { fakeConnection } from '../../support/fakeConnection.js';
import { marbles } from '../../support/marbles.js';
import { senderSessionOf } from '../../support/envelopes.js';
import { inSequence, roomClientFixture, tokenOf } from '../../support/roomClientFixture.js';
import { bytes, relayLines, LOBBY, PROOF, SESSION } from '../../support/wire.js';

const A = tokenOf(['hello']);
const B = tokenOf(['one', 'two', 'three'], { counter: 2 });
const OTHERS = tokenOf(['hi', 'all'], { nick: 'bob', session: senderSessionOf(7) });

const welcomed = (from: number, next: number): Uint8Array =>
  bytes(
    formatWelcome({ log: 'log', next, first: 1, from, durability: 'memory', count: 1, members: ['alice'] }),
  );

/**
 * Lines of the relay in drawings: greeting N, and welcome W from 5, where the log ends, or V from 3. The tokens a b
 * are alice's, o is bob's.
 */
const relay: Record<string, Uint8Array> = {
  N: bytes(relayLines['N']!),
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

/** Lines of alice: her answer H, her tokens, and BYE as Q. */
const written = {
  H: `NICK alice room=${LOBBY} session=${SESSION} proof=${PROOF}`,
  a: A,
  b: B,
  Q: 'BYE leaving 0',
};

const send: Record<string, OutgoingMessage> = {
  a: { lines: ['hello'] },
  b: { lines: ['one', 'two', 'three'] },
  l: { lines: ['x'.repeat(50_000)] },
  n: { lines: [] },
};

const reported: Record<string, string> = {
  W: 'welcome',
  a: 'said hello',
  m: '5.0 alice (own): hello',
  s: 'stored 5 hello',
  d: 'input-complete',
  q: 'bye',
};

describe('roomClient', () => {
  test('roomClient sends nothing before WELCOME, and unsubscribing writes BYE and closes', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('                                  -No--', { ...relay, o: bytes('PONG 0') });
      const outgoing$ = cold('                                   a', send);
      const connection = fakeConnection({ chunk$ });
      const unsub = '                                       ----!';
      expectObservable(outgoing$.pipe(roomClientFixture(connection)), unsub).toBe('----');
      expectObservable(connection.line$).toBe('             -H--(Q|)', written);
      expectSubscriptions(outgoing$.subscriptions).toBe([]);
      expectSubscriptions(chunk$.subscriptions).toBe('      ^---!');
    });
  });

  test('roomClient subscribes to the messages at WELCOME, sends tokens, and takes echoes for receipts', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const connection = fakeConnection({ chunk$: hot('     -N-W---a-', relay) });
      const outgoing$ = cold('                                      --a', send);
      const unsub = '                                       ----------!';
      expectObservable(outgoing$.pipe(roomClientFixture(connection)), unsub).toBe('---W-a-(ms)', reported);
      expectObservable(connection.line$).toBe('             -H---a----(Q|)', written);
      expectSubscriptions(outgoing$.subscriptions).toBe('        ---^------!');
    });
  });

  test('roomClient emits WELCOME before it sends the first message', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('-N-W', relay) });
      const event$ = of(send['a']!).pipe(roomClientFixture(connection));
      expectObservable(event$, '-------!').toBe('        ---(Wad)', reported);
      expectObservable(connection.line$).toBe('        -H-a---(Q|)', written);
    });
  });

  test('roomClient sends messages only after it has caught up', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const connection = fakeConnection({ chunk$: hot('     NV--j--f-a', relay) });
      const outgoing$ = cold('                                    -a---b', send);
      const unsub = '                                       -----------!';
      expectObservable(outgoing$.pipe(roomClientFixture(connection, { last: 2 })), unsub).toBe(
        '-Va-j-bf-(ms)',
        {
          ...reported,
          V: 'welcome',
          j: '3 joined bob',
          f: '4 wrong key or tampered',
          b: 'said one|two|three',
        },
      );
      expectObservable(connection.line$).toBe('             H------(ab)(Q|)', {
        ...written,
        H: `${written.H} last=2`,
      });
      expectSubscriptions(outgoing$.subscriptions).toBe('        -^---------!');
    });
  });

  test('roomClient emits send-failed for an invalid message, without a number, and sends the next one', () => {
    marbles(({ hot, cold, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('NW', relay) });
      const outgoing$ = cold('                               -lna', send);
      const event$ = outgoing$.pipe(roomClientFixture(connection));
      expectObservable(event$, '------!').toBe('        -Wlna', {
        ...reported,
        l: 'not said: a message of 50003 bytes is over the limit of 32768 bytes',
        n: 'not said: a message has at least one line',
      });
      expectObservable(connection.line$).toBe('         H---a-(Q|)', written);
    });
  });

  test('roomClient emits input-complete after the last message, and goes on reading', () => {
    marbles(({ hot, cold, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('          NW----a---j', relay) });
      const outgoing$ = cold('                                         --a|', send);
      expectObservable(outgoing$.pipe(roomClientFixture(connection)), '-----------!').toBe('-W-ad-(ms)j', {
        ...reported,
        j: '6 joined bob',
      });
    });
  });

  test('roomClient emits input-complete at once when there is no message', () => {
    marbles(({ hot, cold, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('NW', relay) });
      expectObservable(cold('|', send).pipe(roomClientFixture(connection)), '---!').toBe('-(Wd)', reported);
    });
  });

  test('roomClient emits the lines of a batch as messages of one position, counted from 0, with one receipt', () => {
    marbles(({ hot, cold, expectObservable }) => {
      const outgoing$ = cold('(ab)', send);
      const next = fakeConnection({ chunk$: hot('      NW---------b', { ...relay, b: bytes(A, B) }) });
      expectObservable(outgoing$.pipe(roomClientFixture(next)), '------------!').toBe('-(Wab)-----(ms0123)', {
        ...reported,
        b: 'said one|two|three',
        0: '6.0 alice (own): one',
        1: '6.1 alice (own): two',
        2: '6.2 alice (own): three',
        3: 'stored 6 one|two|three',
      });
    });
  });

  test('roomClient emits no receipt for messages of others or of an earlier session, and each once', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot(' NW-o---a-', relay) });
      expectObservable(NEVER.pipe(roomClientFixture(connection)), '---------!').toBe('-W-(op)a', {
        ...reported,
        o: '5.0 bob: hi',
        p: '5.1 bob: all',
        a: '6.0 alice (own): hello',
      });
    });
  });

  test('roomClient emits gaps, announcements and undecryptable entries as values', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot(' NWgjfo', relay) });
      expectObservable(NEVER.pipe(roomClientFixture(connection)), '------!').toBe('-Wgjf(op)', {
        ...reported,
        g: 'gap 5-9',
        j: '10 joined bob',
        f: '11 wrong key or tampered',
        o: '12.0 bob: hi',
        p: '12.1 bob: all',
      });
    });
  });

  test('roomClient sends PING when a gap may hide an echo, and takes the answer for the receipt', () => {
    marbles(({ hot, cold, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('NW--g-o--b', { ...relay, o: bytes('PONG 9') }) });
      const outgoing$ = cold('                               -a-----b', send);
      const event$ = outgoing$.pipe(roomClientFixture(connection));
      expectObservable(event$, '         ----------!').toBe('-Wa-g-s-b(012r)', {
        ...reported,
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

  test('roomClient does not connect before there is a key', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const chunk$ = cold('              NW', relay);
      const connection = fakeConnection({ chunk$ });
      const keyring$ = hot('          --K---', { K: fakeKeyring(1) });
      const event$ = NEVER.pipe(roomClientFixture(connection, { keyring$ }));
      expectObservable(event$, '      -----!').toBe('---W', reported);
      expectObservable(connection.line$).toBe('--H--(Q|)', written);
      expectSubscriptions(chunk$.subscriptions).toBe('--^--!');

      const connect$ = cold<Connection>('-');
      const keyless$ = NEVER.pipe(
        roomClientFixture(connect$, { keyring$: cold<Keyring>('--K', { K: fakeKeyring(1) }) }),
      );
      expectObservable(keyless$, '-----!').toBe('-');
      expectSubscriptions(connect$.subscriptions).toBe('--^--!');
    });
  });
});

describe('the end of a roomClient writes BYE and closes', () => {
  test('roomClient completes at the BYE of the relay, and releases the messages', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const connection = fakeConnection({ chunk$: hot('         NW--q--a', relay) });
      const outgoing$ = cold('                                        --a-a', send);
      expectObservable(outgoing$.pipe(roomClientFixture(connection))).toBe('   -W-a(q|)', reported);
      expectObservable(connection.line$).toBe('                 H--a(Q|)', written);
      expectSubscriptions(outgoing$.subscriptions).toBe('            -^--!');
    });
  });

  const fault = new Error('broken');
  const broken = () => {
    throw fault;
  };
  const opening = { cipher: { ...fakeCipher, open: broken } };
  const sealing = { cipher: { ...fakeCipher, seal: broken } };
  const keyless = { keyring$: throwError(() => fault) };
  const losing = { keyring$: concat(of(fakeKeyring(1)), timer(2).pipe(map(broken))) };
  const refused = new RefusedError('nick-taken', 'the nick is taken in this room');
  const full = new RefusedError('storage', 'the relay cannot store anything now');
  const noRelay = new ProtocolError(
    'bad-line',
    'the relay sent a line that is neither an entry nor a control',
  );
  const closed = new ConnectionError('the relay closed the connection');
  const endings = [
    { name: 'a refusal', chunk: 'N-E', out: '--#', line: 'H-(Q|)', error: refused },
    { name: 'a refusal that may pass', chunk: 'N-S', out: '--#', line: 'H-(Q|)', error: full },
    { name: 'a connection without BYE', chunk: 'NW|', out: '-W#', line: 'H-(Q|)', error: closed },
    { name: 'a server that is not a relay', chunk: 'NWh', out: '-W#', line: 'H-(Q|)', error: noRelay },
    { name: 'what you say, when it fails', sends: '-#', out: '-W#', line: 'H-(Q|)', error: fault },
    {
      name: 'a cipher that cannot seal',
      sends: '-a',
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

  test.each(endings)(
    'roomClient writes BYE and closes at: $name',
    ({ chunk = 'NW', sends = '-', out, line, error, more }) => {
      marbles(({ hot, cold, expectObservable }) => {
        const connection = fakeConnection({ chunk$: hot(chunk, relay) });
        expectObservable(cold(sends, send, fault).pipe(roomClientFixture(connection, more))).toBe(
          out,
          reported,
          error,
        );
        expectObservable(connection.line$).toBe(line, written);
      });
    },
  );

  test('roomClient errors without BYE when it cannot connect', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const error = new ConnectionError('cannot reach the relay');
      const connect$ = cold<Connection>('--#', undefined, error);
      const outgoing$ = cold('a', send);
      expectObservable(outgoing$.pipe(roomClientFixture(connect$))).toBe('--#', reported, error);
      expectSubscriptions(connect$.subscriptions).toBe('  ^-!');
      expectSubscriptions(outgoing$.subscriptions).toBe([]);
    });
  });

  test('unsubscribing while roomClient connects cancels the attempt', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const connection = fakeConnection();
      const connect$ = cold<Connection>('----c', { c: connection });
      expectObservable(NEVER.pipe(roomClientFixture(connect$)), '--!').toBe('--');
      expectSubscriptions(connect$.subscriptions).toBe('        ^-!');
      expectObservable(connection.line$).toBe('                -');
    });
  });

  test('unsubscribing while roomClient catches up writes BYE and drops pending messages', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('            NV---j--o', relay);
      const connection = fakeConnection({ chunk$ });
      const event$ = cold('a', send).pipe(roomClientFixture(connection));
      expectObservable(event$, '      -------!').toBe('-(Va)j', {
        ...reported,
        V: 'welcome',
        j: '3 joined bob',
      });
      expectObservable(connection.line$).toBe('     H------(Q|)', written);
      expectSubscriptions(chunk$.subscriptions).toBe('     ^------!');
    });
  });

  test('roomClient without retry makes one connection only', () => {
    marbles(({ hot, expectObservable }) => {
      const one = fakeConnection({ chunk$: hot('NW|', relay) });
      const two = fakeConnection();
      const event$ = NEVER.pipe(roomClientFixture(inSequence(one, two)));
      expectObservable(event$).toBe('-W#', reported, closed);
      expectObservable(two.line$).toBe('-');
    });
  });

  test('roomClient closes a connection that cannot be written', () => {
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('NW', relay);
      const connection = fakeConnection({ chunk$, writeResults: 'y!' });
      const outgoing$ = cold('-a', send);
      const error = new Error('the sink broke');
      expectObservable(outgoing$.pipe(roomClientFixture(connection))).toBe('-W#', reported, error);
      expectObservable(connection.line$).toBe('              H-|', written);
      expectSubscriptions(chunk$.subscriptions).toBe('       ^-!');
    });
  });
});
