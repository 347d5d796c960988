import {
  catchError,
  connect,
  defer,
  EMPTY,
  endWith,
  filter,
  finalize,
  map,
  merge,
  mergeMap,
  type Observable,
  observeOn,
  of,
  queueScheduler,
  takeUntil,
} from 'rxjs';
import {
  connectionCounter,
  type ConnectionLimits,
  type ConnectionRejected,
} from '../relay/connection/connectionLimits.js';
import { fanOut } from '../relay/delivery/fanOut.js';
import { type Cursor, DEFAULT_WINDOW_BYTES, roomLog } from '../relay/log/roomLog.js';
import type { Connection } from '../wire/connection.js';
import { encodeText } from '../wire/encoding.js';
import {
  type ClientAction,
  type ConnectedClient,
  serveClient,
  type ServeClientOptions,
} from './serveClient.js';
import { logLine, othersReader, pacedSink } from './clientOutput.js';
import { joinedNotice, leftNotice } from './notices.js';

export interface ClassicServerOptions extends ServeClientOptions, ConnectionLimits {
  /** Emits when the next message may be written to a client. Subscribed after each message. */
  readonly pacing$: Observable<unknown>;
  /** The size of the log for slow readers in bytes (default 16 MiB). */
  readonly windowBytes?: number;
}

/** What happened, for logs: nicks, addresses and sizes only. */
export type ClassicServerEvent =
  | { readonly type: 'joined'; readonly client: ConnectedClient; readonly count: number }
  | { readonly type: 'sent' | 'skipped'; readonly client: ConnectedClient; readonly bytes: number }
  | { readonly type: 'left' | 'failed'; readonly client: ConnectedClient; readonly reason: string }
  | ConnectionRejected;

/** A new client with its position in the log. */
interface JoinedClient {
  readonly client: ConnectedClient;
  readonly id: number;
  readonly cursor: Cursor;
}

/**
 * Serves the classic wire: merges the connections into one log, and writes it to every client.
 *
 * It opens no token and holds no key. Each client has a cursor in the log and gets one message at a time, with a pause.
 * A client that reads too slowly misses messages and gets a notice. A connection that fails ends alone. At `stop$` the
 * rest of the log is written, then it completes. Otherwise it completes and errors with the connections. Unsubscribing
 * closes every connection.
 *
 * ```text
 * connection   a----b----------------
 *                classicServer({ idle$, pacing$ })
 * event        --joined a--joined b--sent a--left b…
 * to a         NICK  Connected to the server.  b joined the chat.  b left the chat.
 * to b         NICK  Connected to the server.  gAAAAA…
 * ```
 *
 * @example
 * import { type Observable, timer } from 'rxjs';
 * import { classic, type Connection } from 'rxchat/streams';
 *
 * const serve = (connection$: Observable<Connection>) =>
 *   connection$
 *     .pipe(classic.classicServer({ idle$: timer(100), pacing$: timer(10) }))
 *     .subscribe({ error: console.error });
 */
export const classicServer =
  ({ pacing$, windowBytes = DEFAULT_WINDOW_BYTES, ...options }: ClassicServerOptions) =>
  (connection$: Observable<Connection>): Observable<ClassicServerEvent> =>
    defer(() => {
      const log = roomLog({ id: 'classic', windowBytes });
      const clientIds = new Map<ConnectedClient, number>();
      let lastId = 0;

      const append = (client: ConnectedClient, message: Uint8Array): void => {
        log.append({ bytes: logLine(clientIds.get(client) ?? 0, message), count: 1 });
        log.commit(log.batch());
      };

      const apply = (
        action: ClientAction | ConnectionRejected,
      ): { event: ClassicServerEvent; newcomer?: JoinedClient } => {
        switch (action.type) {
          case 'joined': {
            const { client } = action;
            const newcomer = { client, id: (lastId += 1), cursor: log.cursor(log.next) };
            clientIds.set(client, newcomer.id);
            append(client, encodeText(joinedNotice(client.nick)));
            return { event: { ...action, count: clientIds.size }, newcomer };
          }
          case 'sent':
            append(action.client, action.token);
            return { event: { type: 'sent', client: action.client, bytes: action.token.length } };
          case 'left':
            append(action.client, encodeText(leftNotice(action.client.nick)));
            clientIds.delete(action.client);
            return { event: action };
          default:
            return { event: action };
        }
      };

      const serve = (
        { client, id, cursor }: JoinedClient,
        event$: Observable<ClassicServerEvent>,
      ): Observable<ClassicServerEvent> =>
        event$.pipe(
          filter(({ type }) => APPENDING.has(type)),
          fanOut({ cursor: othersReader(cursor, id), sink: pacedSink(client.connection, pacing$) }),
          catchError((error: unknown) =>
            of<ClassicServerEvent>({ type: 'failed', client, reason: String(error) }),
          ),
          finalize(() => {
            client.connection.close();
          }),
          takeUntil(event$.pipe(filter((event) => event.type === 'left' && event.client === client))),
        );

      const accepted$ = connection$.pipe(takeUntil(options.stop$ ?? EMPTY));
      const connections = connectionCounter(options);
      const serveConnection = serveClient(options);
      return accepted$.pipe(
        mergeMap((connection) => {
          const reason = connections.rejectionReason(connection.peer);
          return reason === undefined
            ? serveConnection(connection).pipe(finalize(connections.add(connection.peer)))
            : reject(connection, reason);
        }),
        // The order of all actions is made here. A client that fails during a write leaves within that write, and its
        // `left` must follow the message.
        observeOn(queueScheduler),
        map(apply),
        connect((applied$) => {
          const event$ = applied$.pipe(map(({ event }) => event));
          return merge(
            applied$.pipe(
              mergeMap(({ newcomer }) => (newcomer === undefined ? EMPTY : serve(newcomer, event$))),
            ),
            event$,
          );
        }),
      );
    });

/** Writes why a connection exceeds the limits, and closes it. */
const reject = (connection: Connection, reason: string): Observable<ConnectionRejected> =>
  defer(() => {
    connection.write(encodeText(`Refused: ${reason}.`));
    return EMPTY;
  }).pipe(
    catchError(() => EMPTY),
    endWith<ConnectionRejected>({ type: 'rejected', peer: connection.peer, code: 'busy', reason }),
    finalize(() => {
      connection.close();
    }),
  );

const APPENDING: ReadonlySet<ClassicServerEvent['type']> = new Set(['joined', 'sent', 'left']);
