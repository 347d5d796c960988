import { defer, finalize, mergeMap, type Observable, of, type OperatorFunction } from 'rxjs';
import type { Connection } from '../../wire/connection.js';
import { closeWith, type Control } from '../../wire/control.js';
import type { ErrorCode } from '../../wire/errors.js';
import { addressKey } from './addressRate.js';
import { type Bans, joinLimiter, type JoinLimiter } from './joinPolicy.js';

/** Maximum numbers of simultaneous connections; unlimited by default. */
export interface ConnectionLimits {
  /** In all. */
  readonly maxConnections?: number;
  /** From one IPv4 address or one IPv6 /64 network. */
  readonly maxConnectionsPerAddress?: number;
}

export interface LimitConnectionsOptions extends ConnectionLimits {
  /** While it has no capacity, new connections are closed with the time to retry. */
  readonly limiter?: JoinLimiter;
  /** Counts the connections under these limits. */
  readonly counter?: ConnectionCounter;
  /** Peers whose connections are rejected. */
  readonly bans?: Pick<Bans, 'isPeerBanned'> | undefined;
}

/** A connection that was closed before its client became a member. */
export interface ConnectionRejected {
  readonly type: 'rejected';
  readonly peer: string;
  /** The code of its `ERR`, or `closed` if the client closed the connection itself. */
  readonly code: ErrorCode | 'closed';
  readonly reason: string;
}

/** Counts connections, in all and per address. */
export interface ConnectionCounter {
  /** Number of connections at present. */
  readonly count: number;
  /** Returns why a connection of this peer exceeds a limit, or `undefined` if it does not. */
  readonly rejectionReason: (peer: string) => string | undefined;
  /** Replaces the limits; connections that exceed them stay. */
  readonly setLimits: (limits: ConnectionLimits) => void;
  /** Counts a connection. Returns a function that removes it from the count, once. */
  readonly add: (peer: string) => () => void;
}

/**
 * Creates a connection counter.
 *
 * @example
 * import { connectionCounter } from './connectionLimits.js';
 *
 * const { add, rejectionReason } = connectionCounter({ maxConnectionsPerAddress: 1 });
 * const remove = add('192.0.2.1:50412');
 * console.log(rejectionReason('192.0.2.1:50413')); // 'there are too many connections from this address'
 * remove();
 */
export const connectionCounter = (initialLimits: ConnectionLimits): ConnectionCounter => {
  let limits = initialLimits;
  let total = 0;
  const byAddress = new Map<string, number>();
  const change = (address: string, by: 1 | -1) => {
    total += by;
    const count = (byAddress.get(address) ?? 0) + by;
    if (count === 0) byAddress.delete(address);
    else byAddress.set(address, count);
  };

  return {
    get count() {
      return total;
    },
    setLimits: (newLimits) => {
      limits = newLimits;
    },
    rejectionReason: (peer) => {
      const { maxConnections = Infinity, maxConnectionsPerAddress = Infinity } = limits;
      if (total >= maxConnections) return 'the relay has too many connections';
      if ((byAddress.get(addressKey(peer)) ?? 0) >= maxConnectionsPerAddress)
        return 'there are too many connections from this address';
      return undefined;
    },
    add: (peer) => {
      const address = addressKey(peer);
      let isOpen = true;
      change(address, 1);
      return () => {
        if (isOpen) change(address, -1);
        isOpen = false;
      };
    },
  };
};

/**
 * Serves each connection with `serve`, and rejects connections that exceed a limit.
 *
 * A rejected connection gets `ERR busy`, or `ERR access-denied` if its peer is banned, and is closed before it costs anything
 * more. If no join is possible at present, it
 * gets `BYE busy` with the time to retry: the handshake would cost more than most joins. A connection counts until its
 * stream ends. Completes when the connections have completed and each stream has ended; errors with them.
 *
 * ```text
 * connection   a--b--c-------d-
 *                limitConnections({ maxConnections: 2 }, serve)
 * serve(a)     --1-----2|
 * serve(b)        ---1----------
 * out          --1--1(c rejected)-2---(output of d)
 * ```
 *
 * @example
 * import type { ServeConnectionOptions } from 'rxchat/streams';
 * import { limitConnections } from './connectionLimits.js';
 * import { serveConnection } from './serveConnection.js';
 *
 * const serve = (options: ServeConnectionOptions) =>
 *   limitConnections({ maxConnections: 1000 }, serveConnection(options));
 */
export const limitConnections =
  <T>(
    { limiter = joinLimiter(), counter: sharedCounter, bans, ...limits }: LimitConnectionsOptions,
    serve: (connection: Connection) => Observable<T>,
  ): OperatorFunction<Connection, T | ConnectionRejected> =>
  (connection$) =>
    defer(() => {
      const counter = sharedCounter ?? connectionCounter(limits);
      return connection$.pipe(
        mergeMap((connection): Observable<T | ConnectionRejected> => {
          const { peer } = connection;
          if (bans?.isPeerBanned(peer) === true)
            return reject(connection, {
              type: 'err',
              code: 'access-denied',
              text: 'this address is banned from this relay',
            });
          const text = counter.rejectionReason(peer);
          if (text !== undefined) return reject(connection, { type: 'err', code: 'busy', text });
          if (!limiter.hasCapacity(peer))
            return reject(connection, { type: 'bye', reason: 'busy', retryMs: limiter.retryAfterMs(peer) });
          return serve(connection).pipe(finalize(counter.add(peer)));
        }),
      );
    });

type Rejection =
  | (Extract<Control, { type: 'err' }> & { readonly code: ErrorCode })
  | (Extract<Control, { type: 'bye' }> & { readonly reason: 'busy' });

const reject = (connection: Connection, control: Rejection): Observable<ConnectionRejected> =>
  defer(() => {
    closeWith(connection, control);
    const [code, reason] =
      control.type === 'err' ? [control.code, control.text] : (['busy', 'busy'] as const);
    return of<ConnectionRejected>({ type: 'rejected', peer: connection.peer, code, reason });
  });
