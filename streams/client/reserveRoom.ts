import { catchError, defer, filter, finalize, mergeMap, type Observable, of, switchMap } from 'rxjs';
import type { Connection } from '../wire/connection.js';
import { formatControl } from '../wire/control.js';
import { encodeLine } from '../wire/encoding.js';
import { RefusedError } from '../wire/errors.js';
import type { RoomAnswer } from './group/nextRoom.js';
import { join, type JoinedMessage, type JoinOptions } from './join.js';

/** The room and the member, as for `join`. Where to begin to read has no effect. */
export interface ReserveRoomOptions extends Omit<JoinOptions, 'connection' | 'onSilence' | 'onActivity'> {
  /** Connects to the relay: emits a connection and completes, or errors with `ConnectionError`. */
  readonly connect$: Observable<Connection>;
}

/**
 * Joins a room to learn whether the relay serves it, and stays there, so that the relay keeps the room.
 *
 * Emits one answer. If the client then joins the room with the same session, that connection takes the place of this one.
 * Unsubscribing leaves the room. Completes if the relay refuses the room or cannot be reached, and when the connection
 * ends. Never errors.
 *
 * ```text
 * relay   --NICK--WELCOME----+alice---
 *           reserveRoom(options)
 * answer  --------reserved------------
 *
 * relay   --NICK--ERR room-not-allowed
 *           reserveRoom(options)
 * answer  --------(refused|)
 * ```
 *
 * @example
 * import { map, take } from 'rxjs';
 * import { reserveRoom, type ReserveRoomOptions } from './reserveRoom.js';
 *
 * const isServed = (options: ReserveRoomOptions) =>
 *   reserveRoom(options).pipe(
 *     take(1),
 *     map(({ type }) => type === 'reserved'),
 *   );
 */
export const reserveRoom = ({ connect$, ...options }: ReserveRoomOptions): Observable<RoomAnswer> =>
  connect$.pipe(
    switchMap((connection) =>
      defer(() => {
        let isIn = false;
        return join({ ...options, after: undefined, last: undefined, connection }).pipe(
          mergeMap((received): readonly RoomAnswer[] => {
            isIn ||= received.type === 'welcome';
            return answersOf(received);
          }),
          finalize(() => {
            if (isIn) connection.write(encodeLine(formatControl(LEAVING)));
            connection.close();
          }),
        );
      }),
    ),
    catchError((error: unknown) => of(toAnswer(error))),
    // What happens to the room afterwards is seen over the connection that follows.
    filter((_, index) => index === 0),
  );

const LEAVING = { type: 'bye', reason: 'leaving', retryMs: 0 } as const;

const answersOf = ({ type }: JoinedMessage): readonly RoomAnswer[] => {
  switch (type) {
    case 'welcome':
      return [{ type: 'reserved' }];
    case 'bye':
      return [{ type: 'unreachable', text: 'the relay is busy or shutting down' }];
    default:
      return [];
  }
};

const toAnswer = (error: unknown): RoomAnswer => {
  if (error instanceof RefusedError) return { type: 'refused', code: error.code, text: error.message };
  return { type: 'unreachable', text: error instanceof Error ? error.message : String(error) };
};
