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
import type { ConnectionRejected } from '../relay/connection/connectionLimits.js';
import { rateLimit, type RateLimits } from '../relay/connection/rateLimit.js';
import type { Connection } from '../wire/connection.js';
import { ConnectionError, ProtocolError } from '../wire/errors.js';
import { encodeText } from '../wire/encoding.js';
import { frames, type NickReply, parseNickReply } from './framing/frames.js';
import { NICK_PROMPT } from './notices.js';
import { MAX_TOKEN_LENGTH } from './framing/tokenShape.js';

export interface ServeClientOptions extends RateLimits {
  /** Emits when a pause is long enough to end a nick or a token without padding. Subscribed after each chunk. */
  readonly idle$: Observable<unknown>;
  /** The maximum length of a token in characters. */
  readonly maxTokenLength?: number;
  /** The time for the nick of a client, in ms (default 10 000). */
  readonly handshakeTimeoutMs?: number;
  /** Once it emits, nothing more is read. */
  readonly stop$?: Observable<unknown>;
}

/** A client that has joined. */
export interface ConnectedClient {
  readonly nick: string;
  readonly connection: Connection;
}

/** An action of a client. `skipped` counts bytes that are not part of a token. */
export type ClientAction =
  | { readonly type: 'joined'; readonly client: ConnectedClient }
  | { readonly type: 'sent'; readonly client: ConnectedClient; readonly token: Uint8Array }
  | { readonly type: 'skipped'; readonly client: ConnectedClient; readonly bytes: number }
  | { readonly type: 'left'; readonly client: ConnectedClient; readonly reason: string };

/**
 * Serves a connection of the classic wire, and emits the actions of its client.
 *
 * Writes `NICK`, reads the nick, then finds the tokens. Never errors. An invalid or late nick, a token that is too
 * long or a broken connection ends this connection. The result is `left`, or `rejected` before the join. The reason
 * is written as plain text, except for an empty nick. Completes with the connection, or at `stop$`. Closes the
 * connection of a client that has not joined; the server closes the others.
 *
 * ```text
 * written   "NICK"
 * chunk     ------"alice"------"gAAAA…=="--|
 *             serveClient(options)
 * action    -------------joined-sent-------(left|)
 * ```
 *
 * @example
 * import { mergeMap, type Observable } from 'rxjs';
 * import type { Connection } from 'rxchat/streams';
 * import { serveClient, type ServeClientOptions } from './serveClient.js';
 *
 * const action$ = (connection$: Observable<Connection>, options: ServeClientOptions) =>
 *   connection$.pipe(mergeMap(serveClient(options)));
 */
export const serveClient =
  ({
    idle$,
    maxTokenLength = MAX_TOKEN_LENGTH,
    handshakeTimeoutMs = 10_000,
    stop$ = EMPTY,
    ...rates
  }: ServeClientOptions) =>
  (connection: Connection): Observable<ClientAction | ConnectionRejected> =>
    defer(() => {
      let client: ConnectedClient | undefined;
      let reason = 'the connection ended';
      let code: ConnectionRejected['code'] = 'closed';
      let isStopped = false;
      const stopping$ = stop$.pipe(tap(() => (isStopped = true)));

      const explain = (error: unknown): Observable<never> => {
        reason = error instanceof Error ? error.message : String(error);
        if (!(error instanceof ConnectionError))
          code = error instanceof ProtocolError ? error.code : 'internal';
        if (
          error instanceof ConnectionError ||
          (error instanceof ProtocolError && error.code === 'nick-empty')
        )
          return EMPTY;
        const text = error instanceof ProtocolError ? reason : 'the server failed';
        return defer(() => {
          connection.write(encodeText(`Refused: ${text}.`));
          return EMPTY;
        }).pipe(catchError(() => EMPTY));
      };

      const parseActions = (reply$: Observable<NickReply>): Observable<ClientAction> =>
        reply$.pipe(
          connect((shared$) =>
            merge(
              shared$.pipe(
                filter((reply) => reply.type === 'nick'),
                map(({ nick }) => ({ nick, connection })),
                tap((joined) => (client = joined)),
                map((joined): ClientAction => ({ type: 'joined', client: joined })),
              ),
              shared$.pipe(
                filter((reply) => reply.type === 'rest'),
                map(({ bytes }) => bytes),
                parseMessages,
              ),
            ),
          ),
        );

      const parseMessages = (chunk$: Observable<Uint8Array>): Observable<ClientAction> =>
        chunk$.pipe(
          frames({ idle$, maxTokenLength }),
          map(({ type, bytes }) => ({ type, bytes, count: 1 })),
          rateLimit({ connection, ...rates }),
          map(({ type, bytes }): ClientAction => {
            // The nick precedes all messages.
            const sender = { client: client as ConnectedClient };
            return type === 'token'
              ? { ...sender, type: 'sent', token: bytes }
              : { ...sender, type: 'skipped', bytes: bytes.length };
          }),
        );

      const action$ = defer(() => {
        connection.write(encodeText(NICK_PROMPT));
        const chunk$ = connection.chunk$.pipe(takeUntil(stopping$));
        return chunk$.pipe(parseNickReply({ idle$ }), parseActions);
      }).pipe(
        timeout({
          first: handshakeTimeoutMs,
          with: () => throwError(() => new ProtocolError('timeout', `no nick in ${handshakeTimeoutMs} ms`)),
        }),
        catchError(explain),
      );
      const end$ = defer((): Observable<ClientAction | ConnectionRejected> => {
        if (client === undefined) return of({ type: 'rejected', peer: connection.peer, code, reason });
        // At `stop$` the server ends the connection, not the client.
        return isStopped ? EMPTY : of({ type: 'left', client, reason });
      });

      return concat(action$, end$).pipe(
        finalize(() => {
          if (client === undefined) connection.close();
        }),
      );
    });
