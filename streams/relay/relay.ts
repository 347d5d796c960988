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
import type { Connection } from '../wire/connection.js';
import type { Feature } from '../wire/handshake.js';
import { joinCluster } from './cluster/cluster.js';
import type { Ledger } from './cluster/ledger.js';
import { sharedRoom } from './cluster/sharedRoom.js';
import { admission } from './connection/admission.js';
import type { ConnectionRejected } from './connection/connectionLimits.js';
import type { MemberCommand } from './connection/parseCommands.js';
import { deliveryCounter, type DeliveryTotals } from './delivery/deliveryCounter.js';
import type { GroupCommitOptions } from './log/groupCommit.js';
import type { History } from './log/history.js';
import { memoryBudget } from './log/slabs.js';
import { idleTimeout } from './idleTimeout.js';
import type { RelayOptions, RelayRules } from './relayOptions.js';
import { type RoomConnections, roomConnections } from './roomConnections.js';
import { type RoomNotRemoved, roomRemoval, type RoomRemoved } from './roomRemoval.js';
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
export type RelayEvent =
  RoomEvent | ConnectionRejected | RoomFailed | RoomRemoved | RoomNotRemoved | LoadSampled;

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
    removeRoom$ = EMPTY,
    ...platform
  }: RelayOptions) =>
  (connection$: Observable<Connection>): Observable<RelayEvent> =>
    defer(() => {
      const features: readonly Feature[] = [
        'owner',
        'ancestors',
        ...(platform.hash === undefined ? [] : (['hash'] as const)),
      ];
      const options = { ...platform, ...timing, ...history, history: store, features };
      const cluster = ledger && joinCluster(checkedLedger(ledger, options));
      // A removed room can still be committing when the next one of its name starts.
      const openRooms = new Map<string, RoomConnections>();
      const removal = roomRemoval(openRooms, ledger === undefined ? store : SHARED);
      let rules: RelayRules = { limits, checkAccess, allowedRooms };
      const { limiter, counter, admit, recordJoined, setRules } = admission(
        { ...options, chargesWhenOpen: ledger !== undefined, isRemoving: removal.isRemoving },
        rules,
        openRooms,
      );
      const budget = memoryBudget(limits?.memoryLimitBytes);
      const newRules$ = rules$.pipe(
        tap((newRules) => {
          rules = newRules;
          setRules(newRules);
          budget.setLimit(newRules.limits?.memoryLimitBytes);
        }),
        ignoreElements(),
      );
      const deliveries = deliveryCounter();
      const sampled$ = sample$.pipe(
        map((): LoadSampled => {
          const [connections, rooms, windowBytes] = [counter.count, openRooms.size, budget.usedBytes];
          return { type: 'sampled', connections, rooms, windowBytes, ...deliveries.totals() };
        }),
      );
      const serve = (name: string) => {
        const roomOptions = { ...options, ...rules.limits, budget };
        return cluster === undefined
          ? serveRoom(name, roomOptions, deliveries)
          : sharedRoom(name, { ...roomOptions, cluster }, deliveries);
      };
      const removed$ = removeRoom$.pipe(removal.removeRooms);
      const isIdle = idleTimeout(options, ledger ?? store);
      const roomEnd = (command$: Observable<MemberCommand>, name: string) =>
        merge(isIdle(command$), removal.ended$(name));
      const accepted$ = connection$.pipe(takeUntil(platform.stop$ ?? EMPTY));
      return accepted$.pipe(
        admit,
        connect((output$) =>
          merge(
            sampled$.pipe(takeUntilComplete(output$)),
            newRules$.pipe(takeUntilComplete(output$)),
            removed$.pipe(takeUntilComplete(output$)),
            output$.pipe(filter(isRejected)),
            output$.pipe(
              filter(isCommand),
              filter(removal.isCurrent),
              groupByUntil(({ member }) => member.room, roomEnd),
              mergeMap((command$) => {
                const { key: name } = command$;
                const connections = roomConnections(limiter);
                openRooms.set(name, connections);
                return command$.pipe(
                  restartOnError(name, connections, serve(name)),
                  tap((event) => {
                    if (event.type === 'joined') recordJoined(event);
                  }),
                  takeUntil(removal.ended$(name)),
                  finalize(() => {
                    connections.closeAll();
                    if (openRooms.get(name) === connections) openRooms.delete(name);
                  }),
                );
              }),
            ),
          ),
        ),
      );
    });

/** Relays that share a store may not remove what is in it. */
const SHARED: Pick<History, 'has' | 'remove'> = {
  has: () => true,
  remove: undefined,
};

/** Returns the ledger, if the other options of the relay allow one. */
const checkedLedger = (
  ledger: Ledger,
  { hash, history }: Pick<GroupCommitOptions, 'hash'> & { readonly history: History | undefined },
): Ledger => {
  if (hash === undefined) throw new TypeError('a relay with a `ledger` needs the option `hash`');
  if (history !== undefined) throw new TypeError('a relay needs a `ledger` or a `history.store`, not both');
  return ledger;
};

const isRejected = (output: MemberCommand | ConnectionRejected): output is ConnectionRejected =>
  output.type === 'rejected';
const isCommand = (output: MemberCommand | ConnectionRejected): output is MemberCommand =>
  output.type !== 'rejected';

/** Closes the members of a room that fails, and starts it again. */
const restartOnError =
  (
    room: string,
    { track, closeAll }: RoomConnections,
    serve: (command$: Observable<MemberCommand>) => Observable<RoomEvent>,
  ) =>
  (command$: Observable<MemberCommand>): Observable<RoomEvent | RoomFailed> =>
    serve(command$.pipe(tap(track))).pipe(
      catchError((error: unknown, again$) => {
        closeAll();
        return concat(of<RoomFailed>({ type: 'room-failed', room, reason: String(error) }), again$);
      }),
    );
