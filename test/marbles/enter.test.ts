import { describe, expect, test } from '@jest/globals';
import { map, type Observable } from 'rxjs';
import { enter, type EnterOptions } from '../../streams/client/enter.js';
import { toBase64url } from '../../streams/wire/base64url.js';
import { LinkError, ProtocolError, RefusedError } from '../../streams/wire/errors.js';
import { welcomeLine } from '../../streams/wire/handshake.js';
import { decodeTextLossy } from '../../streams/wire/utf8.js';
import { type FakeConnection, fakeConnection } from '../support/fakeConnection.js';
import { marbles } from '../support/marbles.js';
import { bytes, heard, LOBBY, NONCE, PROOF, SESSION, token } from '../support/wire.js';

const HELLO = `NICK alice room=${LOBBY} session=${SESSION} proof=${PROOF}`;

/** What a relay says in drawings: the greeting N, welcome W from position 7, an entry x, a gap g, pings p, BYE q. */
const relay: Record<string, Uint8Array> = {
  N: bytes(heard['N']!),
  W: bytes(
    welcomeLine({
      log: 'log',
      next: 7,
      first: 1,
      from: 7,
      durability: 'os',
      count: 1,
      members: undefined,
    }),
  ),
  x: bytes(token('x')),
  A: bytes('+alice'),
  g: bytes('GAP 7 20'),
  p: bytes('PING 0'),
  o: bytes('PONG 0'),
  q: bytes('BYE shutdown 1000'),
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
      const before = fakeConnection({ chunk$: hot('Np-Wpxpo', relay) });
      expectObservable(going(before), '--------!').toBe('---W-x-o', told);
      expectObservable(before.line$).toBe('              Hz--6-7-', written);

      const after = fakeConnection({ chunk$: hot('NWgpx', relay) });
      expectObservable(going(after), '-----!').toBe('-Wg-y', told);
      expectObservable(after.line$).toBe('             H--0-', written);
    });
  });

  test('two that enter are independent', () => {
    marbles(({ hot, expectObservable }) => {
      const one = fakeConnection({ chunk$: hot('NWx-p', relay) });
      const two = fakeConnection({ chunk$: hot('-NWp', relay) });
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

  test('no silence of a relay that has welcomed it', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('-N-W 60m x', relay) });
      expectObservable(going(connection), '60m 5ms !').toBe('---W 60m x', told);
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
