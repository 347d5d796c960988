import {
  catchError,
  concat,
  connect,
  defer,
  EMPTY,
  filter,
  finalize,
  map,
  merge,
  type Observable,
  of,
  takeUntil,
  tap,
  throwError,
  timeout,
} from 'rxjs';
import type { TurnedAway } from '../relay/admission.js';
import { pace, type PaceLimits } from '../relay/pace.js';
import type { Connection } from '../wire/connection.js';
import { LinkError, ProtocolError } from '../wire/errors.js';
import { encodeText } from '../wire/utf8.js';
import { type Answer, answer } from './answer.js';
import { ASK_NICK } from './notices.js';
import { pieces } from './pieces.js';
import { TOKEN_LIMIT } from './tokenShape.js';

export interface DoorOptions extends PaceLimits {
  /** Emits when nothing has come for so long that what has come counts as whole: a nick, a token without padding. */
  readonly silence$: Observable<unknown>;
  /** The longest token in characters. */
  readonly tokenLimit?: number;
  /** How long, in ms, a connection may take to tell its nick. */
  readonly handshakeTimeout?: number;
  /** Once it emits, nobody is listened to any more. */
  readonly stop$?: Observable<unknown>;
}

/** Somebody in the chat. */
export interface Guest {
  readonly nick: string;
  readonly connection: Connection;
}

/** What a guest does; `skipped` counts bytes that are no token. */
export type Deed =
  | { readonly type: 'joined'; readonly guest: Guest }
  | { readonly type: 'said'; readonly guest: Guest; readonly token: Uint8Array }
  | { readonly type: 'skipped'; readonly guest: Guest; readonly bytes: number }
  | { readonly type: 'left'; readonly guest: Guest; readonly reason: string };

/**
 * One connection in, what its guest does out: the door of the old wire.
 *
 * Asks `NICK`, takes what comes for the nick, then finds the tokens. It never errors: a wrong nick, no nick in time, a
 * token that is too long and a broken link end this one connection, and come out as `left`, or as `turned-away` of
 * who was not in yet. What was wrong is told in plain text, but for an empty nick. Completes with the connection, or at
 * `stop$`, after what had come by then. A connection whose guest is not in is closed here, the others by the hub.
 *
 * ```text
 * written   "NICK"
 * chunk     ------"alice"------"gAAAA…=="--|
 *             door(options)
 * deed      -------------joined-said-------(left|)
 * ```
 *
 * @example
 * import { mergeMap, type Observable } from 'rxjs';
 * import { classic, type Connection } from 'rxchat/streams';
 *
 * const deed$ = (connection$: Observable<Connection>, options: classic.DoorOptions) =>
 *   connection$.pipe(mergeMap(classic.door(options)));
 */
export const door =
  ({
    silence$,
    tokenLimit: limit = TOKEN_LIMIT,
    handshakeTimeout = 10_000,
    stop$ = EMPTY,
    ...rates
  }: DoorOptions) =>
  (connection: Connection): Observable<Deed | TurnedAway> =>
    defer(() => {
      let guest: Guest | undefined;
      let reason = 'the connection ended';
      let isStopped = false;
      const stopping$ = stop$.pipe(tap(() => (isStopped = true)));

      const explain = (error: unknown): Observable<never> => {
        reason = error instanceof Error ? error.message : String(error);
        if (error instanceof LinkError || (error instanceof ProtocolError && error.code === 'nick-empty'))
          return EMPTY;
        const told = error instanceof ProtocolError ? reason : 'the server failed';
        return defer(() => {
          connection.write(encodeText(`Refused: ${told}.`));
          return EMPTY;
        }).pipe(catchError(() => EMPTY));
      };

      const enter = (answer$: Observable<Answer>): Observable<Deed> =>
        answer$.pipe(
          connect((shared$) =>
            merge(
              shared$.pipe(
                filter((each) => each.type === 'nick'),
                map(({ nick }): Deed => {
                  guest = { nick, connection };
                  return { type: 'joined', guest };
                }),
              ),
              shared$.pipe(
                filter((each) => each.type === 'rest'),
                map(({ bytes }) => bytes),
                speak,
              ),
            ),
          ),
        );

      const speak = (chunk$: Observable<Uint8Array>): Observable<Deed> =>
        chunk$.pipe(
          pieces({ silence$, limit }),
          map(({ type, bytes }) => ({ type, bytes, count: 1 })),
          pace({ connection, ...rates }),
          map(({ type, bytes }): Deed => {
            // Nobody speaks before the nick is told.
            const said = { guest: guest as Guest };
            return type === 'token'
              ? { ...said, type: 'said', token: bytes }
              : { ...said, type: 'skipped', bytes: bytes.length };
          }),
        );

      const spoken$ = defer(() => {
        connection.write(encodeText(ASK_NICK));
        const chunk$ = connection.chunk$.pipe(takeUntil(stopping$));
        return chunk$.pipe(answer({ silence$ }), enter);
      }).pipe(
        timeout({
          first: handshakeTimeout,
          with: () => throwError(() => new ProtocolError('timeout', `no nick in ${handshakeTimeout} ms`)),
        }),
        catchError(explain),
      );
      const gone$ = defer((): Observable<Deed | TurnedAway> => {
        if (guest === undefined) return of({ type: 'turned-away', peer: connection.peer, reason });
        // Whom the server leaves did not leave.
        return isStopped ? EMPTY : of({ type: 'left', guest, reason });
      });

      return concat(spoken$, gone$).pipe(
        finalize(() => {
          if (guest === undefined) connection.close();
        }),
      );
    });
