import { EMPTY, interval, Observable } from 'rxjs';
import type { Connection } from '../wire/connection.js';
import type { Control } from '../wire/control.js';
import { TICKS } from '../wire/heartbeat.js';
import { LINE_LIMIT } from '../wire/lines.js';
import type { Verify } from '../wire/signature.js';
import { addressLevels, type AddressRate } from './addressRate.js';
import type { Command } from './commands.js';
import { Door } from './door.js';
import { Doors } from './doors.js';
import type { Entrance } from './entrance.js';
import type { PaceLimits } from './pace.js';

export interface AdmissionOptions extends PaceLimits {
  /** A fresh nonce: 32 random bytes. */
  readonly nonce: () => Uint8Array;
  readonly verify: Verify;
  /** Throws where an answer to `NICK` is refused before its proof is checked. */
  readonly entrance?: Entrance;
  /** Bytes of lines that all connections of one address may send; beyond that none of them is read for a while. */
  readonly byteRatePerAddress?: AddressRate | undefined;
  /** The longest line in bytes. */
  readonly lineLimit?: number;
  /** How long a connection may take to answer `NICK`, in ms. */
  readonly handshakeTimeout?: number;
  /** Half the longest silence of a member that is taken, in ms; after about one it is asked with a `PING`. 15 s. */
  readonly heartbeat?: number;
  /** How long, in ms, a client should wait before it comes back to a relay that stopped. */
  readonly retryMs?: number;
  /** Once it emits, nobody is listened to any more: members are seen off by their rooms, the others here. */
  readonly stop$?: Observable<unknown>;
}

/** Somebody who was at the door and did not become a member, and why. */
export interface TurnedAway {
  readonly type: 'turned-away';
  readonly peer: string;
  readonly reason: string;
}

/**
 * One connection in, what its member does out: the door.
 *
 * Asks `NICK`, reads the answer, checks the proof; from then on passes on what the member does. Each connection has a
 * door of its own, so nobody waits for anybody. It never errors: wrong bytes, a wrong proof, no answer in time, a
 * broken link, a silence of two heartbeats end this one connection and come out as the member's `leave`, whose `fault` its
 * room tells it, or as `turned-away`, told as `ERR` here where it can still be told. Completes with the connection, or at `stop$`.
 *
 * A connection that did not become a member is closed here, on unsubscribing too; a member's is closed by its room,
 * which may still have something to deliver.
 *
 * All doors of one `admission` share one timer, which ticks twice a heartbeat while there are any.
 *
 * ```text
 * written   "NICK rxchat/1 nonce=…\n"
 * chunk     ----"NICK alice room=… proof=…\n"--"gAAAA…\n"--#
 *               admission(options)
 * command   ----join---------------------------tokens------(leave|)
 * ```
 *
 * @example
 * import { mergeMap, type Observable } from 'rxjs';
 * import { admission, type AdmissionOptions, type Connection } from 'rxchat/streams';
 *
 * const spoken = (connection$: Observable<Connection>, options: AdmissionOptions) =>
 *   connection$.pipe(mergeMap(admission(options)));
 */
export const admission = ({
  lineLimit = LINE_LIMIT,
  handshakeTimeout = 10_000,
  heartbeat = 15_000,
  retryMs = 1000,
  stop$ = EMPTY,
  byteRatePerAddress,
  ...options
}: AdmissionOptions): ((connection: Connection) => Observable<Command | TurnedAway>) => {
  const shutdown: Control = { type: 'bye', reason: 'shutdown', retryMs };
  const addressBytes = addressLevels(byteRatePerAddress);
  const rules = { ...options, lineLimit, handshakeTimeout, heartbeat, shutdown, addressBytes };
  const doors = new Doors({ stop$, tick$: interval(heartbeat / TICKS) });

  return (connection) =>
    new Observable((subscriber) => {
      const door = new Door(connection, rules, doors, subscriber);
      subscriber.add(door);
      door.open();
    });
};
