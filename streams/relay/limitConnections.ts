import { defer, finalize, mergeMap, type Observable, of, type OperatorFunction } from 'rxjs';
import type { Connection } from '../wire/connection.js';
import { type Control, controlLine } from '../wire/control.js';
import { encodeLine } from '../wire/utf8.js';
import type { TurnedAway } from './admission.js';
import { headcount, type HeadLimits } from './headcount.js';
import { joinGate, type JoinGate } from './joinGate.js';

export interface ConnectionLimits extends HeadLimits {
  /** While it is closed, who comes is told when to come back. */
  readonly gate?: JoinGate;
}

/**
 * Connections in, what each one says out; one too many is told `ERR busy` and closed, before anything else is done for
 * it, and comes out as `turned-away`. So does one that comes while nobody may join, with `BYE busy` and its turn: to find
 * that out over a handshake would cost the relay more than most joins do.
 *
 * A connection counts until its stream is over. Completes once the connections have and each stream is over; errors
 * with them.
 *
 * ```text
 * connection   a--b--c-------d-
 *                limitConnections({ connections: 2 }, serve)
 * serve(a)     --1-----2|
 * serve(b)        ---1----------
 * out          --1--1(c turned away)-2---(what d says)
 * ```
 *
 * @example
 * import { admission, type AdmissionOptions, limitConnections } from 'rxchat/streams';
 *
 * const door = (options: AdmissionOptions) => limitConnections({ connections: 1000 }, admission(options));
 */
export const limitConnections =
  <T>(
    { gate = joinGate(), ...limits }: ConnectionLimits,
    serve: (connection: Connection) => Observable<T>,
  ): OperatorFunction<Connection, T | TurnedAway> =>
  (connection$) =>
    defer(() => {
      const there = headcount(limits);
      return connection$.pipe(
        mergeMap((connection): Observable<T | TurnedAway> => {
          const text = there.refusal(connection.peer);
          if (text !== undefined) return refuse(connection, { type: 'err', code: 'busy', text });
          if (!gate.isOpen(connection.peer))
            return refuse(connection, { type: 'bye', reason: 'busy', retryMs: gate.turn(connection.peer) });
          return serve(connection).pipe(finalize(there.add(connection.peer)));
        }),
      );
    });

const refuse = (connection: Connection, control: Control): Observable<TurnedAway> =>
  defer(() => {
    try {
      connection.write(encodeLine(controlLine(control)));
    } catch {
      // It goes anyway.
    }
    connection.close();
    const reason = control.type === 'err' ? control.text : 'busy';
    return of<TurnedAway>({ type: 'turned-away', peer: connection.peer, reason });
  });
