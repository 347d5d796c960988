import { EMPTY, interval, Observable } from 'rxjs';
import type { Connection } from '../../wire/connection.js';
import type { Feature, Verify } from '../../wire/handshake.js';
import { TICKS_PER_HEARTBEAT } from '../../wire/heartbeat.js';
import { MAX_LINE_BYTES } from '../../wire/lines.js';
import { type AddressBuckets, addressBuckets, type AddressRate } from './addressRate.js';
import type { ConnectionRejected } from './connectionLimits.js';
import { type ConnectionChange, ConnectionTicker } from './connectionTicker.js';
import type { InspectConnection } from './inspectConnection.js';
import type { JoinPolicy } from './joinPolicy.js';
import type { MemberCommand } from './parseCommands.js';
import type { RateLimits } from './rateLimit.js';
import { ServerConnection } from './serverConnection.js';

/** Time in ms for the answer to `NICK`. */
export const DEFAULT_HANDSHAKE_TIMEOUT_MS = 10_000;

export interface ServeConnectionOptions extends RateLimits {
  /** Creates a nonce: 32 random bytes. */
  readonly nonce: () => Uint8Array;
  readonly verify: Verify;
  /** What the greeting advertises. */
  readonly features?: readonly Feature[];
  /** Throws to reject a join before its proof is verified. */
  readonly joinPolicy?: JoinPolicy;
  /** Bytes of lines that all connections of an address may send together; above it none of them is read for a while. */
  readonly byteRatePerAddress?: AddressRate | undefined;
  /** Maximum length of a line in bytes; 64 KiB. */
  readonly maxLineBytes?: number;
  /** Time in ms for the answer to `NICK`; 10 s. */
  readonly handshakeTimeoutMs?: number;
  /** Heartbeat interval in ms: a `PING` after one interval of silence, the end after two. 15 s. */
  readonly heartbeatMs?: number;
  /** Time in ms after which a client should retry when the relay stops; 1 s. */
  readonly retryMs?: number;
  /** When it emits, nothing more is read: rooms close their members, and other connections are closed here. */
  readonly stop$?: Observable<unknown>;
  /** Each function that it emits is called with every connection, and can end it. */
  readonly inspect$?: Observable<InspectConnection> | undefined;
}

/** What an admission passes on, whose rules can change. */
export interface ServeConnectionRules {
  /** Buckets of `byteRatePerAddress`, instead of own ones. */
  readonly addressBytes?: AddressBuckets | undefined;
  /** Emits new limits for open connections. */
  readonly change$?: Observable<ConnectionChange> | undefined;
}

type Output = MemberCommand | ConnectionRejected;

/**
 * Serves one connection: runs the handshake and emits the commands of its member.
 *
 * It sends `NICK`, parses the answer and verifies the proof. It never errors. A protocol error, an invalid proof, a
 * timeout, a broken connection or two heartbeats of silence end only this connection. The result is the `leave` of
 * the member, whose `error` its room sends. Before the join it is `rejected`, after an `ERR` if that can be sent.
 * Completes with the connection, or when `stop$` emits. Connections that did not become members are closed here, also
 * when unsubscribed. A room closes its members itself, since it can have something left to deliver.
 *
 * The state in the returned function is shared on purpose: one timer ticks for all, twice per heartbeat.
 *
 * ```text
 * written   "NICK rxchat/1 nonce=… features=…\n"
 * chunk     ----"NICK alice room=… proof=…\n"--"gAAAA…\n"--#
 *               serveConnection(options)
 * command   ----join---------------------------tokens------(leave|)
 * ```
 *
 * @example
 * import { mergeMap, type Observable } from 'rxjs';
 * import type { Connection, ServeConnectionOptions } from 'rxchat/streams';
 * import { serveConnection } from './serveConnection.js';
 *
 * const commands = (connection$: Observable<Connection>, options: ServeConnectionOptions) =>
 *   connection$.pipe(mergeMap(serveConnection(options)));
 */
export const serveConnection = ({
  maxLineBytes = MAX_LINE_BYTES,
  handshakeTimeoutMs = DEFAULT_HANDSHAKE_TIMEOUT_MS,
  heartbeatMs = 15_000,
  retryMs = 1000,
  stop$ = EMPTY,
  inspect$ = EMPTY,
  byteRatePerAddress,
  addressBytes = addressBuckets(byteRatePerAddress),
  change$ = EMPTY,
  ...options
}: ServeConnectionOptions & ServeConnectionRules): ((connection: Connection) => Observable<Output>) => {
  const tick$ = interval(heartbeatMs / TICKS_PER_HEARTBEAT);
  const ticker = new ConnectionTicker({ stop$, tick$, inspect$, change$ });
  const shutdown = { type: 'bye', reason: 'shutdown', retryMs } as const;
  const limits = { maxLineBytes, handshakeTimeoutMs, heartbeatMs };
  const settings = { ...options, ...limits, addressBytes, shutdown, ticker };

  return (connection) =>
    new Observable((subscriber) => {
      const server = new ServerConnection(connection, settings, subscriber);
      subscriber.add(() => {
        server.close();
      });
      server.open();
    });
};
