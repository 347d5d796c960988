import {
  catchError,
  concat,
  defer,
  EMPTY,
  finalize,
  map,
  merge,
  type Observable,
  of,
  Subject,
  takeUntil,
  takeWhile,
  throwError,
  timeout,
} from 'rxjs';
import { toBase64url } from '../wire/base64url.js';
import type { Connection } from '../wire/connection.js';
import { type Control, controlLine } from '../wire/control.js';
import { BusyError, LinkError, ProtocolError } from '../wire/errors.js';
import { greetingLine } from '../wire/handshake.js';
import { heartbeat } from '../wire/heartbeat.js';
import { LINE_LIMIT, lines } from '../wire/lines.js';
import type { Verify } from '../wire/signature.js';
import { encodeLine } from '../wire/utf8.js';
import { type Command, commands, type Member } from './commands.js';
import type { Entrance } from './entrance.js';
import { held } from './held.js';
import { pace, type PaceLimits } from './pace.js';

export interface AdmissionOptions extends PaceLimits {
  /** A fresh nonce: 32 random bytes. */
  readonly nonce: () => Uint8Array;
  readonly verify: Verify;
  /** Throws where an answer to `NICK` is refused before its proof is checked. */
  readonly entrance?: Entrance;
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

/** The longest answer to `NICK` in bytes: who is not in yet shall not hold much memory. */
const ANSWER_LIMIT = 4096;

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
export const admission =
  ({
    nonce: makeNonce,
    verify,
    entrance,
    byteRate,
    lineRate,
    lineLimit: limit = LINE_LIMIT,
    handshakeTimeout = 10_000,
    heartbeat: period = 15_000,
    retryMs = 1000,
    stop$ = EMPTY,
  }: AdmissionOptions) =>
  (ear: Connection): Observable<Command | TurnedAway> =>
    defer(() => {
      const connection = held(ear);
      let member: Member | undefined;
      let reason = 'the connection ended';
      let fault: Pick<ProtocolError, 'code' | 'message'> | undefined;
      const shutdown: Control = { type: 'bye', reason: 'shutdown', retryMs };
      let farewell: Control | undefined = shutdown;
      const sayFarewell = () => {
        if (farewell === undefined) return;
        try {
          connection.write(encodeLine(controlLine(farewell)));
        } catch {
          // It goes anyway; that it could not be told is no reason of its own.
        }
      };

      const explain = (error: unknown): Observable<never> => {
        if (error instanceof LinkError) {
          reason = error.message;
        } else {
          const known = error instanceof ProtocolError;
          const { code, message } = known
            ? error
            : new ProtocolError('internal', 'the relay failed; try again');
          reason = known ? code : String(error);
          farewell =
            error instanceof BusyError
              ? { type: 'bye', reason: code, retryMs: error.retryMs }
              : { type: 'err', code, text: message };
          fault = { code, message };
        }
        return EMPTY;
      };

      const spoken$ = defer(() => {
        const nonce = toBase64url(makeNonce());
        connection.write(encodeLine(greetingLine(nonce)));
        const quiet$ = new Subject<Command>();
        const ping = () => {
          if (member !== undefined) quiet$.next({ type: 'quiet', member });
        };
        return merge(
          quiet$,
          connection.chunk$.pipe(
            heartbeat({ period, ping, isHeld: () => connection.isHeld }),
            lines({ limit, first: ANSWER_LIMIT }),
            pace({ connection, ...(byteRate && { byteRate }), ...(lineRate && { lineRate }) }),
            commands({ connection, nonce, verify, ...(entrance && { entrance }) }),
            finalize(() => {
              quiet$.complete();
            }),
          ),
        );
      }).pipe(
        timeout({
          first: handshakeTimeout,
          with: () =>
            throwError(() => new ProtocolError('timeout', `no answer to NICK in ${handshakeTimeout} ms`)),
        }),
        map((command) => {
          member = command.member;
          return command;
        }),
        catchError(explain),
      );
      const gone$ = defer(() => {
        // Who went by itself is told nothing.
        if (farewell === shutdown) farewell = undefined;
        return of<Command | TurnedAway>(
          member === undefined
            ? { type: 'turned-away', peer: connection.peer, reason }
            : { type: 'leave', member, reason, ...(fault && { fault }) },
        );
      });

      return concat(spoken$, gone$).pipe(
        takeWhile((command) => command.type !== 'leave', true),
        takeUntil(stop$),
        finalize(() => {
          if (member !== undefined) return;
          sayFarewell();
          connection.close();
        }),
      );
    });
