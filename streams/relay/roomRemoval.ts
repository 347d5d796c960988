import {
  catchError,
  defaultIfEmpty,
  defer,
  EMPTY,
  filter,
  finalize,
  map,
  mergeMap,
  type Observable,
  of,
  type OperatorFunction,
  Subject,
} from 'rxjs';
import { errorControl } from '../wire/control.js';
import { ProtocolError } from '../wire/errors.js';
import type { Member, MemberCommand } from './connection/parseCommands.js';
import type { History, RemovedEntries } from './log/history.js';
import type { RoomConnections } from './roomConnections.js';

/** A room was removed with its log, at the request of the operator. */
export interface RoomRemoved extends RemovedEntries {
  readonly type: 'room-removed';
  readonly room: string;
  /** Number of connections that were ended. */
  readonly connections: number;
}

/** A room could not be removed, or only a part of its entries. */
export interface RoomNotRemoved {
  readonly type: 'room-not-removed';
  readonly room: string;
  readonly reason: string;
}

/** Removes rooms. */
export interface RoomRemoval {
  /** Removes each room that comes in, and emits the result. */
  readonly removeRooms: OperatorFunction<string, RoomRemoved | RoomNotRemoved>;
  /** Emits once when a room has to end at once. Its connections are closed by then. */
  readonly ended$: (room: string) => Observable<unknown>;
  /** Whether the entries of a room are being removed, so that nobody can join it. */
  readonly isRemoving: (room: string) => boolean;
  /** Whether a command comes from a connection that was not closed by a removal. */
  readonly isCurrent: (command: MemberCommand) => boolean;
}

const REMOVED = new ProtocolError('room-not-allowed', 'the operator of the relay deleted this room');

/**
 * Creates what removes rooms from the memory and the store of a relay.
 *
 * The members of a room get `ERR`, and nothing more of its log. What they have sent and is not stored yet is dropped, and
 * nothing is announced. While the store removes the entries, nobody can join. Then the room is as new.
 *
 * @param openRooms the rooms in memory.
 */
export const roomRemoval = (
  openRooms: ReadonlyMap<string, RoomConnections>,
  store: Pick<History, 'has' | 'remove'> | undefined,
): RoomRemoval => {
  const endings = new Subject<string>();
  const removing = new Set<string>();
  const removedMembers = new WeakSet<Member>();

  const endRoom = (room: string): number => {
    const members = openRooms.get(room)?.closeAll(errorControl(REMOVED)) ?? [];
    // A connection ends later than its room, and must not open the room again.
    for (const member of members) removedMembers.add(member);
    endings.next(room);
    return members.length;
  };

  const remove = (room: string): Observable<RemovedEntries & { readonly connections: number }> =>
    defer(() => {
      if (removing.has(room)) throw new Error('this room is being removed already');
      if (!openRooms.has(room) && store?.has?.(room) !== true)
        throw new Error('the relay has no room with this name');
      if (store !== undefined && store.remove === undefined)
        throw new Error('the store of the relay cannot remove rooms');
      removing.add(room);
      const connections = endRoom(room);
      return (store?.remove?.(room) ?? EMPTY).pipe(
        defaultIfEmpty({ entries: 0, bytes: 0 }),
        map((removed) => ({ ...removed, connections })),
        finalize(() => removing.delete(room)),
      );
    });

  return {
    removeRooms: mergeMap((room) =>
      remove(room).pipe(
        map((removed): RoomRemoved => ({ type: 'room-removed', room, ...removed })),
        catchError((error: unknown) =>
          of<RoomNotRemoved>({
            type: 'room-not-removed',
            room,
            reason: error instanceof Error ? error.message : String(error),
          }),
        ),
      ),
    ),
    ended$: (room) => endings.pipe(filter((ended) => ended === room)),
    isRemoving: (room) => removing.has(room),
    isCurrent: ({ member }) => !removedMembers.has(member),
  };
};
