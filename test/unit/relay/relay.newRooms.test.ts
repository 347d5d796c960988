import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { of, Subject } from 'rxjs';
import { relay, type RelayEvent } from '../../../streams/relay/relay.js';
import type { Connection } from '../../../streams/wire/connection.js';
import type { RoomName } from '../../../streams/wire/handshake.js';
import { toBase64url } from '../../../streams/wire/encoding.js';
import { fakeHash } from '../../support/envelopes.js';
import { fakeConnection } from '../../support/fakeConnection.js';
import { type FakeEngine, fakeEngine } from '../../support/fakeLedger.js';
import { bytes, hello, nonce, verify } from '../../support/wire.js';

const roomOf = (mark: number): RoomName => toBase64url(new Uint8Array(32).fill(mark)) as RoomName;

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
});
afterEach(() => {
  jest.useRealTimers();
});

/** Starts a relay of a shared store, where each address may open one new room. */
const startRelay = (engine: FakeEngine, id: string) => {
  const connections = new Subject<Connection>();
  const events: RelayEvent[] = [];
  const subscription = connections
    .pipe(
      relay({
        ledger: engine.connect(id),
        hash: fakeHash,
        nonce,
        verify,
        logId: () => 'log',
        endOfTick$: of(undefined),
        limits: { newRoomRatePerAddress: { perSecond: 1e-6, burst: 1 } },
      }),
    )
    .subscribe({ next: (event) => events.push(event) });
  /** Joins a room, and resolves with the verb of the answer and its code. */
  const join = async (mark: number): Promise<string> => {
    const chunk$ = new Subject<Uint8Array>();
    const connection = fakeConnection({ chunk$ });
    connections.next(connection);
    chunk$.next(bytes(hello(`m${mark}`, { room: roomOf(mark) })));
    await jest.advanceTimersByTimeAsync(500);
    const answer = connection.writes.join('').split('\n')[1] ?? '';
    return answer
      .split(' ')
      .slice(0, answer.startsWith('ERR') ? 2 : 1)
      .join(' ');
  };
  return { join, stop: () => subscription.unsubscribe() };
};

test('an address may open as many new rooms of a shared store as its limit allows', async () => {
  const { join, stop } = startRelay(fakeEngine(), 'a');
  expect([await join(1), await join(2)]).toStrictEqual(['WELCOME', 'ERR busy']);
  stop();
});

test('members who come back after a restart of the relay use up no new room', async () => {
  const engine = fakeEngine();
  for (const mark of [1, 2, 3]) {
    const { join, stop } = startRelay(engine, `before${mark}`);
    expect(await join(mark)).toBe('WELCOME');
    stop();
  }
  const { join, stop } = startRelay(engine, 'after');
  expect([await join(1), await join(2), await join(3)]).toStrictEqual(['WELCOME', 'WELCOME', 'WELCOME']);
  expect([await join(4), await join(5)]).toStrictEqual(['WELCOME', 'ERR busy']);
  stop();
});
