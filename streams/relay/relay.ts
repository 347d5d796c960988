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
  mergeMap,
  NEVER,
  type Observable,
  of,
  scan,
  switchMap,
  takeUntil,
  timer,
} from 'rxjs';
import type { Connection } from '../wire/connection.js';
import type { RoomName } from '../wire/handshake.js';
import { admission, type AdmissionOptions, type TurnedAway } from './admission.js';
import type { Command } from './commands.js';
import { entrance, type EntranceOptions } from './entrance.js';
import { groupUntil } from './groupUntil.js';
import { type ConnectionLimits, limitConnections } from './limitConnections.js';
import { joinGate, type JoinGate, type JoinRates } from './joinGate.js';
import { room, type RoomOptions } from './room.js';
import { DEFAULT_GRACE } from './rollCall.js';
import type { RoomEvent } from './roomEvent.js';
import { schedulerTime } from './tokenBucket.js';
import { windowBudget } from './windowBudget.js';

/** What a relay can be told. Without a limit there is none. */
export interface RelayOptions
  extends
    Omit<AdmissionOptions, 'entrance'>,
    Omit<RoomOptions, 'budget'>,
    Omit<ConnectionLimits, 'gate'>,
    Omit<EntranceOptions, 'gate' | 'history'>,
    JoinRates {
  /**
   * How long, in ms, a room that everyone has left stays in memory, and with it a log that is nowhere else. An hour;
   * with a history a minute.
   */
  readonly roomIdle?: number;
  /** Bytes that the windows of all rooms together may take; those that were not used for longest give first. */
  readonly memoryLimit?: number;
}

/** A room failed by a fault of its own; it begins anew, with what its history has. */
export interface RoomFailed {
  readonly type: 'room-failed';
  readonly room: string;
  readonly reason: string;
}

/** What happened, for logs and figures. It names nicks, rooms and sizes: the relay knows nothing else. */
export type RelayEvent = RoomEvent | TurnedAway | RoomFailed;

/**
 * The relay: connections merged into one message stream, ordered room by room, fanned out to sinks.
 *
 * It reads no message and holds no key: a room's name is a public key, and what its members say passes as bytes.
 * A connection that fails takes nobody along, and neither does a room: its members are closed and it begins anew.
 * When `stop$` emits, no connection is taken any more; everyone gets what was accepted, then `BYE`; then it completes.
 * Otherwise it completes when the connections have, and errors only with them. Unsubscribing closes every connection.
 *
 * ```text
 * connection   a----b----c-------
 *                relay(options)
 * out          (joined a)--(joined b)--(tokens a)--(left a)…
 * ```
 *
 * @example
 * import { type Observable, timer } from 'rxjs';
 * import { type Connection, relay, type RelayOptions } from 'rxchat/streams';
 *
 * const serve = (connection$: Observable<Connection>, options: RelayOptions) =>
 *   connection$.pipe(relay(options)).subscribe({ error: console.error });
 */
export const relay =
  (options: RelayOptions) =>
  (connection$: Observable<Connection>): Observable<RelayEvent> =>
    defer(() => {
      // A room that is let go may still be committing when it begins anew.
      const open = new Map<RoomName, Observable<Command>>();
      const gate = joinGate(options);
      const budget = windowBudget(options.memoryLimit);
      const serve = (name: RoomName, command$: Observable<Command>) => {
        open.set(name, command$);
        return room(name, { ...options, budget });
      };
      const accepted$ = connection$.pipe(takeUntil(options.stop$ ?? EMPTY));
      return accepted$.pipe(
        limitConnections(
          { ...options, gate },
          admission({ ...options, entrance: entrance({ ...options, gate }, open) }),
        ),
        connect((said$) =>
          merge(
            said$.pipe(filter(isTurnedAway)),
            said$.pipe(
              filter(isCommand),
              groupUntil(({ member }) => member.room, deserted(options)),
              mergeMap((command$) =>
                command$.pipe(
                  supervised(command$.key, gate, serve(command$.key, command$)),
                  finalize(() => {
                    if (open.get(command$.key) === command$) open.delete(command$.key);
                  }),
                ),
              ),
            ),
          ),
        ),
      );
    });

/** A member that was there for so long, in ms, and lost its connection comes back before strangers. */
const STAY_MS = 10_000;

/** A connection that its client did not mean to end. */
const isLost = ({ reason, fault }: Extract<Command, { type: 'leave' }>): boolean =>
  reason !== 'bye' && fault === undefined;

const isTurnedAway = (said: Command | TurnedAway): said is TurnedAway => said.type === 'turned-away';
const isCommand = (said: Command | TurnedAway): said is Command => said.type !== 'turned-away';

/** Emits when a room has been without members for so long that it is let go. */
const deserted =
  ({ history, grace = DEFAULT_GRACE, roomIdle = history === undefined ? 3_600_000 : 60_000 }: RelayOptions) =>
  (command$: Observable<Command>): Observable<unknown> =>
    command$.pipe(
      filter(({ type }) => type === 'join' || type === 'leave'),
      scan((members, { type }) => members + (type === 'join' ? 1 : -1), 0),
      // Not before the last one has departed, too.
      switchMap((members) => (members === 0 ? timer(Math.max(roomIdle, grace + 1)) : NEVER)),
    );

const supervised =
  (
    room: string,
    gate: Pick<JoinGate, 'reserve'>,
    serve: (command$: Observable<Command>) => Observable<RoomEvent>,
  ) =>
  (command$: Observable<Command>): Observable<RoomEvent | RoomFailed> => {
    // Who has joined may not have been served yet when the room fails or is let go, and would be nobody's then.
    const inside = new Map<Connection, number>();
    const attended$ = command$.pipe(
      map((command) => {
        const { connection } = command.member;
        if (command.type === 'join') inside.set(connection, schedulerTime());
        if (command.type === 'leave') {
          const since = inside.get(connection) ?? Infinity;
          if (isLost(command) && schedulerTime() - since >= STAY_MS) gate.reserve(connection.peer);
          inside.delete(connection);
        }
        return command;
      }),
    );
    const closeAll = () => {
      for (const connection of inside.keys()) connection.close();
      inside.clear();
    };
    return serve(attended$).pipe(
      catchError((error: unknown, again$) => {
        closeAll();
        return concat(of<RoomFailed>({ type: 'room-failed', room, reason: String(error) }), again$);
      }),
      finalize(closeAll),
    );
  };
