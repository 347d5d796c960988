import {
  catchError,
  concat,
  connect,
  defer,
  EMPTY,
  filter,
  finalize,
  ignoreElements,
  map,
  merge,
  mergeMap,
  type Observable,
  of,
  takeUntil,
  tap,
} from 'rxjs';
import { groupByUntil } from '../rx/groupByUntil.js';
import { takeUntilComplete } from '../rx/takeUntilComplete.js';
import { schedulerTime } from '../rx/tokenBucket.js';
import type { Connection } from '../wire/connection.js';
import type { RoomName } from '../wire/handshake.js';
import { joinCluster } from './cluster/cluster.js';
import type { Ledger } from './cluster/ledger.js';
import { sharedRoom } from './cluster/sharedRoom.js';
import { admission } from './connection/admission.js';
import type { ConnectionRejected } from './connection/connectionLimits.js';
import type { JoinLimiter } from './connection/joinPolicy.js';
import type { MemberCommand } from './connection/parseCommands.js';
import { deliveryCounter, type DeliveryTotals } from './delivery/deliveryCounter.js';
import type { GroupCommitOptions } from './log/groupCommit.js';
import type { History } from './log/history.js';
import { memoryBudget } from './log/slabs.js';
import { idleTimeout } from './idleTimeout.js';
import type { RelayOptions, RelayRules } from './relayOptions.js';
import { type RoomEvent, serveRoom } from './serveRoom.js';

/** A room failed because of a bug; it restarts with what its history has. */
export interface RoomFailed {
  readonly type: 'room-failed';
  readonly room: string;
  readonly reason: string;
}

/** What a relay holds when `sample$` emits. */
export interface LoadSampled extends DeliveryTotals {
  readonly type: 'sampled';
  /** Number of connections, with those that have not joined. */
  readonly connections: number;
  /** Number of rooms in memory. */
  readonly rooms: number;
  /** Bytes of the windows of all rooms. */
  readonly windowBytes: number;
}

/** An event of the relay, for logs and metrics. It names nicks, rooms and sizes: the relay knows nothing else. */
export type RelayEvent = RoomEvent | ConnectionRejected | RoomFailed | LoadSampled;

/**
 * The relay: connections merged into one message stream, ordered room by room, fanned out to sinks.
 *
 * It cannot read messages and has no key: the name of a room is a public key, and messages pass as bytes. A failing connection
 * affects no other member. A failing room closes only its own members and restarts. When `stop$` emits, no further
 * connection is accepted; every member gets the accepted messages, then `BYE`; then the output completes. Otherwise it
 * completes when the connections have, and errors only with them. Unsubscribing closes every connection.
 *
 * ```text
 * connection   a----b----c-------
 *                relay(options)
 * out          (joined a)--(joined b)--(stored a)--(left a)…
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
  ({
    limits,
    checkAccess,
    allowedRooms,
    timing,
    ledger,
    history: { store, ...history } = {},
    sample$ = EMPTY,
    rules$ = EMPTY,
    ...platform
  }: RelayOptions) =>
  (connection$: Observable<Connection>): Observable<RelayEvent> =>
    defer(() => {
      const options = { ...platform, ...timing, ...history, history: store };
      const cluster = ledger && joinCluster(checkedLedger(ledger, options));
      // A removed room can still be committing when the next one of its name starts.
      const openRooms = new Map<RoomName, Observable<MemberCommand>>();
      let rules: RelayRules = { limits, checkAccess, allowedRooms };
      const { limiter, counter, admit, recordJoined, setRules } = admission(
        { ...options, chargesWhenOpen: ledger !== undefined },
        rules,
        openRooms,
      );
      const newRules$ = rules$.pipe(
        tap((newRules) => {
          rules = newRules;
          setRules(newRules);
        }),
        ignoreElements(),
      );
      const budget = memoryBudget(limits?.memoryLimitBytes);
      const deliveries = deliveryCounter();
      const sampled$ = sample$.pipe(
        map((): LoadSampled => {
          const [connections, rooms, windowBytes] = [counter.count, openRooms.size, budget.usedBytes];
          return { type: 'sampled', connections, rooms, windowBytes, ...deliveries.totals() };
        }),
      );
      const serve = (name: RoomName, command$: Observable<MemberCommand>) => {
        openRooms.set(name, command$);
        const roomOptions = { ...options, ...rules.limits, budget };
        return cluster === undefined
          ? serveRoom(name, roomOptions, deliveries)
          : sharedRoom(name, { ...roomOptions, cluster }, deliveries);
      };
      const accepted$ = connection$.pipe(takeUntil(platform.stop$ ?? EMPTY));
      return accepted$.pipe(
        admit,
        connect((output$) =>
          merge(
            sampled$.pipe(takeUntilComplete(output$)),
            newRules$.pipe(takeUntilComplete(output$)),
            output$.pipe(filter(isRejected)),
            output$.pipe(
              filter(isCommand),
              groupByUntil(({ member }) => member.room, idleTimeout(options, ledger ?? store)),
              mergeMap((command$) =>
                command$.pipe(
                  restartOnError(command$.key, limiter, serve(command$.key, command$)),
                  tap((event) => {
                    if (event.type === 'joined') recordJoined(event);
                  }),
                  finalize(() => {
                    if (openRooms.get(command$.key) === command$) openRooms.delete(command$.key);
                  }),
                ),
              ),
            ),
          ),
        ),
      );
    });

/** Returns the ledger, if the other options of the relay allow one. */
const checkedLedger = (
  ledger: Ledger,
  { hash, history }: Pick<GroupCommitOptions, 'hash'> & { readonly history: History | undefined },
): Ledger => {
  if (hash === undefined) throw new TypeError('a relay with a `ledger` needs the option `hash`');
  if (history !== undefined) throw new TypeError('a relay needs a `ledger` or a `history.store`, not both');
  return ledger;
};

/** A member that stayed for this time in ms and lost its connection rejoins before strangers. */
const MIN_STAY_MS = 10_000;

/** Returns whether a connection ended without the intention of its client. */
const isLost = ({ reason, error }: Extract<MemberCommand, { type: 'leave' }>): boolean =>
  reason !== 'bye' && error === undefined;

const isRejected = (output: MemberCommand | ConnectionRejected): output is ConnectionRejected =>
  output.type === 'rejected';
const isCommand = (output: MemberCommand | ConnectionRejected): output is MemberCommand =>
  output.type !== 'rejected';

/** Closes the members of a room that fails, and starts it again. */
const restartOnError =
  (
    room: string,
    limiter: Pick<JoinLimiter, 'reserve'>,
    serve: (command$: Observable<MemberCommand>) => Observable<RoomEvent>,
  ) =>
  (command$: Observable<MemberCommand>): Observable<RoomEvent | RoomFailed> => {
    // A member may not be served yet when the room fails or is removed; nothing else would close its connection.
    const joinedAt = new Map<Connection, number>();
    const track = (command: MemberCommand) => {
      const { connection } = command.member;
      if (command.type === 'join') joinedAt.set(connection, schedulerTime());
      if (command.type === 'leave') {
        const since = joinedAt.get(connection) ?? Infinity;
        if (isLost(command) && schedulerTime() - since >= MIN_STAY_MS) limiter.reserve(connection.peer);
        joinedAt.delete(connection);
      }
    };
    const closeAll = () => {
      for (const connection of joinedAt.keys()) connection.close();
      joinedAt.clear();
    };
    return serve(command$.pipe(tap(track))).pipe(
      catchError((error: unknown, again$) => {
        closeAll();
        return concat(of<RoomFailed>({ type: 'room-failed', room, reason: String(error) }), again$);
      }),
      finalize(closeAll),
    );
  };
