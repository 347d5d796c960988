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
import type { TurnedAway } from '../relay/admission.js';
import { fanOut } from '../relay/fanOut.js';
import { headcount, type HeadLimits } from '../relay/headcount.js';
import type { Cursor } from '../relay/roomLog.js';
import { DEFAULT_WINDOW, roomLog } from '../relay/roomLog.js';
import type { Connection } from '../wire/connection.js';
import { encodeText } from '../wire/utf8.js';
import { type Deed, door, type DoorOptions, type Guest } from './door.js';
import { fromOthers, lineOf } from './fromOthers.js';
import { joinedNotice, leftNotice } from './notices.js';
import { oneAtATime } from './oneAtATime.js';

export interface HubOptions extends DoorOptions, HeadLimits {
  /** Emits when the next message may be written to somebody who was just written one; subscribed after each. */
  readonly gap$: Observable<unknown>;
  /** How many bytes of what was said are kept for those who read slowly. 16 MiB. */
  readonly window?: number;
}

/** What happened, for logs. A hub knows nicks, addresses and sizes, and nothing else. */
export type HubEvent =
  | { readonly type: 'joined'; readonly guest: Guest; readonly count: number }
  | { readonly type: 'said' | 'skipped'; readonly guest: Guest; readonly bytes: number }
  | { readonly type: 'left' | 'failed'; readonly guest: Guest; readonly reason: string }
  | TurnedAway;

/** A guest who has just come in, and where in the log. */
interface Seated {
  readonly guest: Guest;
  readonly seat: number;
  readonly cursor: Cursor;
}

/**
 * The server of the old wire: connections merged into one stream of what guests do, put into one log, each token written
 * to every other guest by a cursor of their own.
 *
 * It opens no token and holds no key. A guest is written one message at a time, with a gap; who reads so slowly that what
 * comes next is no longer kept is told so and goes on. A connection that fails takes nobody along. When `stop$` emits,
 * everyone gets what was said, and it completes; otherwise it completes when the connections have, and errors with them.
 * Unsubscribing closes every connection.
 *
 * ```text
 * connection   a----b----------------
 *                hub({ silence$, gap$ })
 * event        --joined a--joined b--said a--left b…
 * to a         NICK  Connected to the server.  b joined the chat.  b left the chat.
 * to b         NICK  Connected to the server.  gAAAAA…
 * ```
 *
 * @example
 * import { type Observable, timer } from 'rxjs';
 * import { classic, type Connection } from 'rxchat/streams';
 *
 * const serve = (connection$: Observable<Connection>) =>
 *   connection$.pipe(classic.hub({ silence$: timer(100), gap$: timer(10) })).subscribe({ error: console.error });
 */
export const hub =
  ({ gap$, window = DEFAULT_WINDOW, ...options }: HubOptions) =>
  (connection$: Observable<Connection>): Observable<HubEvent> =>
    defer(() => {
      const log = roomLog({ id: 'classic', window });
      const seats = new Map<Guest, number>();
      let seated = 0;

      const record = (guest: Guest, message: Uint8Array): void => {
        log.append({ bytes: lineOf(seats.get(guest) ?? 0, message), count: 1 });
        log.commit(log.batch());
      };

      const note = (deed: Deed | TurnedAway): { event: HubEvent; newcomer?: Seated } => {
        switch (deed.type) {
          case 'joined': {
            const { guest } = deed;
            const newcomer = { guest, seat: (seated += 1), cursor: log.cursor(log.next) };
            seats.set(guest, newcomer.seat);
            record(guest, encodeText(joinedNotice(guest.nick)));
            return { event: { ...deed, count: seats.size }, newcomer };
          }
          case 'said':
            record(deed.guest, deed.token);
            return { event: { type: 'said', guest: deed.guest, bytes: deed.token.length } };
          case 'left':
            record(deed.guest, encodeText(leftNotice(deed.guest.nick)));
            seats.delete(deed.guest);
            return { event: deed };
          default:
            return { event: deed };
        }
      };

      const serve = ({ guest, seat, cursor }: Seated, event$: Observable<HubEvent>): Observable<HubEvent> =>
        event$.pipe(
          filter(({ type }) => GROWS.has(type)),
          fanOut({ cursor: fromOthers(cursor, seat), sink: oneAtATime(guest.connection, gap$) }),
          catchError((error: unknown) => of<HubEvent>({ type: 'failed', guest, reason: String(error) })),
          finalize(() => {
            guest.connection.close();
          }),
          takeUntil(event$.pipe(filter((event) => event.type === 'left' && event.guest === guest))),
        );

      const accepted$ = connection$.pipe(takeUntil(options.stop$ ?? EMPTY));
      const there = headcount(options);
      const enter = door(options);
      return accepted$.pipe(
        mergeMap((connection) => {
          const reason = there.refusal(connection.peer);
          return reason === undefined
            ? enter(connection).pipe(finalize(there.add(connection.peer)))
            : refuse(connection, reason);
        }),
        // The one trampoline: who fails while being written to leaves within that call, and must not be seen to leave
        // before what was written.
        observeOn(queueScheduler),
        map(note),
        connect((noted$) => {
          const event$ = noted$.pipe(map(({ event }) => event));
          return merge(
            noted$.pipe(
              mergeMap(({ newcomer }) => (newcomer === undefined ? EMPTY : serve(newcomer, event$))),
            ),
            event$,
          );
        }),
      );
    });

/** One too many is told so, as a text, and closed. */
const refuse = (connection: Connection, reason: string): Observable<TurnedAway> =>
  defer(() => {
    connection.write(encodeText(`Refused: ${reason}.`));
    return EMPTY;
  }).pipe(
    catchError(() => EMPTY),
    endWith<TurnedAway>({ type: 'turned-away', peer: connection.peer, reason }),
    finalize(() => {
      connection.close();
    }),
  );

const GROWS: ReadonlySet<HubEvent['type']> = new Set(['joined', 'said', 'left']);
