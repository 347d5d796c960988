import { describe, test } from '@jest/globals';
import { of, throwError } from 'rxjs';
import { reserveRoom } from '../../../streams/client/reserveRoom.js';
import { ConnectionError } from '../../../streams/wire/errors.js';
import { formatWelcome } from '../../../streams/wire/handshake.js';
import { type FakeConnection, fakeConnection } from '../../support/fakeConnection.js';
import { marbles } from '../../support/marbles.js';
import { bytes, LOBBY, PROOF, relayLines, SESSION } from '../../support/wire.js';

const welcome = formatWelcome({
  log: 'log',
  next: 1,
  first: 1,
  from: 1,
  durability: 'os',
  count: 1,
  members: undefined,
});

/** Lines of the relay in drawings. */
const relay: Record<string, Uint8Array> = {
  N: bytes(relayLines['N']!),
  W: bytes(welcome),
  A: bytes('+alice'),
  E: bytes('ERR room-not-allowed not here'),
  q: bytes('BYE busy 1000'),
};

/** Lines of the client: its answer H, which says nothing of where to read, and BYE. */
const written = {
  H: `NICK alice room=${LOBBY} session=${SESSION} proof=${PROOF}`,
  B: 'BYE leaving 0',
};

const answers = {
  R: { type: 'reserved' },
  E: { type: 'refused', code: 'room-not-allowed', text: 'not here' },
  q: { type: 'unreachable', text: 'the relay is busy or shutting down' },
  x: { type: 'unreachable', text: 'the relay closed the connection' },
  d: { type: 'unreachable', text: 'no route' },
};

const reserve = (connection: FakeConnection) =>
  reserveRoom({
    connect$: of(connection),
    nick: 'alice',
    room: LOBBY,
    session: SESSION,
    sign: () => PROOF,
    after: { log: 'log', n: 7 },
  });

describe('reserveRoom', () => {
  test('reserves a room at WELCOME, stays there, and leaves with BYE when it is unsubscribed', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const chunk$ = hot('-N-WA----', relay);
      const connection = fakeConnection({ chunk$ });
      expectObservable(reserve(connection), '-------!').toBe('---R', answers);
      expectObservable(connection.line$).toBe('-H-----(B|)', written);
      expectSubscriptions(chunk$.subscriptions).toBe('^------!');
    });
  });

  test.each([
    ['says why the relay refuses the room, and writes nothing more', '-N-E-', '---(E|)', '-H-|'],
    ['says that the relay is busy', '-q---', '-(q|)', '-|'],
    ['says that the connection ended before the answer', '-N---|', '-----(x|)', '-H---|'],
  ])('%s', (_title, chunk, expected, lines) => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot(chunk, relay) });
      expectObservable(reserve(connection)).toBe(expected, answers);
      expectObservable(connection.line$).toBe(lines, written);
    });
  });

  test('says that the relay cannot be reached', () => {
    marbles(({ expectObservable }) => {
      const connect$ = throwError(() => new ConnectionError('no route'));
      expectObservable(
        reserveRoom({ connect$, nick: 'alice', room: LOBBY, session: SESSION, sign: () => PROOF }),
      ).toBe('(d|)', answers);
    });
  });

  test('completes without another answer when the connection ends later', () => {
    marbles(({ hot, expectObservable }) => {
      const connection = fakeConnection({ chunk$: hot('-N-W--|', relay) });
      expectObservable(reserve(connection)).toBe('---R--|', answers);
    });
  });
});
